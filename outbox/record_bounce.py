"""A delivery report comes back: what it says is noted at the message that was sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from mailaccounts.models import MailAccount
from mailcore.bounces import Bounce, BounceRecipient
from mailcore.threading import read_own_message_id
from mailstore.ids import message_id_keys
from mailstore.store import hash_message_id
from outbox.mark_sent import mark_sent
from outbox.models import OutgoingMessage, Recipient

_RECENT = timedelta(days=5)  # servers give up within this time (RFC 5321, 4.5.4.1)
_DELIVERED_ONCE = (
    OutgoingMessage.State.SENT,
    OutgoingMessage.State.UNCERTAIN,
    OutgoingMessage.State.BOUNCED,
)


def record_bounce(
    *, bounce: Bounce, account: MailAccount, received_at: datetime
) -> OutgoingMessage | None:
    """The message the report is about, its refused recipients marked; None if it is not ours.

    By the Message-IDs it encloses, which nobody can guess; a copy for the archive mailbox, which has the
    customer's, by that and the recipient; else by the recipient and a recent sending of the account that
    received the report. Delays and receipts change no state, but they
    settle an uncertain message whose id they enclose: whoever writes them has it.
    """
    by_id = _find_by_id(bounce) or _find_copy(bounce)
    outgoing = by_id or _find_by_recipient(bounce, account, received_at)
    if outgoing is None or bounce.kind != "failed":
        if by_id is not None:
            mark_sent(by_id, note=_("Ein Zustellbericht zeigt, dass die E-Mail gesendet wurde."))
        return outgoing
    refused = [one for one in bounce.recipients if one.action in ("failed", "")]
    marked = sum(_mark(outgoing, recipient) for recipient in refused)
    if not marked and outgoing.recipients.count() == 1:
        # A forwarding address: the report names another recipient than we do.
        reason = _reason(refused[0]) if refused else ""
        marked = outgoing.recipients.update(state=Recipient.State.BOUNCED, reply=reason)
    if marked:
        OutgoingMessage.objects.filter(pk=outgoing.pk, state__in=_DELIVERED_ONCE[:2]).update(
            state=OutgoingMessage.State.BOUNCED,
            error_kind="bounced",
            next_attempt_at=None,
            last_reply=_reason(refused[0]) if refused else "",
        )
        outgoing.refresh_from_db(fields=["state", "error_kind", "last_reply"])
    return outgoing


def _find_by_id(bounce: Bounce) -> OutgoingMessage | None:
    keys = message_id_keys()
    for message_id in (*bounce.original_message_ids, bounce.envelope_id):
        if message_id and read_own_message_id(message_id, keys=keys) is not None:
            found = (
                OutgoingMessage.objects.filter(message__message_id_hash=hash_message_id(message_id))
                .select_related("message")
                .first()
            )
            if found is not None:
                return found
    return None


def _find_copy(bounce: Bounce) -> OutgoingMessage | None:
    """A mail that was forwarded unchanged has an id that its writer knows: alone it proves nothing."""
    hashes = [hash_message_id(message_id) for message_id in bounce.original_message_ids]
    return (
        OutgoingMessage.objects.filter(
            origin=OutgoingMessage.Origin.FORWARD,
            message__message_id_hash__in=hashes,
            recipients__email__in=_addresses(bounce),
        )
        .select_related("message")
        .first()
    )


def _addresses(bounce: Bounce) -> set[str]:
    emails = {recipient.address for recipient in bounce.recipients}
    return emails | {email.lower() for email in emails}


def _find_by_recipient(
    bounce: Bounce, account: MailAccount, received_at: datetime
) -> OutgoingMessage | None:
    if bounce.original_message_ids:
        return None  # it says which message it means, and that one is not ours
    return (
        OutgoingMessage.objects.filter(
            account=account,
            recipients__email__in=_addresses(bounce),
            state__in=_DELIVERED_ONCE,
            created_at__gte=received_at - _RECENT,
        )
        .select_related("message")
        .order_by("-created_at")
        .first()
    )


def _mark(outgoing: OutgoingMessage, recipient: BounceRecipient) -> int:
    return outgoing.recipients.filter(email__iexact=recipient.address).update(
        state=Recipient.State.BOUNCED, reply=_reason(recipient)
    )


def _reason(recipient: BounceRecipient) -> str:
    parts: Iterable[str] = (recipient.status, recipient.diagnostic)
    return " ".join(part for part in parts if part)[:500]
