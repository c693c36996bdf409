"""Keeps the Message-IDs of a ticket's mails and those they name, so that answers find it."""

from __future__ import annotations

from collections.abc import Iterable

from company.insert_rows import insert_missing, put_rows
from mailcore.threading import candidate_ids
from mailstore.store import hash_message_id
from tickets.incoming import IncomingMail
from tickets.models import ThreadId, Ticket

_NAMED_KEPT = 30  # ids a mail names: the nearest ones and the first of the conversation


def keep_thread_ids(placed: Iterable[tuple[Ticket, IncomingMail]]) -> None:
    """Notes the ids of mails that were put into tickets. What a bounce names is not kept."""
    rows: dict[tuple[str, str], ThreadId] = {}
    for ticket, mail in placed:
        own = hash_message_id(mail.parsed.message_id)
        rows[ticket.number, own] = _row(ticket, mail, own, is_seen=True)
        named = () if mail.bounce else candidate_ids(mail.parsed)
        for one_id in dict.fromkeys((*named[:_NAMED_KEPT], *named[-1:])):
            hashed = hash_message_id(one_id)
            rows.setdefault((ticket.number, hashed), _row(ticket, mail, hashed, is_seen=False))
    insert_missing([row for row in rows.values() if not row.is_seen])
    put_rows(
        [row for row in rows.values() if row.is_seen],
        unique=["ticket", "message_id_hash"],
        update=["is_seen"],
    )


def _row(ticket: Ticket, mail: IncomingMail, hashed: str, *, is_seen: bool) -> ThreadId:
    return ThreadId(ticket=ticket, account=mail.account, message_id_hash=hashed, is_seen=is_seen)
