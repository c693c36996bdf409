"""„Postausgang“ as a list: filters, search, pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast

from django import forms
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from company.models import User
from mailaccounts.models import MailAccount
from mailaccounts.remedies import explain
from mailstore.search_text import matches
from outbox.badges import Badge, state_badge
from outbox.models import OutgoingMessage, OutgoingQuerySet, Recipient

PER_PAGE = 50
_COUNTED = 10_000  # more are not counted: nobody turns that many pages
_State = OutgoingMessage.State
GROUPS = {
    "probleme": (_State.RETRY, _State.FAILED, _State.UNCERTAIN, _State.BOUNCED),
    "unterwegs": (_State.SCHEDULED, _State.QUEUED, _State.SENDING, _State.RETRY),
}


class FilterForm(forms.Form):
    """What the list is narrowed to; a value nobody offers counts as none."""

    q = forms.CharField(label=_("Suchen"), required=False, max_length=200)
    zustand = forms.ChoiceField(label=_("Zustand"), required=False)
    account = forms.ModelChoiceField(
        label=_("Account"),
        queryset=MailAccount.objects.none(),
        required=False,
        empty_label=_("Alle Accounts"),
    )

    def __init__(self, data: object, *, user: User) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        accounts = MailAccount.objects.mail_visible_to(user).filter(
            Exists(OutgoingMessage.objects.filter(account=OuterRef("pk")))
        )
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["zustand"].choices = [  # type: ignore[attr-defined]
            ("", _("Alle Zustände")),
            ("probleme", _("Probleme")),
            ("unterwegs", _("noch nicht gesendet")),
            *_State.choices,
        ]


@dataclass(frozen=True, slots=True)
class OutgoingRow:
    """A line of the list."""

    pk: int
    subject: str
    recipients: str
    sender: str  # where it is another than the account's
    account: str
    origin: str
    when: datetime
    badge: Badge
    note: str


class OutgoingPaginator(Paginator[OutgoingMessage]):
    @cached_property
    def count(self) -> int:
        return cast("OutgoingQuerySet", self.object_list)[:_COUNTED].count()


def narrow(messages: OutgoingQuerySet, form: FilterForm) -> OutgoingQuerySet:
    """The messages the form asks for, newest first."""
    form.is_valid()
    wanted = form.cleaned_data
    if wanted.get("account"):
        messages = messages.filter(account=wanted["account"])
    state = wanted.get("zustand")
    if state:
        messages = messages.filter(state__in=GROUPS.get(state, (state,)))
    for word in (wanted.get("q") or "").split()[:8]:
        messages = messages.filter(_has_word(word))
    return messages.order_by("-created_at", "-pk")


def _has_word(word: str) -> Q:
    recipient = Recipient.objects.filter(
        Q(email__icontains=word) | Q(name__icontains=word), outgoing_id=OuterRef("pk")
    )
    return matches(word, message="message") | Q(Exists(recipient))


def make_rows(messages: Iterable[OutgoingMessage]) -> list[OutgoingRow]:
    """Lines for messages with `message`, `account` and `recipients` loaded."""
    return [_row(outgoing) for outgoing in messages]


def _row(outgoing: OutgoingMessage) -> OutgoingRow:
    is_own = outgoing.message.from_email == outgoing.account.email.lower()
    people = list(outgoing.recipients.all())
    shown = people[0].name or people[0].email if people else ""
    if len(people) > 1:
        shown += f" (+{len(people) - 1})"
    return OutgoingRow(
        pk=outgoing.pk,
        subject=outgoing.message.subject,
        recipients=shown,
        sender="" if is_own else outgoing.message.from_email,
        account=str(outgoing.account),
        origin=outgoing.get_origin_display(),
        when=outgoing.sent_at or outgoing.created_at,
        badge=state_badge(outgoing.state),
        note=_note(outgoing),
    )


def _note(outgoing: OutgoingMessage) -> str:
    """What went wrong: the server's words, or ours where it said nothing."""
    if outgoing.state not in (_State.RETRY, _State.FAILED, _State.BOUNCED):
        return ""
    is_answer = outgoing.last_reply[:1].isdecimal()
    return outgoing.last_reply if is_answer else explain(outgoing.error_kind).happened


def fingerprint(rows: Iterable[OutgoingRow]) -> str:
    """Changes when a line of the page does."""
    text = "\n".join(f"{row.pk} {row.badge.text} {row.note}" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
