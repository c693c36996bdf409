"""How an account is doing, in the words of the account list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailaccounts.models import AccountLink, MailAccount
from mailaccounts.remedies import explain

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class AccountState:
    label: _StrOrPromise
    tone: str
    icon: str
    since: datetime | None = None
    last_poll: datetime | None = None  # the last time mail was fetched without an error
    problem: str = ""
    remedy: str = ""
    detail: str = ""  # the server's words, masked

    @property
    def is_healthy(self) -> bool:
        return self.tone in {"ok", "neutral"}


# Worst first: what an admin has to see.
_ORDER = (
    AccountLink.State.LOGIN,
    AccountLink.State.FAILING,
    AccountLink.State.UNKNOWN,
    AccountLink.State.OK,
)
_LOOKS: dict[str, tuple[str, str]] = {
    AccountLink.State.OK: ("ok", "check-circle"),
    AccountLink.State.FAILING: ("err", "circle-alert"),
    AccountLink.State.LOGIN: ("err", "key-round"),
    AccountLink.State.UNKNOWN: ("neutral", "clock"),
}


def state_of(account: MailAccount) -> AccountState:
    """The worse of both directions; a direction that is switched off does not count.

    Reads `account.links.all()`, so that a list may prefetch it.
    """
    links = {link.direction: link for link in account.links.all()}
    incoming = links.get(AccountLink.Direction.INCOMING)
    outgoing = links.get(AccountLink.Direction.OUTGOING)
    last_poll = incoming.last_success_at if incoming else None
    used = [
        link
        for link, is_used in ((incoming, account.imap_enabled), (outgoing, account.smtp_enabled))
        if link is not None and is_used
    ]
    if account.is_paused:
        return AccountState(_("pausiert"), "warn", "pause", account.paused_at, last_poll)
    if not used:
        return AccountState(_("noch nicht verbunden"), "neutral", "clock", None, last_poll)
    worst = min(used, key=lambda link: _ORDER.index(AccountLink.State(link.state)))
    tone, icon = _LOOKS[worst.state]
    said = explain(worst.error_kind, worst.error_step) if worst.error_kind else None
    return AccountState(
        label=worst.get_state_display(),
        tone=tone,
        icon=icon,
        since=worst.failing_since,
        last_poll=last_poll,
        problem=f"{worst.get_direction_display()}: {said.happened}" if said else "",
        remedy=said.remedy if said else "",
        detail=worst.error_detail,
    )
