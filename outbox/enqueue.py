"""The one way out: a draft becomes fixed bytes and a row that waits for its delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from company.models import Address, User
from company.nudge import nudge
from mailaccounts import links
from mailaccounts.models import MailAccount
from mailcore.build import build
from mailcore.errors import InvalidDraft, TooLarge
from mailcore.messages import Draft, Mailbox
from mailcore.recipients import split_address
from mailcore.threading import new_message_id
from mailstore.ids import message_id_keys
from mailstore.models import StoredMessage
from mailstore.store import store_message
from outbox.models import OutgoingMessage, Recipient
from outbox.tasks import deliver_account


def enqueue(
    *,
    draft: Draft,
    raw: bytes | None = None,
    bcc: Sequence[Mailbox],
    account: MailAccount,
    origin: OutgoingMessage.Origin,
    once_key: str,
    created_by: User | None,
    sender_reason: str = "",
    address: Address | None = None,
    envelope_from: str | None = None,
    send_at: datetime | None = None,
    keep_sent_copy: bool | None = None,
    replaces: OutgoingMessage | None = None,
) -> OutgoingMessage:
    """Queues a message inside the caller's transaction and wakes the delivery after its commit.

    The same `once_key` gives the row that exists. `raw`: the bytes of a draft that was built before,
    `with_identity`. `address`: whose correspondence it is. `envelope_from`: None is the draft's From,
    "" the null sender. `keep_sent_copy`: None is what the account's settings say. `replaces`: an older
    message that is sent anew, corrected. Raises InvalidDraft before anything is written; TooLarge where
    the server said that it takes less.
    """
    existing = OutgoingMessage.objects.filter(once_key=once_key).first()
    if existing:
        return existing
    now = timezone.now()
    is_scheduled = send_at is not None and send_at > now
    due_at = send_at if send_at is not None and is_scheduled else now
    fixed = with_identity(draft, due_at)
    recipients = _recipients(fixed, bcc)
    raw = build(fixed) if raw is None else raw
    _demand_fit(account, raw)
    outgoing = OutgoingMessage(
        account=account,
        origin=origin,
        once_key=once_key,
        envelope_from=_envelope_sender(fixed, envelope_from),
        sender_reason=sender_reason[:200],
        address=address,
        state=OutgoingMessage.State.SCHEDULED if is_scheduled else OutgoingMessage.State.QUEUED,
        created_by=created_by,
        next_attempt_at=due_at,
        sent_copy=_sent_copy(account, keep_sent_copy),
        replaces=replaces,
    )
    return _queue_once(outgoing, raw, recipients, now)


def too_large_text(error: TooLarge) -> str:
    """German, for the person who attached the files."""
    return _(
        "Mit den Anhängen ist die E-Mail %(size)s groß. Der Mailserver nimmt höchstens %(limit)s an. "
        "Bitte verkleinern Sie die Anhänge oder senden Sie sie einzeln."
    ) % {"size": filesizeformat(error.size), "limit": filesizeformat(error.limit)}


def _demand_fit(account: MailAccount, raw: bytes) -> None:
    limit = links.max_message_size(account.pk)
    if limit and len(raw) > limit:
        raise TooLarge(len(raw), limit)


def forward_unchanged(
    *, message: StoredMessage, to: str, account: MailAccount, once_key: str
) -> OutgoingMessage:
    """Queues a message that came in for another mailbox, byte for byte (A6).

    The envelope sender is the account's, so that an undeliverable copy never bothers the customer.
    """
    address = _envelope_address("to", to)
    outgoing, is_new = OutgoingMessage.objects.get_or_create(
        once_key=once_key,
        defaults={
            "account": account,
            "message": message,
            "origin": OutgoingMessage.Origin.FORWARD,
            "envelope_from": account.from_email,
            "next_attempt_at": timezone.now(),
        },
    )
    if is_new:
        Recipient.objects.create(outgoing=outgoing, kind=Recipient.Kind.TO, email=address)
        nudge(deliver_account, account.pk)
    return outgoing


def with_identity(draft: Draft, date: datetime) -> Draft:
    """The draft with a Message-ID of ours and a date, where the caller left them open."""
    domain = _envelope_address("from", draft.from_.email).rpartition("@")[2]
    message_id = draft.message_id or new_message_id(
        domain, keys=message_id_keys(), token=f"o-{uuid4().hex}"
    )
    return replace(draft, message_id=message_id, date=draft.date or timezone.localtime(date))


def _envelope_sender(draft: Draft, envelope_from: str | None) -> str:
    if envelope_from == "":
        return ""
    return _envelope_address("envelope_from", envelope_from or draft.from_.email)


def _envelope_address(field: str, email: str) -> str:
    """The address as SMTP wants it. Raises InvalidDraft."""
    parts = split_address(email.strip())
    if parts is None:
        raise InvalidDraft(field, "bad-address")
    return f"{parts[0]}@{parts[1]}"


def _recipients(draft: Draft, bcc: Iterable[Mailbox]) -> list[Recipient]:
    """Everybody in the envelope, each address once: as An before CC before BCC."""
    named = (
        (Recipient.Kind.TO, "to", draft.to),
        (Recipient.Kind.CC, "cc", draft.cc),
        (Recipient.Kind.BCC, "bcc", tuple(bcc)),
    )
    found: dict[str, Recipient] = {}
    for kind, field, mailboxes in named:
        for mailbox in mailboxes:
            email = _envelope_address(field, mailbox.email)
            recipient = Recipient(kind=kind, name=mailbox.name[:320], email=email)
            found.setdefault(email.lower(), recipient)
    return list(found.values())


def _sent_copy(account: MailAccount, wanted: bool | None) -> OutgoingMessage.SentCopy:
    is_wanted = account.copy_to_sent if wanted is None else wanted
    if is_wanted and account.imap_host and not account.provider_files_sent_mail:
        return OutgoingMessage.SentCopy.WANTED
    return OutgoingMessage.SentCopy.NONE


def _queue_once(
    outgoing: OutgoingMessage, raw: bytes, recipients: list[Recipient], now: datetime
) -> OutgoingMessage:
    """Writes all rows or, where somebody was faster with the same key, takes theirs."""
    try:
        with transaction.atomic():
            outgoing.message = store_message(
                raw, direction=StoredMessage.Direction.OUTGOING, received_at=now
            )
            outgoing.save(force_insert=True)
            for recipient in recipients:
                recipient.outgoing = outgoing
            Recipient.objects.bulk_create(recipients)
    except IntegrityError:
        existing = OutgoingMessage.objects.filter(once_key=outgoing.once_key).first()
        if existing is None:
            raise
        return existing
    nudge(deliver_account, outgoing.account_id)
    return outgoing
