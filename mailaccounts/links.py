"""Leases, back-off and state of an account's two directions. Every change is one conditional UPDATE."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from mailaccounts.models import AccountLink, MailAccount
from mailcore.errors import LOGIN_KINDS, Kind, MailError

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)  # renewed by the worker at every batch and during long answers
BACK_OFF_MINUTES = (1, 2, 5, 15, 30)
# No lease and no back-off reaches further ahead: what does was written before the clock was set back.
_FURTHEST = timedelta(minutes=BACK_OFF_MINUTES[-1])
REFUSED_LOGINS = 3  # then the account waits for a person
_LOGIN_KINDS = LOGIN_KINDS | {Kind.PASSWORD_MISSING}
# Another try cannot help: the account waits for a person at once.
HOPELESS_KINDS = {Kind.OAUTH_SIGN_IN, Kind.OAUTH_FOREIGN_SERVER}
# Leases of this process that could not be given back because the database was away.
_unreleased: set[tuple[int, str, str]] = set()


def new_owner() -> str:
    """A name for a claim: this host and process, unique per call."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def is_owner_dead(owner: str) -> bool:
    """Whether the claim was made by a process of this host that no longer runs."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname()[:40] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def hold_lease(account_id: int, direction: str) -> Iterator[str | None]:
    """The owner name while this account's direction is ours alone, None if another works on it."""
    owner = take_lease(account_id, direction)
    try:
        yield owner
    finally:
        if owner:
            try:
                release_lease(account_id, direction, owner)
            except DatabaseError:
                _unreleased.add((account_id, direction, owner))
                raise


def take_lease(account_id: int, direction: str) -> str | None:
    """Claims the direction and returns the claim's owner, or None while another holds it."""
    owner = new_owner()
    if _claim(account_id, direction, owner):
        return owner
    # Busy, or never used before.
    AccountLink.objects.get_or_create(account_id=account_id, direction=direction)
    return owner if _claim(account_id, direction, owner) else None


def _claim(account_id: int, direction: str, owner: str) -> bool:
    now = timezone.now()
    taken = (
        AccountLink.objects.filter(account_id=account_id, direction=direction)
        .filter(
            Q(lease_until__isnull=True)
            | Q(lease_until__lt=now)
            | Q(lease_until__gt=now + _FURTHEST)
        )
        .update(lease_owner=owner, lease_until=now + LEASE, queued_at=None)
    )
    return bool(taken)


def renew_lease(account_id: int, direction: str, owner: str) -> bool:
    """Prolongs our lease; False means that it was lost and the work must stop."""
    renewed = AccountLink.objects.filter(
        account_id=account_id, direction=direction, lease_owner=owner
    ).update(lease_until=timezone.now() + LEASE)
    return bool(renewed)


def release_lease(account_id: int, direction: str, owner: str) -> None:
    AccountLink.objects.filter(
        account_id=account_id, direction=direction, lease_owner=owner
    ).update(lease_owner="", lease_until=None)


def release_dead_leases() -> int:
    """Frees what processes of this host held when they died. Returns how many."""
    freed = 0
    for account_id, direction, owner in list(_unreleased):
        release_lease(account_id, direction, owner)
        _unreleased.discard((account_id, direction, owner))
    for link in AccountLink.objects.exclude(lease_owner=""):
        if is_owner_dead(link.lease_owner):
            release_lease(link.account_id, link.direction, link.lease_owner)
            freed += 1
    return freed


def record_success(account_id: int, direction: str) -> None:
    """The servers did what they were asked to: back to „verbunden“."""
    now = timezone.now()
    AccountLink.objects.filter(account_id=account_id, direction=direction).update(
        state=AccountLink.State.OK,
        failures=0,
        failing_since=None,
        next_attempt_at=None,
        last_attempt_at=now,
        last_success_at=now,
        error_kind="",
        error_step="",
        error_detail="",
    )


def remember_max_size(account_id: int, size: int | None) -> None:
    """The largest message in bytes the SMTP server takes; None: it does not say."""
    AccountLink.objects.filter(
        account_id=account_id, direction=AccountLink.Direction.OUTGOING
    ).update(max_message_size=size)


def max_message_size(account_id: int) -> int | None:
    """What the SMTP server said at the last connection."""
    out = AccountLink.objects.filter(
        account_id=account_id, direction=AccountLink.Direction.OUTGOING
    )
    return out.values_list("max_message_size", flat=True).first()


