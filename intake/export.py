"""Several set-aside messages in one ZIP: each as .eml, byte for byte, and a list of what they are."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from django.utils import timezone

from intake.models import IntakeItem
from mailaccounts.models import MailAccount
from mailstore.blobs import get_blob

_IN_MEMORY = 16 << 20
_COLUMNS = ("Datei", "Account", "Ordner", "Eingegangen", "Bytes", "Zustand", "Fehler")
_FORMULA = re.compile(r"^[=+\-@\t\r]")  # a spreadsheet would calculate it


@dataclass(frozen=True, slots=True)
class Export:
    """`file` is at its beginning; `left_out` counts those without bytes that could be read."""

    file: IO[bytes]
    count: int
    left_out: int


def export_items(items: Iterable[IntakeItem]) -> Export:
    """Packs these; the caller has checked the rights and closes the file."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the response closes it
    count, left_out = 0, 0
    lines: list[tuple[str, ...]] = [_COLUMNS]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for item, raw in _with_bytes(items):
            if raw is None:
                left_out += 1
                continue
            count += 1
            name = f"eingang-{item.pk}.eml"
            archive.writestr(name, raw)
            lines.append(_line(name, item, len(raw)))
        archive.writestr("inhalt.csv", _as_csv(lines))
    file.seek(0)
    return Export(file, count, left_out)


def _with_bytes(items: Iterable[IntakeItem]) -> Iterator[tuple[IntakeItem, bytes | None]]:
    for item in items:
        try:
            yield item, get_blob(item.blob) if item.has_whole_mail else None
        except (FileNotFoundError, ValueError):
            yield item, None


def _line(name: str, item: IntakeItem, size: int) -> tuple[str, ...]:
    account: MailAccount = item.account
    when = timezone.localtime(item.internal_date)
    return (
        *(name, account.email, item.folder.name, f"{when:%d.%m.%Y %H:%M:%S}", str(size)),
        *(str(item.get_state_display()), item.error),
    )


def _as_csv(lines: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    for line in lines:
        writer.writerow([_FORMULA.sub(r"'\g<0>", cell) for cell in line])
    return "\ufeff" + text.getvalue()
