"""Text made comparable for searching, alike on every database: „Müller“ = „MULLER“, „Straße“ = „strasse“."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum

from mailcore.messages import Mailbox, ParsedMessage

SEARCH_LIMIT = 60_000  # characters; PostgreSQL indexes at most 1 MB of one text
_WORD_LIMIT = 60  # longer runs are encoded data, not words
_SOURCE_LIMIT = 400_000  # characters read of one message
_MOST_NAMES = 200  # people or files of one message
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_WORD = re.compile(r"[^\W_]+")


class Place(StrEnum):
    """Where in a message a word stands, as a mark before the word that nobody can type into a query."""

    SUBJECT = "\ue000"
    SENDER = "\ue001"
    RECIPIENT = "\ue002"


def fold(text: str) -> str:
    """Case, accents and compatibility forms taken away; ß becomes ss."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _MARKS.sub("", decomposed).casefold()


def search_terms(text: str) -> tuple[str, ...]:
    """The words of a text or query, each once: `hans@huber.de` is hans, huber, de."""
    # Repeated ones are left out first: folding is what costs.
    runs = " ".join(dict.fromkeys(text[:_SOURCE_LIMIT].split()))
    words = dict.fromkeys(_WORD.findall(fold(runs)))
    if max(map(len, words), default=0) > _WORD_LIMIT:
        words = dict.fromkeys(word[:_WORD_LIMIT] for word in words)
    return tuple(words)


def make_search_text(
    parts: Iterable[str], *, places: Mapping[Place, Iterable[str]] | None = None
) -> str:
    """What is stored to be searched: every word once with a blank before it, the first parts first.

    The words of a place stand there once more with its mark.
    """
    marked = [
        f"{place}{word}"
        for place, texts in (places or {}).items()
        for word in search_terms("\n".join(texts))
    ]
    words = (*marked, *search_terms("\n".join(parts)))
    text = " " + " ".join(words) if words else ""
    if len(text) <= SEARCH_LIMIT:
        return text
    return text[:SEARCH_LIMIT].rpartition(" ")[0]


def search_text_of(parsed: ParsedMessage) -> str:
    """What a message is found by: subject, people, names of files, text."""
    senders = [_name_and_email(one) for one in (*parsed.from_, *parsed.reply_to)[:_MOST_NAMES]]
    recipients = [_name_and_email(one) for one in (*parsed.to, *parsed.cc)[:_MOST_NAMES]]
    names = [attachment.filename for attachment in parsed.attachments[:_MOST_NAMES]]
    return make_search_text(
        (parsed.subject, *senders, *recipients, *names, parsed.text),
        places={
            Place.SUBJECT: (parsed.subject,),
            Place.SENDER: senders,
            Place.RECIPIENT: recipients,
        },
    )


def _name_and_email(mailbox: Mailbox) -> str:
    return f"{mailbox.name} {mailbox.email}"