def record_failure(
    account_id: int, direction: str, error: MailError, *, keeps_rhythm: bool = False
) -> None:
    """Pushes the next attempt into the future; after three refused logins a person must act.

    With `keeps_rhythm` only a part is broken (one folder): the rest goes on as always.
    """
    now = timezone.now()
    link, _ = AccountLink.objects.get_or_create(account_id=account_id, direction=direction)
    # Refused logins in a row, not a refusal after other trouble, make a person act.
    is_same_trouble = (link.error_kind in _LOGIN_KINDS) == (error.kind in _LOGIN_KINDS)
    failures = link.failures + 1 if is_same_trouble else 1
    is_login = error.kind in _LOGIN_KINDS and failures >= REFUSED_LOGINS
    is_login = is_login or error.kind in HOPELESS_KINDS
    wait = BACK_OFF_MINUTES[min(failures, len(BACK_OFF_MINUTES)) - 1]
    AccountLink.objects.filter(pk=link.pk).update(
        state=AccountLink.State.LOGIN if is_login else AccountLink.State.FAILING,
        failures=failures,
        failing_since=link.failing_since or now,
        next_attempt_at=None if keeps_rhythm else now + timedelta(minutes=wait),
        last_attempt_at=now,
        error_kind=error.kind,
        error_step=error.step,
        error_detail=error.detail[:500],
    )


def record_refusal(account_id: int, direction: str, error: MailError) -> None:
    """The server refuses us as we are set up: nothing more is tried until a person acts."""
    record_failure(account_id, direction, error)
    AccountLink.objects.filter(account_id=account_id, direction=direction).update(
        state=AccountLink.State.LOGIN
    )


def hold_until(account_id: int, direction: str, when: datetime) -> None:
    """Nothing is tried before `when`: the provider asked for a break. Not counted as a failure."""
    AccountLink.objects.update_or_create(
        account_id=account_id, direction=direction, defaults={"next_attempt_at": when}
    )


def is_failing(account_id: int, direction: str) -> bool:
    """Whether the last attempt failed."""
    links = AccountLink.objects.filter(account_id=account_id, direction=direction)
    return links.filter(failures__gt=0).exists()


def mark_queued(account_id: int, direction: str, *, again_after: timedelta) -> bool:
    """Notes that a worker is asked to look; False if one was asked and has not come to it yet."""
    now = timezone.now()
    _, is_new = AccountLink.objects.get_or_create(
        account_id=account_id, direction=direction, defaults={"queued_at": now}
    )
    # A moment that lies ahead was written before the clock was set back.
    waiting = Q(queued_at__gt=now - again_after, queued_at__lte=now)
    links = AccountLink.objects.filter(account_id=account_id, direction=direction)
    return is_new or bool(links.exclude(waiting).update(queued_at=now))


def forget_queue() -> None:
    """The broker is empty: whoever was queued there has to be queued again."""
    AccountLink.objects.exclude(queued_at=None).update(queued_at=None)


def wake(account_id: int, direction: str | None = None) -> None:
    """Forgets back-off and refused logins, e.g. after an admin changed the settings."""
    links = AccountLink.objects.filter(account_id=account_id)
    if direction:
        links = links.filter(direction=direction)
    links.update(next_attempt_at=None, queued_at=None, failures=0, max_message_size=None)
    links.filter(state=AccountLink.State.LOGIN).update(state=AccountLink.State.UNKNOWN)


def ready_accounts(direction: str, *, at: datetime | None = None) -> QuerySet[MailAccount]:
    """Accounts that are neither deleted, paused, held nor waiting for a new login, nor leased."""
    now = at or timezone.now()
    held = Q(next_attempt_at__gt=now)
    if direction == AccountLink.Direction.INCOMING:
        # Outgoing mail may wait longer: where a provider asked for it.
        held &= Q(next_attempt_at__lte=now + _FURTHEST)
    leased = Q(lease_until__gt=now, lease_until__lte=now + _FURTHEST)
    busy = AccountLink.objects.filter(direction=direction).filter(
        Q(state=AccountLink.State.LOGIN) | held | leased
    )
    accounts = MailAccount.objects.kept().filter(paused_at__isnull=True)
    if direction == AccountLink.Direction.INCOMING:
        accounts = accounts.filter(imap_enabled=True)
    else:
        accounts = accounts.filter(smtp_enabled=True)
    return accounts.exclude(pk__in=busy.values("account_id"))
