"""„Ticketregeln“: which rules are for a mail, and what they do to its ticket together.

Rules are asked in their order. Each one that matches adds its actions; where two say different
things the later one counts, unless the earlier one ends the row. A rule without conditions matches
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import override

from mailcore.messages import Mailbox, ParsedMessage
from tickets.models import Rule, RuleCondition, Ticket

_LONGEST = 200_000  # characters of a text that are looked at
_Operator = RuleCondition.Operator
_Field = RuleCondition.Field


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a mail rules may ask about."""

    senders: tuple[str, ...]  # addresses, and addresses with names
    recipients: tuple[str, ...]
    subject: str
    body: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: str
    value: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule as the matching needs it; no query follows."""

    name: str
    account_id: int | None
    needs_all: bool
    is_for_answers: bool
    stops: bool
    conditions: tuple[Condition, ...]
    values: tuple[tuple[str, object], ...] = ()  # columns of the ticket
    words: tuple[str, ...] = ()  # the actions in the language that was active
    tags: tuple[int, ...] = ()
    no_autoresponse: bool = False
    ignores: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the matching rules do together; `rules` is empty where none matched."""

    rules: tuple[LoadedRule, ...] = ()

    @property
    def ignores(self) -> bool:
        return any(rule.ignores for rule in self.rules)

    @property
    def values(self) -> dict[str, object]:
        return {name: value for rule in self.rules for name, value in rule.values}

    @property
    def tags(self) -> frozenset[int]:
        return frozenset(tag for rule in self.rules for tag in rule.tags)

    @property
    def silent(self) -> str:
        """The rule that forbids the automatic answer, or ""."""
        trash = ("status", Ticket.Status.TRASH)
        return next((r.name for r in self.rules if r.no_autoresponse or trash in r.values), "")


def load_rules() -> tuple[LoadedRule, ...]:
    """The active rules in their order, in three queries."""
    rules = (
        Rule.objects.filter(is_active=True)
        .select_related("queue", "project", "assignee")
        .prefetch_related("conditions", "tags")
        .order_by("order", "pk")
    )
    return tuple(load_saved_rule(rule) for rule in rules)


def load_saved_rule(rule: Rule) -> LoadedRule:
    """A rule with its conditions and tags as they stand in the database, to be used on tickets.

    Its words are German whoever acts: the history keeps them so.
    """
    with override("de"):
        return load_rule(
            rule,
            [Condition(c.field, c.operator, c.value, c.header) for c in rule.conditions.all()],
            tags=[(tag.pk, tag.name) for tag in rule.tags.all()],
        )


def load_rule(
    rule: Rule, conditions: Sequence[Condition], *, tags: Sequence[tuple[int, str]] = ()
) -> LoadedRule:
    """A rule, saved or not, ready for matching."""
    words = [text for value, text in _actions(rule) if value]
    return LoadedRule(
        name=rule.name,
        account_id=rule.account_id,
        needs_all=rule.match == Rule.Match.ALL,
        is_for_answers=rule.is_for_answers,
        stops=rule.stops,
        conditions=tuple(conditions),
        values=tuple(_values(rule)),
        words=(*words, *(_("Schlagwort „%(name)s“") % {"name": name} for pk, name in tags)),
        tags=tuple(pk for pk, name in tags),
        no_autoresponse=rule.no_autoresponse,
        ignores=rule.ignores,
    )


def apply_rules(
    rules: Sequence[LoadedRule], facts: Facts, *, account_id: int | None, is_new: bool
) -> Outcome:
    """What the rules do with a mail that came to this account. Pure: reads and writes nothing.

    `is_new`: the mail begins a ticket; with others only the rules for further mails count.
    """
    matching = []
    for rule in rules:
        if rule.account_id not in (None, account_id) or not (is_new or rule.is_for_answers):
            continue
        if matches(rule, facts):
            matching.append(rule)
            if rule.stops:
                break
    return Outcome(tuple(matching))


