"""„Möglicherweise Antwort auf …“, merging and taking it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from company.models import User
from tests.factories import make_employee, make_ticket, make_user
from tests.tickets.incoming import make_ticket_account, take, ticket_of
from tickets.merge import MergeRefused, merge, undo_merge
from tickets.models import Ticket, TicketMerge

pytestmark = pytest.mark.django_db


@pytest.fixture
def petra() -> User:
    return make_user("petra")


def two_tickets() -> tuple[Ticket, Ticket]:
    """A ticket, and a mail of a stranger that names its number."""
    account = make_ticket_account()
    first = ticket_of(take(account, Message_ID="<erste@huber.example>"))
    guess = take(
        account,
        sender="Eva <eva@fremd.example>",
        subject=f"Re: Anfrage [Ticket#{first.number}]",
        Message_ID="<fremd@fremd.example>",
    )
    return first, ticket_of(guess)


def test_the_guess_is_kept_and_shown_with_one_click(client: Client, petra: User) -> None:
    first, second = two_tickets()
    assert second.maybe_answers == first
    client.force_login(petra)
    page = client.get(reverse("tickets:ticket", args=[second.number])).content.decode()
    assert "Möglicherweise Antwort auf" in page
    assert f'name="ziel" value="{first.number}"' in page
    client.post(reverse("tickets:merge", args=[second.number]), {"ziel": first.number})
    second.refresh_from_db()
    assert (second.merged_into, second.status) == (first, "abgeschlossen")
    assert first.messages.count() == 2
    page = client.get(reverse("tickets:ticket", args=[first.number])).content.decode()
    assert "Hiermit zusammengeführt" in page
    page = client.get(reverse("tickets:ticket", args=[second.number])).content.decode()
    assert "aufgegangen in" in page
    assert reverse("tickets:reply", args=[second.number]) not in page
    assert client.get(reverse("tickets:reply", args=[second.number])).status_code == 404


def test_no_is_an_answer(client: Client, petra: User) -> None:
    _first, second = two_tickets()
    client.force_login(petra)
    client.post(reverse("tickets:keep_apart", args=[second.number]))
    page = client.get(reverse("tickets:ticket", args=[second.number])).content.decode()
    assert "Möglicherweise Antwort auf <" not in page
    assert "zusammenfuehren" not in page


def test_mail_to_the_merged_ticket_goes_to_its_target_and_back(petra: User) -> None:
    first, second = two_tickets()
    done = merge(ticket=second, into=first, actor=petra)
    account = first.account
    assert account is not None
    answer: dict[str, Any] = {
        "sender": "Eva <eva@fremd.example>",
        "In_Reply_To": "<fremd@fremd.example>",
    }
    assert ticket_of(take(account, **answer)) == first
    undo_merge(done=done, actor=petra)
    assert ticket_of(take(account, **answer)) == second
    assert first.messages.count() == 2  # its own, and what came while they were one
    assert second.messages.count() == 2


def test_undo_restores_both_and_happens_once(petra: User) -> None:
    first, second = two_tickets()
    Ticket.objects.filter(pk=first.pk).update(status="abgeschlossen", waiting_since=None)
    before = [_looks(first), _looks(second)]
    done = merge(ticket=second, into=first, actor=petra)
    first.refresh_from_db()
    assert first.status == "offen"  # somebody waits again
    assert first.waiting_since is not None
    assert second.thread_ids.count() == 0
    undo_merge(done=done, actor=petra)
    undo_merge(done=done, actor=petra)
    assert [_looks(first), _looks(second)] == before
    assert TicketMerge.objects.get().undone_at is not None
    again = merge(ticket=second, into=first, actor=petra)
    assert again.pk != done.pk


def _looks(ticket: Ticket) -> tuple[object, ...]:
    fresh = Ticket.objects.get(pk=ticket.pk)
    ids = tuple(sorted(fresh.thread_ids.values_list("message_id_hash", flat=True)))
    mails = tuple(fresh.messages.values_list("pk", flat=True))
    return (
        fresh.status,
        fresh.waiting_since,
        fresh.closed_at,
        fresh.preview,
        fresh.last_message_at,
        fresh.merged_into_id,
        ids,
        mails,
    )


def test_circles_and_second_merges_are_refused(petra: User) -> None:
    first, second = two_tickets()
    third = make_ticket(number="90001")
    with pytest.raises(MergeRefused):
        merge(ticket=first, into=first, actor=petra)
    done = merge(ticket=second, into=first, actor=petra)
    for ticket, into in ((second, third), (third, second), (first, second)):
        with pytest.raises(MergeRefused):
            merge(ticket=ticket, into=into, actor=petra)
    merge(ticket=first, into=third, actor=petra)
    with pytest.raises(MergeRefused):
        undo_merge(done=done, actor=petra)
    assert TicketMerge.objects.filter(undone_at=None).count() == 2


def test_nobody_merges_into_what_he_may_not_see(client: Client) -> None:
    _first, second = two_tickets()
    chief = make_employee("Chefin", user=make_user("chefin"))
    account = make_ticket_account("chefin@firma.example", employees=(chief,))
    hidden = make_ticket(number="90002", account=account)
    Ticket.objects.filter(pk=second.pk).update(maybe_answers=hidden)
    client.force_login(make_user("hans"))
    page = client.get(reverse("tickets:ticket", args=[second.number])).content.decode()
    assert hidden.number not in page
    merging = reverse("tickets:merge", args=[second.number])
    assert client.post(merging, {"ziel": hidden.number}).status_code == 404
    client.force_login(make_user("pruefer", role="auditor"))
    assert client.post(merging, {"ziel": hidden.number}).status_code == 403
    second.refresh_from_db()
    assert second.merged_into is None
