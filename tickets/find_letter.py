"""Which letter or document mail of ours a mail answers: it has no ticket yet, its answer gets one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailaccounts.models import MailAccount
from mailstore.store import hash_message_id
from outbox.models import OutgoingMessage
from tickets.incoming import IncomingMail

_WRITTEN_OUTSIDE_TICKETS = (OutgoingMessage.Origin.LETTER, OutgoingMessage.Origin.DOCUMENT)


class LetterFinder:
    """Mails of ours that belong to no ticket, by the hashes of their Message-IDs."""

    def __init__(self, chunks: Iterable[list[str]]) -> None:
        self._letters: dict[str, OutgoingMessage] = {}
        for hashes in chunks:
            found = OutgoingMessage.objects.filter(
                message__message_id_hash__in=hashes,
                origin__in=_WRITTEN_OUTSIDE_TICKETS,
                ticket_message__isnull=True,
            )
            for letter in found.select_related("message", "address", "created_by"):
                self._letters[letter.message.message_id_hash] = letter

    def find(
        self, mail: IncomingMail, ids: Iterable[str], *, of_tickets: Collection[str]
    ) -> OutgoingMessage | None:
        """The letter this mail answers, unless it answers a ticket's mail first.

        What went out from a personal account is shown in no ticket of another account.
        """
        if not self._letters:
            return None
        for hashed in map(hash_message_id, ids):
            if hashed in of_tickets:
                return None
            letter = self._letters.get(hashed)
            if letter is not None:
                return letter if _may_show(letter, mail.account) else None
        return None

    def forget(self, letter: OutgoingMessage) -> None:
        """It stands in a ticket now."""
        self._letters.pop(letter.message.message_id_hash, None)


def _may_show(letter: OutgoingMessage, account: MailAccount) -> bool:
    if letter.account_id == account.pk:
        return True
    pair = (letter.account_id, account.pk)
    return not MailAccount.objects.restricted().filter(pk__in=pair).exists()
