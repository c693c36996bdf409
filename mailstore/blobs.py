"""Content-addressed storage of message bytes: written and synced before any row refers to them."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

FRESH = timedelta(minutes=30)
_WRITERS = 8
_SAMPLE = 16 << 10  # bytes
LEVEL = 1  # higher levels cost time and win little


def sha256_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def blob_name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put_blob(raw: bytes) -> str:
    """Stores bytes durably and returns their SHA-256 (hex). Repeatable; the same bytes are kept once."""
    return put_blobs([raw])[0]


def put_blobs(raws: Iterable[bytes]) -> list[str]:
    """Like put_blob for many: they are compressed, written and synced side by side.

    File systems merge syncs that wait at the same moment, and compressing runs without Python's lock.
    """
    kept = [(sha256_of(raw), raw) for raw in raws]
    missing = {name: raw for name, raw in kept if not _is_fresh(blob_name(name))}
    if len(missing) == 1:
        _write(*next(iter(missing.items())))
    elif missing:
        with ThreadPoolExecutor(min(_WRITERS, len(missing))) as writers:
            list(writers.map(_write, missing.keys(), missing.values()))
    return [sha256 for sha256, _ in kept]


def _write(sha256: str, raw: bytes) -> None:
    storages["blobs"].save(blob_name(sha256), ContentFile(_compressed(raw)))


def _compressed(raw: bytes) -> bytes:
    """Attachments in base64 win a quarter at most and cost most of the time: they are only wrapped."""
    middle = raw[len(raw) // 2 :][:_SAMPLE]
    is_dense = len(raw) > 4 * _SAMPLE and len(zlib.compress(middle, LEVEL)) > 0.7 * len(middle)
    return zlib.compress(raw, 0 if is_dense else LEVEL)


def _is_fresh(name: str) -> bool:
    """Whether the bytes are there and too young to be deleted as unneeded this very moment."""
    try:
        written = storages["blobs"].get_modified_time(name)
    except FileNotFoundError:
        return False
    return timezone.now() - written < FRESH


def get_blob(sha256: str) -> bytes:
    """The bytes. Raises FileNotFoundError if they are missing, ValueError if they were altered."""
    with storages["blobs"].open(blob_name(sha256)) as file:
        try:
            raw = zlib.decompress(file.read())
        except zlib.error as error:
            raise ValueError(f"blob {sha256} is damaged") from error
    if sha256_of(raw) != sha256:
        raise ValueError(f"blob {sha256} was altered")
    return raw


def get_blob_start(sha256: str, length: int) -> bytes:
    """The first `length` bytes at most, unchecked, without unpacking the rest. Raises like get_blob."""
    with storages["blobs"].open(blob_name(sha256)) as file:
        try:
            return zlib.decompressobj().decompress(file.read(length), length)
        except zlib.error as error:
            raise ValueError(f"blob {sha256} is damaged") from error


def has_blob(sha256: str) -> bool:
    return storages["blobs"].exists(blob_name(sha256))


def delete_blob(sha256: str) -> None:
    storages["blobs"].delete(blob_name(sha256))


def delete_stale_blob(sha256: str) -> bool:
    """Deletes bytes that nothing refers to, unless they were stored again lately (False)."""
    if _is_fresh(blob_name(sha256)):
        return False
    delete_blob(sha256)
    return True


class SyncedFileStorage(FileSystemStorage):
    """Files that survive a power cut once `save` has returned: temporary file, fsync, rename, fsync.

    Saving under a name that exists replaces the file by the same content: names are its hashes.
    """

    def save(
        self, name: str | None, content: IO[bytes] | File[bytes], max_length: int | None = None
    ) -> str:
        assert name is not None
        target = Path(self.path(name))
        made = _make_directories(target.parent, Path(self.location))
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content.read())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).rename(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        for directory in {target.parent, *made}:
            _sync_directory(directory)
        return name


def _make_directories(directory: Path, root: Path) -> list[Path]:
    """Makes the directory; returns the parents that got a new entry and so need a sync."""
    changed = []
    missing = directory
    while missing != root.parent and not missing.exists():
        changed.append(missing.parent)
        missing = missing.parent
    directory.mkdir(parents=True, exist_ok=True)
    return changed


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
