"""The second step of signing in: an authenticator app, and codes for the day it is lost."""

from __future__ import annotations

import base64
import secrets
import time

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from company.audit import record_changes, snapshot_stored
from company.models import RecoveryCode, SecondFactor, User
from company.one_time_codes import matching_step
from company.secrets import SecretUnusable, seal, unseal

_RECOVERY_CODES = 10


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exists()


def enable(user: User, secret: str, typed: str) -> tuple[str, ...] | None:
    """Switches it on with a code of the new app; returns the recovery codes, or None for a wrong code."""
    step = matching_step(secret, typed, unix_time=time.time())
    if step is None:
        return None
    with transaction.atomic():
        before = snapshot_stored(user)
        SecondFactor.objects.update_or_create(
            user=user,
            defaults={
                "secret": seal(secret, _bound_to(user)),
                "last_step": step,
                "confirmed_at": timezone.now(),
            },
        )
        codes = new_recovery_codes(user)
        record_changes(user, before, snapshot_stored(user))
    return codes


def disable(user: User) -> None:
    """Switches it off; the password alone is enough from now on."""
    with transaction.atomic():
        before = snapshot_stored(user)
        remove(user)
        record_changes(user, before, snapshot_stored(user))


def remove(user: User) -> None:
    """As `disable`, where the caller logs what it changes."""
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()


def new_recovery_codes(user: User) -> tuple[str, ...]:
    """Ten fresh codes; the old ones are void. They are not stored and cannot be shown again."""
    codes = tuple(_new_code() for _n in range(_RECOVERY_CODES))
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user, code)) for code in codes
        )
    return codes


def count_recovery_codes(user: User) -> int:
    """How many are left."""
    return RecoveryCode.objects.filter(user=user, used_at__isnull=True).count()


def take_code(user: User, typed: str) -> bool:
    """Whether the code of the app or a recovery code is right. Either is good once.

    Both are taken by a conditional UPDATE: of two logins with the same code one succeeds.
    """
    return _take_step(user, typed) or _take_recovery_code(user, typed)


def _take_step(user: User, typed: str) -> bool:
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    try:
        secret = unseal(factor.secret, _bound_to(user))
    except SecretUnusable:
        return False  # the key is gone; a recovery code still opens
    step = matching_step(secret, typed, unix_time=time.time())
    if step is None:
        return False
    unused = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return bool(unused.update(last_step=step))


def _take_recovery_code(user: User, typed: str) -> bool:
    code = "".join(typed.split()).replace("-", "").upper()
    unused = RecoveryCode.objects.filter(
        user=user, digest=_digest(user, code), used_at__isnull=True
    )
    return bool(unused.update(used_at=timezone.now()))


def _new_code() -> str:
    """80 random bits in four groups, „ABCD-EFGH-IJKL-MNOP“."""
    text = base64.b32encode(secrets.token_bytes(10)).decode("ascii")
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(user: User, code: str) -> str:
    plain = code.replace("-", "")
    return salted_hmac("recovery code", f"{user.pk}:{plain}", algorithm="sha256").hexdigest()


def _bound_to(user: User) -> str:
    return f"second-factor:{user.pk}"
