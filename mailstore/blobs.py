"""Content-addressed storage of message bytes: written and synced before any row refers to them."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from typing import IO

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone
from isal import isal_zlib

FRESH = timedelta(minutes=30)
_WRITERS = 16  # threads that mostly wait for the disk
_SAMPLE = 4 << 10  # bytes out of the middle tell text from base64
_SAMPLED = 64 << 10  # from this size on
_PIECE = 1 << 20
LEVEL = 1  # higher levels cost time and win little


def sha256_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def blob_name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put_blob(raw: bytes) -> str:
    """Stores bytes durably and returns their SHA-256 (hex). Repeatable; the same bytes are kept once."""
    return put_blobs([raw])[0]


def put_blobs(raws: Iterable[bytes]) -> list[str]:
    """Like put_blob for many: together they wait for the disk about as long as one."""
    kept = [(sha256_of(raw), raw) for raw in raws]
    missing = {name: raw for name, raw in kept if not _is_fresh(blob_name(name))}
    if missing:
        _write(missing)
    return [sha256 for sha256, _ in kept]


def _write(raws: Mapping[str, bytes]) -> None:
    storage = storages["blobs"]
    if isinstance(storage, SyncedFileStorage):
        packed = {blob_name(name): partial(_compressed, raw) for name, raw in raws.items()}
        storage.save_many(packed)
        return

    def save(name: str, raw: bytes) -> None:
        storage.save(blob_name(name), ContentFile(b"".join(_compressed(raw))))

    with ThreadPoolExecutor(min(_WRITERS, len(raws))) as pool:
        _run_all(pool, save, raws.keys(), raws.values())


def _compressed(raw: bytes) -> Iterator[bytes]:
    """In pieces. Attachments in base64 win a quarter at most and cost most of the time: only wrapped."""
    middle = raw[len(raw) // 2 : len(raw) // 2 + _SAMPLE]
    is_dense = len(raw) > _SAMPLED and len(isal_zlib.compress(middle, LEVEL)) > 0.7 * len(middle)
    packer = zlib.compressobj(0) if is_dense else isal_zlib.compressobj(LEVEL)
    view = memoryview(raw)
    for start in range(0, len(raw), _PIECE):
        yield packer.compress(view[start : start + _PIECE])
    yield packer.flush()


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
            raw = _unpacked(file)
        except zlib.error as error:
            raise ValueError(f"blob {sha256} is damaged") from error
    if sha256_of(raw) != sha256:
        raise ValueError(f"blob {sha256} was altered")
    return raw


def _unpacked(file: IO[bytes]) -> bytes:
    """The whole content; at no time is it in memory twice."""
    unpacker = zlib.decompressobj()
    raw = BytesIO()
    while piece := file.read(_PIECE):
        raw.write(unpacker.decompress(piece))
    raw.write(unpacker.flush())
    if not unpacker.eof:
        raise zlib.error("the end is missing")
    return raw.getvalue()


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
        self.save_many({name: lambda: (content.read(),)})
        return name

    def save_many(self, contents: Mapping[str, Callable[[], Iterable[bytes]]]) -> None:
        """Saves all of them, by name, or raises OSError; their pieces are asked for in threads.

        All are written and synced side by side, as file systems merge syncs that wait together.
        """
        changed: set[str] = set()
        targets: dict[str, str] = {}  # by the name of the temporary file
        for name in contents:
            target = Path(self.path(name))
            changed |= _make_directories(target.parent)
            targets[f"{target.parent}/.new-{token_hex(8)}"] = str(target)
        with ThreadPoolExecutor(min(_WRITERS, len(changed))) as pool:
            try:
                _run_all(pool, _write_synced, targets, contents.values())
                for temporary, final in targets.items():
                    os.rename(temporary, final)
            except BaseException:
                for temporary in targets:
                    Path(temporary).unlink(missing_ok=True)
                raise
            _run_all(pool, _sync_directory, changed)


def _run_all(
    pool: ThreadPoolExecutor, work: Callable[..., None], *values: Iterable[object]
) -> None:
    """Waits until all of it has ended; then raises what one of them raised."""
    each = list(zip(*values, strict=True))
    if len(each) == 1:
        work(*each[0])
        return

    def work_on(share: Sequence[tuple[object, ...]]) -> None:
        for one in share:
            work(*one)

    # A task for each of them would cost as much as its work.
    running = [pool.submit(work_on, each[start::_WRITERS]) for start in range(_WRITERS)]
    wait(running)
    for share in running:
        share.result()


def _write_synced(path: str, pieces: Callable[[], Iterable[bytes]]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in pieces():
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _make_directories(directory: Path) -> set[str]:
    """Makes the directory; returns it and the parents that got a new entry: those need a sync."""
    changed = {str(directory)}
    missing = directory
    while not missing.is_dir():
        missing = missing.parent
        changed.add(str(missing))
    directory.mkdir(parents=True, exist_ok=True)
    return changed


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
