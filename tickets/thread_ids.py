"""Keeps the Message-IDs of a ticket's mails and those they name, so that answers find it."""

from __future__ import annotations

from collections.abc import Iterable

from company.rows import insert_values
from mailcore.threading import candidate_ids
from mailstore.store import hash_message_id
from tickets.incoming import IncomingMail
from tickets.models import ThreadId, Ticket

_FIELDS = ("ticket", "message_id_hash", "account", "is_seen")
_NAMED_KEPT = 30  # ids a mail names: the nearest ones and the first of the conversation


def keep_thread_ids(placed: Iterable[tuple[Ticket, IncomingMail]]) -> None:
    """Notes the ids of mails that were put into tickets. What a bounce names is not kept."""
    rows: dict[tuple[int, str], tuple[object, ...]] = {}
    for ticket, mail in placed:
        own = hash_message_id(mail.parsed.message_id)
        rows[ticket.pk, own] = (ticket.pk, own, mail.account.pk, True)
        named = () if mail.bounce else candidate_ids(mail.parsed)
        for one_id in dict.fromkeys((*named[:_NAMED_KEPT], *named[-1:])):
            hashed = hash_message_id(one_id)
            rows.setdefault((ticket.pk, hashed), (ticket.pk, hashed, mail.account.pk, False))
    named_only = [row for row in rows.values() if not row[-1]]
    insert_values(ThreadId, _FIELDS, named_only)
    insert_values(
        ThreadId,
        _FIELDS,
        [row for row in rows.values() if row[-1]],
        unique=("ticket", "message_id_hash"),
        update="is_seen",
    )
