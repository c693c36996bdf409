"""`make check`: style, types, layers, templates, migrations, translations. Says what it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON = str(BIN / "python")
PACKAGES = [
    "mailcore", "company", "mailaccounts", "mailstore", "archive", "outbox",
    "tickets", "autoresponder", "documents", "intake", "crm", "poststelle", "scripts",
]  # fmt: skip

STEPS: list[tuple[str, list[str]]] = [
    ("Stil (ruff)", [str(BIN / "ruff"), "check", "."]),
    ("Format (ruff)", [str(BIN / "ruff"), "format", "--check", "."]),
    ("Typen (mypy --strict)", [str(BIN / "mypy"), *PACKAGES, "tests"]),
    ("Schichten (import-linter)", [str(BIN / "lint-imports"), "--no-cache"]),
    ("Vorlagen (djlint)", [str(BIN / "djlint"), "templates", "--lint", "--quiet"]),
    ("Systemprüfung", [PYTHON, "manage.py", "check"]),
    ("Migrationen", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]),
    ("Übersetzungen", [PYTHON, "scripts/messages.py", "--check"]),
    (
        "docker-compose.yml",
        [
            str(BIN / "check-jsonschema"),
            "--builtin-schema",
            "vendor.compose-spec",
            "docker-compose.yml",
        ],
    ),
]


def main() -> int:
    failed = []
    for title, command in STEPS:
        begun = time.monotonic()
        print(f"{title} …", end=" ", flush=True)
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        print("gut" if result.returncode == 0 else "FEHLER", f"({time.monotonic() - begun:.1f} s)")
        if result.returncode:
            failed.append(title)
            print(result.stdout[-6000:], result.stderr[-4000:], sep="\n")
    if failed:
        print(f"Nicht in Ordnung: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
