"""Which e-mail addresses are dead: refusals and bounces mark them, a mail that arrived frees them."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from company.models import BouncedEmail
from outbox.models import OutgoingMessage, Recipient

_BATCH = 500
# Servers that take mail first and return it later do so within hours, mostly within minutes.
_SILENCE = timedelta(hours=24)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})  # RFC 3463
_VAGUE = frozenset({"5.0.0", "5.1.0", "5.5.0"})
_UNKNOWN = re.compile(
    r"user unknown|unknown (?:user|recipient|address|mailbox)|no such|not exist|does ?n.t exist"
    r"|not found|invalid (?:recipient|mailbox|address)|(?:recipient|address) (?:rejected|unknown)"
    r"|mailbox (?:unavailable|disabled|unknown)|account (?:disabled|has been disabled)"
    r"|unbekannt|existiert nicht|nicht gefunden",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"spam|policy|blocked|block ?list|blacklist|reputation|dmarc|spf", re.IGNORECASE
)


def mark_bounced() -> int:
    """Marks the addresses of new refusals; frees those that mail reached. Returns how many changed.

    Safe to run twice and side by side: a refusal is judged once.
    """
    return _mark() + _free()


def is_dead(recipient: Recipient) -> bool:
    """Whether a refusal says that the address does not exist (any more), for good.

    A full mailbox, a refused content, a sender that is not welcome say nothing about the address.
    """
    status = _STATUS.search(recipient.reply)
    if status is not None:
        code = ".".join(status.groups())
        if code not in _VAGUE:
            return code in _DEAD
    elif recipient.state == Recipient.State.REFUSED and recipient.code not in (550, 551, 553):
        return False
    return bool(_UNKNOWN.search(recipient.reply)) and not _POLICY.search(recipient.reply)


def _mark() -> int:
    judged = Recipient.objects.filter(
        state__in=[Recipient.State.REFUSED, Recipient.State.BOUNCED], is_judged=False
    )
    marked = 0
    for recipient in judged.order_by("pk")[:_BATCH]:
        with transaction.atomic():
            if not Recipient.objects.filter(pk=recipient.pk, is_judged=False).update(
                is_judged=True
            ):
                continue
            if is_dead(recipient):
                BouncedEmail.objects.update_or_create(
                    email=recipient.email.lower(),
                    defaults={"reason": recipient.reply, "bounced_at": timezone.now()},
                )
                marked += 1
    return marked


def _free() -> int:
    """Addresses that took a later mail which has not come back for a day."""
    freed = 0
    for mark in BouncedEmail.objects.order_by("-bounced_at")[:_BATCH]:
        arrived = Recipient.objects.filter(
            email=mark.email,  # indexed; other spellings of one address are rare
            state=Recipient.State.ACCEPTED,
            outgoing__state=OutgoingMessage.State.SENT,
            outgoing__sent_at__gt=mark.bounced_at,
            outgoing__sent_at__lt=timezone.now() - _SILENCE,
        )
        if arrived.exists():
            freed += BouncedEmail.objects.filter(pk=mark.pk, bounced_at=mark.bounced_at).delete()[0]
    return freed
