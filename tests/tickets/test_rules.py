"""„Ticketregeln“: what matches, what is done, in which order, with how many queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from autoresponder.models import Autoresponder
from intake.answer import answer_mail
from mailcore.parse import parse
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage
from tests.factories import make_project, make_queue, make_ticket, make_user
from tests.intake.mailbox import make_mail
from tests.tickets.incoming import as_incoming, make_ticket_account, take, ticket_of
from tickets.models import Rule, RuleCondition, Tag, Ticket, TicketEvent
from tickets.numbers import NumberBlock
from tickets.receive import receive_group
from tickets.rules import Condition, LoadedRule, Outcome, apply_rules, facts_of

pytestmark = pytest.mark.django_db


def make_rule(
    name: str = "Shop", *conditions: tuple[str, ...], tags: tuple[str, ...] = (), **values: Any
) -> Rule:
    """A rule; without conditions it is for everybody named Huber."""
    values.setdefault("order", Rule.objects.count() + 1)
    rule = Rule.objects.create(name=name, **values)
    for field, operator, value, *header in conditions or (("sender", "contains", "huber"),):
        RuleCondition.objects.create(
            rule=rule, field=field, operator=operator, value=value, header="".join(header)
        )
    for tag in tags:
        rule.tags.add(Tag.objects.get_or_create(name=tag)[0])
    return rule


def events(ticket: Ticket) -> list[str]:
    found = TicketEvent.objects.filter(ticket=ticket, text__startswith="Regel")
    return list(found.values_list("text", flat=True))


MAIL = make_mail(
    1,
    sender='"Shop, Nord" <bestellung@shop.example>',
    to="Info <info@firma.example>",
    subject="[Bestellung] Nr. 4711: 3 Stück",
    text="Bitte liefern Sie an die Hafenstraße.",
    X_Shop="nordlicht; v=2",
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("sender", "contains", "SHOP.example"), True),
        (("sender", "contains", "nord"), True),
        (("sender", "is", "Bestellung@Shop.example"), True),
        (("sender", "is", "shop.example"), False),
        (("sender", "wildcard", "*@shop.example"), True),
        (("sender", "wildcard", "*@example"), False),
        (("sender", "not", "huber"), True),
        (("sender", "not", "shop"), False),
        (("recipient", "is", "info@firma.example"), True),
        (("recipient", "contains", "einkauf@"), False),
        (("subject", "contains", "bestellung"), True),
        (("subject", "wildcard", "[bestellung]*"), True),
        (("subject", "wildcard", "b*"), False),
        (("subject", "wildcard", "*nr. ????:*"), True),
        (("subject", "wildcard", "*nr. ???:*"), False),
        (("body", "contains", "HAFENSTRASSE"), True),
        (("body", "wildcard", "*liefern*"), True),
        (("body", "contains", "rechnung"), False),
        (("header", "contains", "nordlicht", "x-shop"), True),
        (("header", "contains", "nordlicht", "X-Shop:"), True),
        (("header", "contains", "nordlicht", "X-Other"), False),
        (("header", "not", "nordlicht", "X-Other"), True),
    ],
)
def test_conditions(condition: tuple[str, ...], expected: bool) -> None:
    field, operator, value, *header = condition
    rule = LoadedRule(
        "r", None, True, False, False, (Condition(field, operator, value, "".join(header)),)
    )
    outcome = apply_rules([rule], facts_of(parse(MAIL)), account_id=1, is_new=True)
    assert bool(outcome.rules) is expected


def test_many_stars_do_not_take_forever() -> None:
    condition = Condition("subject", "wildcard", "*a" * 60 + "b")
    rule = LoadedRule("r", None, True, False, False, (condition,))
    facts = facts_of(parse(make_mail(2, subject="a" * 5000)))
    assert apply_rules([rule], facts, account_id=1, is_new=True) == Outcome()


@pytest.mark.parametrize(
    ("match", "words", "expected"),
    [
        ("all", ("shop", "nord"), True),
        ("all", ("shop", "süd"), False),
        ("any", ("shop", "süd"), True),
        ("any", ("west", "süd"), False),
    ],
)
def test_all_or_any(match: str, words: tuple[str, str], expected: bool) -> None:
    make_rule("R", *(("sender", "contains", word) for word in words), match=match, priority=3)
    ticket = ticket_of(take(make_ticket_account(), MAIL))
    assert (ticket.priority == 3) is expected


def test_a_rule_without_conditions_is_for_nobody() -> None:
    rule = make_rule(priority=3)
    rule.conditions.all().delete()
    assert ticket_of(take(make_ticket_account())).priority == 2


def test_everything_a_rule_can_do_to_a_new_ticket() -> None:
    queue, project, petra = make_queue("Einkauf"), make_project("NORD"), make_user("petra")
    make_rule(
        "Shop",
        queue=queue,
        project=project,
        priority=3,
        assignee=petra,
        makes_personal=True,
        makes_gdpr=True,
        closes=True,
        tags=("Shop", "Eilig"),
    )
    ticket = ticket_of(take(make_ticket_account()))
    assert (ticket.queue, ticket.project, ticket.priority) == (queue, project, 3)
    assert (ticket.assignee, ticket.is_personal, ticket.is_gdpr) == (petra, True, True)
    assert (ticket.status, ticket.waiting_since) == ("abgeschlossen", None)
    assert ticket.closed_at is not None
    assert {tag.name for tag in ticket.tags.all()} == {"Shop", "Eilig"}
    (line,) = events(ticket)
    assert line.startswith("Regel „Shop“: Warteschlange Einkauf, Projekt NORD")
    assert line.endswith("Schlagwort „Eilig“, Schlagwort „Shop“")


def test_trash_wins_over_closing_in_one_rule() -> None:
    make_rule(to_trash=True, closes=True)
    assert ticket_of(take(make_ticket_account())).status == "spam"


def test_later_rules_win_until_one_stops() -> None:
    make_rule("C", priority=1, order=3)
    make_rule("A", priority=3, order=1, tags=("a",))
    stopper = make_rule("B", priority=2, order=2, tags=("b",))
    account = make_ticket_account()
    ticket = ticket_of(take(account))
    assert ticket.priority == 1
    assert [line[:9] for line in events(ticket)] == ["Regel „A“", "Regel „B“", "Regel „C“"]
    Rule.objects.filter(pk=stopper.pk).update(stops=True)
    ticket = ticket_of(take(account))
    assert ticket.priority == 2
    assert {tag.name for tag in ticket.tags.all()} == {"a", "b"}


def test_only_active_rules_of_the_account() -> None:
    account, other = make_ticket_account(), make_ticket_account("zwei@firma.example")
    make_rule("Aus", is_active=False, priority=3)
    make_rule("Anderer", account=other, priority=1)
    assert ticket_of(take(account)).priority == 2
    assert ticket_of(take(other)).priority == 1


def test_further_mails_only_where_the_rule_says_so() -> None:
    account = make_ticket_account()
    take(account, Message_ID="<erste@huber.example>")
    rule = make_rule(priority=3, tags=("Antwort",))
    answer: dict[str, Any] = {"In_Reply_To": "<erste@huber.example>"}
    ticket = ticket_of(take(account, **answer))
    assert (ticket.priority, ticket.tags.count(), events(ticket)) == (2, 0, [])
    Rule.objects.filter(pk=rule.pk).update(is_for_answers=True)
    ticket = ticket_of(take(account, **answer))
    assert (ticket.priority, ticket.tags.count(), len(events(ticket))) == (3, 1, 1)
    assert Ticket.objects.count() == 1
    take(account, **answer)
    assert len(events(ticket)) == 1  # nothing was different


def test_ignored_mail_is_kept_and_makes_no_ticket() -> None:
    make_rule(ignores=True)
    received = take(make_ticket_account())
    assert (received.ticket, received.is_new) == (None, False)
    assert not Ticket.objects.exists()
    assert StoredMessage.objects.count() == 1
    assert ticket_of(take(make_ticket_account("b@firma.example"), sender="x@y.example"))


def test_a_report_about_our_own_mail_is_never_ignored() -> None:
    from tests.tickets.test_bounces import report, sent_message, take_report

    make_rule("Alles", ("sender", "contains", "@"), ignores=True, is_for_answers=True)
    ticket = make_ticket(account=make_ticket_account(), status="warten_kd")
    take_report(ticket, report("failed", sent_message(ticket).message.message_id))
    assert ticket.messages.filter(kind="in").count() == 1


@pytest.mark.parametrize("action", ["no_autoresponse", "to_trash"])
def test_no_automatic_answer_and_the_history_says_why(action: str) -> None:
    account = make_ticket_account()
    Autoresponder.objects.create(account=account, is_active=True, subject="Ihr Ticket", text="Ja")
    values: dict[str, Any] = {action: True}
    make_rule(**values)
    mail = as_incoming(account, make_mail(77))
    (received,) = receive_group([mail])
    silence = answer_mail(mail, received, own=frozenset(), is_backlog=False)
    assert not OutgoingMessage.objects.exists()
    assert silence is not None
    assert silence.ticket == received.ticket
    assert silence.text == "Keine automatische Antwort: Regel „Shop“."


def test_the_same_group_twice_changes_nothing_more() -> None:
    make_rule(priority=3, tags=("Shop",), is_for_answers=True)
    mail = as_incoming(make_ticket_account(), make_mail(5))
    (received,) = receive_group([mail])
    receive_group([mail])
    assert len(events(ticket_of(received))) == 1


def test_queries_do_not_grow_with_mails_or_rules() -> None:
    account = make_ticket_account()

    def measure(mails: int, start: int) -> int:
        group = [as_incoming(account, make_mail(start + n)) for n in range(mails)]
        numbers = NumberBlock()
        numbers.reserve(mails)
        with CaptureQueriesContext(connection) as queries:
            receive_group(group, numbers=numbers)
        return len(queries)

    make_rule("R0", priority=3, tags=("t0",))
    few = measure(2, 1000)
    for number in range(1, 7):
        make_rule(f"R{number}", priority=3, tags=(f"t{number}",))
    assert measure(10, 2000) == few
