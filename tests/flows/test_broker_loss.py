"""Redis is killed while mail comes in: the sweep and the watcher's next news deliver after it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.installation import FLEET, installed, wait_until
from tests.flows.provisioning import company_file
from tests.flows.test_kill import mail
from tests.servers.dovecot import Dovecot
from tests.servers.redis import run_redis
from tests.servers.smtp_sink import Sink

MAILS = 30


@pytest.mark.slow
@pytest.mark.dovecot
def test_nothing_is_lost_with_the_broker(tmp_path: Path, dovecot: Dovecot, smtp_sink: Sink) -> None:
    user = "broker@example.com"
    with installed(FLEET, tmp_path) as installation:
        with run_redis() as broker:
            installation.environment["REDIS_URL"] = broker.url
            installation.provision(company_file(dovecot, smtp_sink, support=user))
            installation.start()
            dovecot.deliver(user, mail(0))
            wait_until(
                lambda: len(installation.ask("received")["message_ids"]) == 1,
                seconds=90,
                what=f"the first mail is a ticket\n{installation.log_end()}",
            )
            dovecot.deliver(user, *(mail(number) for number in range(1, 10)))
        dovecot.deliver(user, *(mail(number) for number in range(10, MAILS)))
        with run_redis(port=broker.port):
            wait_until(
                lambda: len(installation.ask("received")["message_ids"]) >= MAILS,
                seconds=120,
                what=f"all mails are tickets\n{installation.log_end()}",
            )
            received = installation.ask("received")
            assert len(received["message_ids"]) == len(set(received["message_ids"])) == MAILS
            assert received["bad"] == received["open"] == []
            installation.kill()
