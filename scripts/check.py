"""`make check`: style, types, layers, templates, migrations, translations. Says what it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON = str(BIN / "python")
PACKAGES = [
    "mailcore", "company", "mailaccounts", "mailstore", "archive", "outbox",
    "tickets", "autoresponder", "documents", "intake", "crm", "poststelle", "scripts",
]  # fmt: skip

STEPS: list[tuple[str, list[str]]] = [  # two at a time; the longest comes first
    ("Typen (mypy --strict)", [str(BIN / "mypy"), *PACKAGES, "tests"]),
    ("Stil (ruff)", [str(BIN / "ruff"), "check", "."]),
    ("Format (ruff)", [str(BIN / "ruff"), "format", "--check", "."]),
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
    with ThreadPoolExecutor(max_workers=2) as both:
        failed = [title for title, is_good in both.map(run, STEPS) if not is_good]
    if failed:
        print(f"Nicht in Ordnung: {', '.join(failed)}")
    return 1 if failed else 0


def run(step: tuple[str, list[str]]) -> tuple[str, bool]:
    """Prints its result; what a command wrote is shown if it failed."""
    title, command = step
    begun = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    word = "gut" if result.returncode == 0 else "FEHLER"
    lines = [f"{title} … {word} ({time.monotonic() - begun:.1f} s)"]
    if result.returncode:
        lines += [result.stdout[-6000:], result.stderr[-4000:]]
    print("\n".join(lines), flush=True)
    return title, result.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
