"""Looks for messages of unknown fate in the Sent folder; what is not there waits for a person."""

from __future__ import annotations

import logging
from collections import defaultdict

from django.utils import timezone
from django.utils.translation import gettext as _

from mailaccounts.connect import connect_imap
from mailaccounts.models import MailAccount
from mailcore.errors import MailError
from outbox.mark_sent import mark_sent
from outbox.models import OutgoingMessage
from outbox.retry_schedule import next_look
from outbox.sent_folder import find_sent_folder

log = logging.getLogger(__name__)

_AT_ONCE = 200


def settle_uncertain() -> int:
    """One look at every uncertain message that is due for one. Returns how many were settled.

    Providers that file sent mail themselves show so that they took it. The absence of a copy proves
    nothing, so nothing is ever sent again here.
    """
    by_account: dict[int, list[OutgoingMessage]] = defaultdict(list)
    for outgoing in _claim_looks():
        by_account[outgoing.account_id].append(outgoing)
    return sum(_look(messages[0].account, messages) for messages in by_account.values())


def _claim_looks() -> list[OutgoingMessage]:
    """Uncertain messages due for a look, each pushed to its next one before it is taken."""
    now = timezone.now()
    due = OutgoingMessage.objects.filter(
        state=OutgoingMessage.State.UNCERTAIN, next_attempt_at__lte=now
    ).select_related("account", "message")
    return [
        outgoing
        for outgoing in due.order_by("next_attempt_at")[:_AT_ONCE]
        if OutgoingMessage.objects.filter(
            pk=outgoing.pk,
            state=OutgoingMessage.State.UNCERTAIN,
            next_attempt_at=outgoing.next_attempt_at,
        ).update(next_attempt_at=next_look(outgoing.data_started_at or outgoing.created_at, now))
    ]


def _look(account: MailAccount, messages: list[OutgoingMessage]) -> int:
    if not account.imap_host or account.is_paused:
        return 0
    settled = 0
    try:
        with connect_imap(account) as session:
            folder = find_sent_folder(account, session)
            for outgoing in messages:
                if session.find_message_id(folder, outgoing.message.message_id):
                    note = _("Die Kopie im Ordner „%(folder)s“ zeigt, dass gesendet wurde.")
                    settled += mark_sent(outgoing, is_filed=True, note=note % {"folder": folder})
    except MailError as error:
        log.info("account %s: no look into the Sent folder: %s", account.pk, error)
    return settled
