"""`make test`: every test, on SQLite and on PostgreSQL with Redis.

Test servers that are missing are installed first where that is possible (Debian, root); otherwise the
tests that need them are skipped and listed at the end. With REQUIRE_SERVICES=1 a skip is a failure.
Further arguments go to pytest; with them only the SQLite run is made: `make test ARGS=tests/outbox`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers.postgres import run_postgres  # noqa: E402
from tests.servers.redis import run_redis  # noqa: E402
from tests.servers.requirements import available  # noqa: E402

DEBIAN_PACKAGES = {
    "dovecot": ["dovecot-imapd", "dovecot-lmtpd", "dovecot-submissiond"],
    "redis": ["redis-server"],
    "postgres": ["postgresql"],
    "chromium": ["chromium-headless-shell"],
    "cups": ["cups-daemon", "cups-client"],
}
# What does not depend on the database, or starts installations of both kinds itself.
ONLY_ONCE = [
    "tests/mailcore",
    "tests/servers",
    "tests/browser",
    "tests/flows",
    "tests/poststelle",
    "tests/mailaccounts/test_connection_test.py",
    "tests/mailaccounts/test_connection_test_failures.py",
    "tests/mailaccounts/test_discovery_screen.py",
    "tests/mailaccounts/test_local_server.py",
    "tests/documents/test_cups.py",
    "tests/documents/test_print_crashes.py",
    "tests/test_messages.py",
    "tests/test_static_files.py",
    "tests/test_vendor.py",
]

# One more than processors: many tests wait for a server or a browser.
_WORKERS = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]


def main(arguments: list[str]) -> int:
    begun = time.monotonic()
    _install_missing_servers()
    with tempfile.TemporaryDirectory(prefix="poststelle-test-", dir=_memory()) as name:
        folder = Path(name)
        (folder / "templates").mkdir()
        if arguments:
            first, second = _pytest("SQLite, Broker im Prozess", arguments, folder / "sqlite"), 0
        else:
            first, second = _run_both(folder)
    print(
        f"\nGesamt: {time.monotonic() - begun:.0f} s, {'gut' if not (first or second) else 'FEHLER'}"
    )
    return first or second


def _run_both(folder: Path) -> tuple[int, int]:
    """The second run takes place on the database server the fleets of the first one have used."""
    title = "SQLite, Broker im Prozess"
    if not (available("postgres") and available("redis")):
        first = _pytest(title, _WORKERS, folder / "sqlite")
        print("\nÜbersprungen: der Durchlauf auf PostgreSQL und Redis (nicht installiert).")
        return first, 1 if os.environ.get("REQUIRE_SERVICES") == "1" else 0
    with run_postgres() as postgres, run_redis() as redis:
        first = _pytest(title, _WORKERS, folder / "sqlite", TEST_POSTGRES_URL=postgres.url)
        second = _pytest(
            "PostgreSQL und Redis",
            [*_WORKERS, *(f"--ignore={path}" for path in ONLY_ONCE)],
            folder / "postgres",
            DATABASE_URL=postgres.url,
            REDIS_URL=redis.url,
        )
    return first, second


def _pytest(title: str, arguments: list[str], data_dir: Path, **environment: str) -> int:
    print(f"\n=== {title} ===", flush=True)
    data_dir.mkdir()
    whole = {**os.environ, "DATA_DIR": str(data_dir), "TMPDIR": str(data_dir), **environment}
    whole["TEST_TEMPLATES"] = str(data_dir.parent / "templates")
    # Hundreds of processes load the project: they compile it once.
    whole.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env=whole, check=False).returncode


def _memory() -> str | None:
    """Where files live in memory: what is written there need not wait for a disk, thousands of times.

    Tests let processes die, not machines: what a process wrote outlives it here as well.
    """
    folder = "/dev/shm"  # noqa: S108
    if not os.access(folder, os.W_OK):
        return None
    system = os.statvfs(folder)
    is_fit = system.f_bavail * system.f_frsize > 3_000_000_000 and not system.f_flag & os.ST_NOEXEC
    return folder if is_fit else None


def _install_missing_servers() -> None:
    missing = [name for name in DEBIAN_PACKAGES if not available(name)]
    if not missing:
        return
    packages = [package for name in missing for package in DEBIAN_PACKAGES[name]]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Nicht installiert: {', '.join(missing)}. Tests damit werden übersprungen.")
        print(f"Auf Debian: sudo apt-get install {' '.join(packages)}")
        return
    print(f"Testserver werden installiert: {' '.join(packages)} …", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        result = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"Das ging nicht: {result.stderr.strip()[-500:]}")
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
