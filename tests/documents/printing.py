"""Printers for tests: a folder, and a `lp` that does what the test says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from documents.models import Printer

_LP = """#!/bin/sh
printf '%s\\n' "$@" > "{folder}/arguments"
env > "{folder}/environment"
for last; do :; done
cp -- "$last" "{folder}/printed.pdf"
{script}
"""

_LPSTAT = "#!/bin/sh\necho 'scheduler is running'\n"


@dataclass(frozen=True)
class FakeLp:
    """What the program was called with; `printed` is the file it got."""

    folder: Path

    def says(self, script: str) -> None:
        file = self.folder / "bin" / "lp"
        file.write_text(_LP.format(folder=self.folder, script=script), encoding="utf-8")
        file.chmod(0o755)

    @property
    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_text(encoding="utf-8").splitlines()

    @property
    def environment(self) -> str:
        return (self.folder / "environment").read_text(encoding="utf-8")

    @property
    def printed(self) -> bytes | None:
        file = self.folder / "printed.pdf"
        return file.read_bytes() if file.exists() else None


def make_lp(folder: Path, patch: pytest.MonkeyPatch) -> FakeLp:
    (folder / "bin").mkdir()
    patch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    lpstat = folder / "bin" / "lpstat"
    lpstat.write_text(_LPSTAT, encoding="utf-8")
    lpstat.chmod(0o755)
    fake = FakeLp(folder)
    fake.says("echo 'request id is buero-12 (1 file(s))'")
    return fake


def make_printer(name: str = "Büro", **values: Any) -> Printer:
    return Printer.objects.create(name=name, **{"queue": "buero", **values})


def folder_printer(folder: Path, name: str = "Ablage", **values: Any) -> Printer:
    return make_printer(name, kind=Printer.Kind.FOLDER, folder=str(folder), **values)
