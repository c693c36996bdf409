"""The largest message a server takes is known before anything is sent."""

from __future__ import annotations

import pytest

from mailaccounts import links
from mailcore.errors import TooLarge
from mailcore.messages import FilePart
from outbox.deliver import deliver_account
from outbox.enqueue import too_large_text
from outbox.models import OutgoingMessage
from tests.factories import make_account
from tests.outbox.outgoing import fresh, make_draft, out_link, queue
from tests.servers.scripted import ScriptedServer, run_scripted, smtp_script

pytestmark = pytest.mark.django_db

BIG = (FilePart("Plan.pdf", "application/pdf", b"x" * 60_000),)


def _heard(server: ScriptedServer, verb: str) -> list[str]:
    return [line for line in server.heard if line.startswith(verb)]


def test_it_is_remembered_at_every_connection() -> None:
    account = make_account()
    for extensions, limit in ((("SIZE 50000",), 50_000), (("SIZE 0",), None), ((), None)):
        with run_scripted(smtp_script(extensions=extensions)) as server:
            account.smtp_port = server.port
            account.save()
            queue(account)
            assert deliver_account(account.pk).sent == 1
        assert links.max_message_size(account.pk) == limit


def test_what_is_larger_is_refused_before_it_is_queued() -> None:
    account = make_account()
    links.remember_max_size(account.pk, 1)  # there is no link yet: nothing is known
    queue(account)
    links.take_lease(account.pk, "out")
    links.remember_max_size(account.pk, 50_000)
    queue(account)
    with pytest.raises(TooLarge) as refusal:
        queue(account, draft=make_draft(files=BIG))
    assert refusal.value.limit == 50_000 < refusal.value.size
    text = too_large_text(refusal.value)
    assert "48,8" in text
    assert "Anhänge" in text
    assert OutgoingMessage.objects.count() == 2


def test_new_settings_forget_it() -> None:
    account = make_account()
    links.take_lease(account.pk, "out")
    links.remember_max_size(account.pk, 50_000)
    links.wake(account.pk)
    assert out_link(account).max_message_size is None


def test_a_limit_learned_too_late_fails_without_a_transfer() -> None:
    account = make_account()
    outgoing = queue(account, draft=make_draft(files=BIG))
    with run_scripted(smtp_script(extensions=("SIZE 50000",))) as server:
        account.smtp_port = server.port
        account.save()
        assert deliver_account(account.pk).failed == 1
        assert _heard(server, "MAIL") == _heard(server, "DATA") == []
    assert (fresh(outgoing).state, fresh(outgoing).error_kind) == ("failed", "too_large")


@pytest.mark.parametrize("offered", [True, False])
def test_smtputf8_only_where_it_is_offered(offered: bool) -> None:
    extensions = ("8BITMIME", "SMTPUTF8") if offered else ("8BITMIME",)
    with run_scripted(smtp_script(extensions=extensions)) as server:
        account = make_account(smtp_port=server.port)
        outgoing = queue(account, "anna@x.example", "jürgen@müller.example")
        deliver_account(account.pk)
        (mail,) = _heard(server, "MAIL")
        recipients = _heard(server, "RCPT")
    assert ("SMTPUTF8" in mail) is offered
    assert len(recipients) == (2 if offered else 1)
    assert "xn--mller-kva.example" in "".join(recipients) or not offered
    assert fresh(outgoing).state == "sent"
    assert outgoing.recipients.get(email__startswith="j").state == (
        "accepted" if offered else "refused"
    )
