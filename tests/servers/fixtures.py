"""The servers as pytest fixtures: started once per session, on first use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.server import Encryption
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.oauth import AuthorizationServer, run_authorization_server
from tests.servers.oauth_dovecot import run_oauth_dovecot
from tests.servers.postgres import Postgres, run_postgres
from tests.servers.processes import give_to_server, server_directory
from tests.servers.redis import Redis, run_redis
from tests.servers.requirements import require
from tests.servers.smtp_sink import Sink, run_smtp_sink


@pytest.fixture(scope="session")
def _room_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("room")


@pytest.fixture
def room_folder(_room_folder: Path) -> Path:
    """Empty, and always the same: an installation has the environment of the one before it.

    So its processes are forked from one that is set up already (tests/servers/warm.py).
    """
    shutil.rmtree(_room_folder)
    _room_folder.mkdir()
    return _room_folder


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    with server_directory("certificates") as directory:
        made = make_certificates(directory)
        for path in directory.iterdir():
            give_to_server(path)
        yield made


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    """One Dovecot for all tests: use a mailbox name of the test's own."""
    with run_dovecot(certificates.valid, certificates.ca_file) as server:
        yield server


@pytest.fixture
def mailbox(dovecot: Dovecot, request: pytest.FixtureRequest) -> str:
    """A user of the session's Dovecot that no other test has."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.nodeid.lower())[-50:]
    return f"{name.strip('-')}@example.com"


@pytest.fixture(scope="session")
def _plain_sink() -> Iterator[Sink]:
    require("aiosmtpd")
    with run_smtp_sink() as sink:
        yield sink


@pytest.fixture(scope="session")
def _starttls_sink(certificates: Certificates) -> Iterator[Sink]:
    require("aiosmtpd")
    with run_smtp_sink(
        encryption=Encryption.STARTTLS,
        certificate=certificates.valid,
        ca_file=str(certificates.ca_file),
    ) as sink:
        yield sink


@pytest.fixture(scope="session")
def _relay_sink(dovecot: Dovecot) -> Iterator[Sink]:
    require("aiosmtpd")
    with run_smtp_sink(port=dovecot.relay_port, offers_auth=False) as sink:
        yield sink


@pytest.fixture
def smtp_sink(_plain_sink: Sink) -> Iterator[Sink]:
    """An SMTP server without encryption, empty and well-behaved."""
    _plain_sink.reset()
    yield _plain_sink
    _plain_sink.reset()


@pytest.fixture
def starttls_sink(_starttls_sink: Sink) -> Iterator[Sink]:
    """An SMTP server that demands STARTTLS, empty and well-behaved."""
    _starttls_sink.reset()
    yield _starttls_sink
    _starttls_sink.reset()


@pytest.fixture
def relay_sink(_relay_sink: Sink) -> Iterator[Sink]:
    """Where the session's Dovecot hands on what it gets by submission."""
    _relay_sink.reset()
    yield _relay_sink
    _relay_sink.reset()


@pytest.fixture(scope="session")
def _authorization(certificates: Certificates) -> Iterator[AuthorizationServer]:
    with run_authorization_server(certificates.valid, certificates.ca_file) as server:
        yield server


@pytest.fixture
def authorization(_authorization: AuthorizationServer) -> Iterator[AuthorizationServer]:
    """Google and Microsoft in one, well-behaved, with nothing remembered."""
    _authorization.reset()
    yield _authorization
    _authorization.reset()


@pytest.fixture(scope="session")
def oauth_dovecot(
    certificates: Certificates, _authorization: AuthorizationServer
) -> Iterator[Dovecot]:
    """A Dovecot that believes the access tokens of `authorization`; its relay works."""
    require("aiosmtpd")
    with (
        run_oauth_dovecot(certificates.valid, certificates.ca_file, _authorization) as server,
        run_smtp_sink(port=server.relay_port, offers_auth=False),
    ):
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    with run_redis() as server:
        yield server
