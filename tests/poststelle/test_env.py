"""Settings from the environment: typed, and a typing error stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import warm


def start_with(tmp_path: Path, **environment: str) -> str:
    """What `manage.py check` says in a process with these variables."""
    whole = {"PATH": "", "DATA_DIR": str(tmp_path / "data"), **environment}
    result = warm.run(["manage.py", "check"], environment=whole)
    return f"{result.returncode} {result.stdout}{result.stderr}"


def test_an_empty_environment_is_enough(tmp_path: Path) -> None:
    assert start_with(tmp_path).startswith("0 ")
    key = tmp_path / "data" / "secret_key"
    assert key.stat().st_mode & 0o077 == 0
    first = key.read_text()
    start_with(tmp_path)
    assert key.read_text() == first


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("POSTSTELLE_DEBUG", "maybe", "erwartet wird 1 oder 0"),
        ("POSTSTELLE_POLL_SECONDS", "soon", "ganze Zahl"),
        ("POSTSTELLE_POLL_SECONDS", "0", "mindestens 1"),
        ("POSTSTELLE_POL_SECONDS", "5", "Unbekannte Einstellung: POSTSTELLE_POL_SECONDS"),
        ("DATABASE_URL", "mysql://x/y", "postgres://benutzer"),
        ("POSTSTELLE_DNS_SERVER", "dns.example:53", "IP-Adresse"),
        ("POSTSTELLE_DNS_SERVER", "192.0.2.1:dns", "IP-Adresse"),
        ("SECRET_KEY", "short", "SECRET_KEY ist zu kurz"),
        ("POSTSTELLE_SECRETS_KEYS", "nonsense", "Schlüssel 1 ist ungültig"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_itself(
    tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    said = start_with(tmp_path, **{name: value})
    assert not said.startswith("0 ")
    assert complaint in said
