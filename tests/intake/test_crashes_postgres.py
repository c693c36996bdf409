"""The PostgreSQL server ends at once and comes back while mail is taken over."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.intake.crashing import empty_room, make_mails
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Cluster, postgres_cluster

MAILS = 20
pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgres_cluster(is_killed=True) as made:
        yield made


@pytest.mark.parametrize("point", ["intake.after_attempt", "intake.before_commit"])
def test_the_database_is_restarted_in_the_middle(
    point: str, cluster: Cluster, tmp_path: Path, dovecot: Dovecot, mailbox: str
) -> None:
    with ExitStack() as stack:
        with cluster.started(signal.SIGQUIT):  # at once, as by a power cut
            room = stack.enter_context(empty_room(tmp_path / "data", database_url=cluster.url))
            room.make_account(mailbox, dovecot)
            dovecot.append(mailbox, "INBOX", make_mails(MAILS))
            poller = stack.enter_context(room.stopped_at(point))
        poller.send_signal(signal.SIGCONT)
        assert poller.wait() != 0
        assert room.poll() != 0, "it is still away"
        with cluster.started():
            room.check_once(MAILS)
            stack.close()
    assert dovecot.messages(mailbox) == []
