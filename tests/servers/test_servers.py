"""The servers start, answer, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import redis as redis_client

from tests.servers.postgres import Postgres, run_postgres
from tests.servers.processes import server_directory
from tests.servers.redis import Redis
from tests.servers.requirements import require


@pytest.mark.postgres
def test_postgres_answers(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("select 'ä' || 1").fetchone() == ("ä1",)
        assert connection.execute("show fsync").fetchone() == ("off",)


@pytest.mark.postgres
def test_postgres_is_gone_afterwards() -> None:
    with run_postgres() as server, psycopg.connect(server.url) as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    assert not Path(row[0]).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)


@pytest.mark.redis
def test_redis_answers(redis: Redis) -> None:
    client = redis_client.Redis.from_url(redis.url)
    assert client.set("a", "1")
    assert client.get("a") == b"1"
    client.close()


def test_directories_are_removed() -> None:
    with server_directory("x") as directory:
        (directory / "file").write_text("x")
    assert not directory.exists()


def test_a_missing_server_is_skipped_by_name_or_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis is not installed"):
        require("redis")
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="redis is not installed"):
        require("redis")