def matches(rule: LoadedRule, facts: Facts) -> bool:
    """Whether the conditions hold; the account is not looked at."""
    holds = all if rule.needs_all else any
    return bool(rule.conditions) and holds(_holds(one, facts) for one in rule.conditions)


def facts_of(parsed: ParsedMessage) -> Facts:
    """What a mail says of itself."""
    sender = (parsed.sender,) if parsed.sender else ()
    people = (*parsed.to, *parsed.cc)
    return Facts(
        senders=_written((*parsed.from_, *sender, *parsed.reply_to)),
        recipients=(*_written(people), *parsed.delivered_to),
        subject=parsed.subject,
        body=parsed.text[:_LONGEST],
        headers=parsed.headers,
    )


def _written(people: Sequence[Mailbox]) -> tuple[str, ...]:
    return tuple(form for one in people for form in dict.fromkeys((one.email, one.name, str(one))))


def _holds(condition: Condition, facts: Facts) -> bool:
    found = _fields(condition, facts)
    wanted = condition.value.casefold()
    if condition.operator == _Operator.NOT:
        return not any(wanted in text.casefold() for text in found)
    test = _test(condition.operator, wanted)
    return any(test(text.casefold().strip()) for text in found)


def _test(operator: str, wanted: str) -> Callable[[str], bool]:
    if operator == _Operator.IS:
        return lambda text: text == wanted.strip()
    if operator == _Operator.WILDCARD:
        pattern = _pattern(wanted.strip())
        return lambda text: pattern.match(text) is not None
    return lambda text: wanted in text


def _fields(condition: Condition, facts: Facts) -> tuple[str, ...]:
    match condition.field:
        case _Field.SENDER:
            return facts.senders
        case _Field.RECIPIENT:
            return facts.recipients
        case _Field.SUBJECT:
            return (facts.subject,)
        case _Field.BODY:
            return (facts.body,)
    wanted = condition.header.strip().rstrip(":").lower()
    return tuple(value[:_LONGEST] for name, value in facts.headers if name.lower() == wanted)


@lru_cache(maxsize=256)
def _pattern(value: str) -> re.Pattern[str]:
    """Stars and question marks only: a bracket stands for itself, as in „[Ticket#1]“."""
    return re.compile(translate(value.replace("[", "[[]")))


def _actions(rule: Rule) -> tuple[tuple[object, str], ...]:
    """Each action with its words."""
    return (
        (rule.queue_id, _("Warteschlange %(name)s") % {"name": rule.queue}),
        (rule.project_id, _("Projekt %(name)s") % {"name": rule.project}),
        (rule.priority, _("Priorität %(name)s") % {"name": rule.get_priority_display()}),
        (rule.assignee_id, _("Verantwortlich %(name)s") % {"name": rule.assignee}),
        (rule.closes and not rule.to_trash, _("abgeschlossen")),
        (rule.to_trash, _("Papierkorb")),
        (rule.makes_personal, _("persönlich")),
        (rule.makes_gdpr, _("DSGVO")),
        (rule.no_autoresponse, _("keine automatische Antwort")),
    )


def _values(rule: Rule) -> list[tuple[str, object]]:
    """The columns of the ticket that the rule sets."""
    wanted: list[tuple[str, object]] = [
        (name, getattr(rule, name))
        for name in ("queue_id", "project_id", "priority", "assignee_id")
        if getattr(rule, name) is not None
    ]
    if rule.to_trash or rule.closes:
        status = Ticket.Status.TRASH if rule.to_trash else Ticket.Status.CLOSED
        wanted.append(("status", status))
    if rule.makes_personal:
        wanted.append(("is_personal", True))
    if rule.makes_gdpr:
        wanted.append(("is_gdpr", True))
    return wanted


def next_order() -> int:
    """The place after the last rule."""
    last = Rule.objects.order_by(F("order").desc()).values_list("order", flat=True).first()
    return (last or 0) + 1
