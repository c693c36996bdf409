"""[Regel testen]: which mails of the last 30 days a rule would have been for. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from company.models import User
from mailstore.models import StoredMessage
from mailstore.view import read_headers
from tickets.apply_rule import tickets_to_change
from tickets.models import RuleCondition, Ticket, TicketMessage
from tickets.rules import Facts, LoadedRule, matches

_PERIOD = timedelta(days=30)
_MOST = 20_000  # mails looked at, newest first
_MOST_READ = 1_000  # where a condition needs the mail itself: header lines
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """`is_changed`: the ticket is not yet as the rule wants it."""

    number: str
    subject: str
    sender: str
    received_at: datetime
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """`is_cut`: there are older mails in the period that were not looked at."""

    matching: int
    checked: int
    is_cut: bool
    hits: tuple[Hit, ...]
    words: tuple[str, ...]  # what the rule does
    to_change: tuple[int, ...]  # the tickets it would change


def try_rule(rule: LoadedRule, user: User, *, tags: Sequence[str] = ()) -> Trial:
    """Looks at mails in tickets the user may see, newest first; `tags` are those the rule sets."""
    reads_mail = any(one.field == RuleCondition.Field.HEADER for one in rule.conditions)
    limit = _MOST_READ if reads_mail else _MOST
    checked, found, shown = 0, dict[int, None](), []
    matching, is_cut = 0, False
    for entry in _mails(rule, user, limit + 1):
        if checked == limit:
            is_cut = True
            break
        checked += 1
        mail = entry.message
        assert mail is not None
        if matches(rule, _facts(mail, reads_mail=reads_mail)):
            matching += 1
            found[entry.ticket_id] = None
            shown += [entry] if matching <= _SHOWN else []
    to_change = tickets_to_change(found, values=dict(rule.values), tags=tags)
    hits = tuple(_hit(entry, to_change) for entry in shown)
    return Trial(matching, checked, is_cut, hits, rule.words, tuple(to_change))


def _mails(rule: LoadedRule, user: User, limit: int) -> Iterator[TicketMessage]:
    """Mails the rule would have been asked about: the first ones of tickets, unless it is for all."""
    incoming = TicketMessage.objects.filter(kind=TicketMessage.Kind.INCOMING)
    found = incoming.filter(
        created_at__gte=timezone.now() - _PERIOD, ticket__in=Ticket.objects.visible_to(user)
    )
    if rule.account_id is not None:
        found = found.filter(account=rule.account_id)
    if not rule.is_for_answers:
        earlier = incoming.filter(ticket=OuterRef("ticket"), pk__lt=OuterRef("pk"))
        found = found.filter(~Exists(earlier))
    reads_text = any(one.field == RuleCondition.Field.BODY for one in rule.conditions)
    unread = ["message__search_text"] + ([] if reads_text else ["message__text"])
    related = found.select_related("message", "ticket").defer(*unread)
    yield from related.order_by("-created_at", "-pk")[:limit].iterator(chunk_size=500)


def _hit(entry: TicketMessage, to_change: dict[int, None]) -> Hit:
    mail = entry.message
    assert mail is not None
    is_changed = entry.ticket_id in to_change
    return Hit(entry.ticket.number, mail.subject, mail.writer, entry.created_at, is_changed)


def _facts(mail: StoredMessage, *, reads_mail: bool) -> Facts:
    """What rules ask about, from what was kept; the header lines from the mail itself."""
    headers: tuple[tuple[str, str], ...] = ()
    if reads_mail:
        try:
            headers = tuple((one.name, one.value) for one in read_headers(mail))
        except (FileNotFoundError, ValueError):
            headers = ()
    return Facts(
        senders=(mail.from_email, mail.from_name, *_people(mail, "from", "reply_to")),
        recipients=_people(mail, "to", "cc", "delivered_to"),
        subject=mail.subject,
        body="" if "text" in mail.get_deferred_fields() else mail.text,
        headers=headers,
    )


def _people(mail: StoredMessage, *keys: str) -> tuple[str, ...]:
    people = mail.people if isinstance(mail.people, dict) else {}
    written = [one for key in keys for one in people.get(key, ())]
    return tuple(
        form for name, email in written for form in (name, email, f"{name} <{email}>") if form
    )
