"""Reading a provisioning file: TOML in, checked entries out; every complaint names its line."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from django.utils.translation import gettext as _

from poststelle.provision.spec import BLOCKS, Block

Value = object  # what TOML knows: str, int, float, bool, date, list


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of the file. `values` is keyed as in the file; secrets are already resolved."""

    block: Block
    values: dict[str, Value]
    line: int
    lines: dict[str, int] = field(default_factory=dict)  # key → line
    parts: tuple[Entry, ...] = ()

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


class ProvisionError(Exception):
    """The file cannot be applied. `line` is 1-based."""

    def __init__(self, line: int, name: str, reason: str) -> None:
        super().__init__(f"Zeile {line}, {name}: {reason}" if name else f"Zeile {line}: {reason}")
        self.line = line


def read_file(path: Path) -> tuple[Entry, ...]:
    """The entries of the file in the order in which they must be created. Raises ProvisionError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProvisionError(1, "", _("Die Datei ist kein UTF-8-Text.")) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise ProvisionError(line, "", _("kein gültiges TOML (%s)") % error) from error
    places = _Places(text)
    known = {block.name: block for block in BLOCKS}
    for name in data:
        if name not in known:
            raise ProvisionError(places.table(name), name, _unknown(name, list(known)))
    return tuple(
        entry
        for block in BLOCKS
        for entry in _entries(block, data.get(block.name), places, block.name, path.parent)
    )


def _entries(
    block: Block, data: Value, places: _Places, name: str, folder: Path
) -> tuple[Entry, ...]:
    if data is None:
        return ()
    tables = data if isinstance(data, list) else [data]
    if not all(isinstance(table, dict) for table in tables):
        raise ProvisionError(places.key(name, 0, ""), name, _("hier wird eine Tabelle erwartet."))
    if not block.is_list and isinstance(data, list):
        raise ProvisionError(
            places.table(name), name, _("Diese Tabelle darf nur einmal vorkommen: [%s].") % name
        )
    return tuple(
        _entry(block, table, places, name, number, folder) for number, table in enumerate(tables)
    )


def _entry(
    block: Block, table: dict[str, Value], places: _Places, name: str, number: int, folder: Path
) -> Entry:
    parts = {part.name: part for part in block.parts}
    allowed = [*block.fields, *block.references, *parts]
    values: dict[str, Value] = {}
    lines: dict[str, int] = {}
    inner: list[Entry] = []
    start = places.table(name, number)
    for key, value in table.items():
        line = places.key(name, number, key)
        if key in parts:
            below = _Places(places.text, first=start, last=places.end(name, number))
            inner.extend(_entries(parts[key], value, below, f"{name}.{key}", folder))
            continue
        if key not in allowed:
            raise ProvisionError(line, f"{name}.{key}", _unknown(key, allowed))
        lines[key] = line
        if key in block.secrets:
            value = _resolve(str(value), line, f"{name}.{key}", folder)
        values[key] = value
    if block.identity_key and not values.get(block.identity_key):
        raise ProvisionError(start, name, _("„%s“ fehlt.") % block.identity_key)
    return Entry(block, values, start, lines, tuple(inner))


def _resolve(value: str, line: int, name: str, folder: Path) -> str:
    """env:NAME and file:PATH (relative to the provisioning file) instead of a secret in clear."""
    kind, _colon, rest = value.partition(":")
    if kind == "env":
        if rest not in os.environ:
            raise ProvisionError(
                line, name, _("Die Umgebungsvariable %s ist nicht gesetzt.") % rest
            )
        return os.environ[rest]
    if kind == "file":
        try:
            return (folder / rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ProvisionError(
                line, name, _("Die Datei %s kann nicht gelesen werden.") % rest
            ) from error
    return value


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return _("unbekannt. Meinten Sie „%s“?") % close[0]
    return _("unbekannt. Möglich sind: %s") % ", ".join(sorted(known))


class _Places:
    """Where tables and keys stand in the text; tomllib does not tell. Lines are 1-based."""

    def __init__(self, text: str, *, first: int = 1, last: int = 0) -> None:
        self.text = text
        self._lines = text.splitlines()
        self._first, self._last = first, last or len(self._lines)

    def table(self, name: str, number: int = 0) -> int:
        header = re.compile(rf"\s*\[\[?\s*{re.escape(name)}\s*\]\]?")
        found = [n for n in self._range() if header.match(self._lines[n - 1])]
        if len(found) > number:
            return found[number]
        return self._find_key(name.rpartition(".")[2], self._first, self._last) or self._first

    def end(self, name: str, number: int) -> int:
        """The last line of the table with all its parts."""
        start = self.table(name, number)
        for line in range(start + 1, self._last + 1):
            header = re.match(r"\s*\[\[?\s*([\w.\-]+)\s*\]\]?", self._lines[line - 1])
            if header and not header.group(1).startswith(f"{name}."):
                return line - 1
        return self._last

    def key(self, name: str, number: int, key: str) -> int:
        start = self.table(name, number)
        return self._find_key(key, start, self.end(name, number)) or start

    def _find_key(self, key: str, first: int, last: int) -> int:
        if not key:
            return 0
        pattern = re.compile(
            rf"(?:^|[{{,\[.])\s*[\"']?{re.escape(key)}[\"']?\s*(?:[.=]|\]\]?\s*(?:#.*)?$)"
        )
        return next((n for n in range(first, last + 1) if pattern.search(self._lines[n - 1])), 0)

    def _range(self) -> range:
        return range(self._first, self._last + 1)
