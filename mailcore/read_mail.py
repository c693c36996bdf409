"""Everything that is read in one message before it is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailcore.automatic import Classification, classify
from mailcore.bounces import Bounce, read_bounce
from mailcore.digest import Digest, digest_of
from mailcore.messages import ParsedMessage
from mailcore.parse import parse
from mailcore.threading import read_own_message_id


@dataclass(frozen=True, slots=True)
class OurMarks:
    """How we know ourselves: our addresses, and the keys that sign our Message-IDs."""

    addresses: frozenset[str]
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ReadMail:
    parsed: ParsedMessage  # without its HTML: the most of it, and taking over needs none
    classification: Classification
    bounce: Bounce | None
    is_ours: bool  # we sent it: a Sent copy or a loop
    digest: Digest


@dataclass(frozen=True, slots=True)
class Raw:
    content: bytes
    received_at: datetime


def read_mail(raw: Raw, ours: OurMarks) -> ReadMail:
    """Parses and judges a message. Pure: the same bytes give the same answer in any process."""
    parsed = parse(raw.content, received_at=raw.received_at)
    classification = classify(parsed, own_addresses=ours.addresses)
    return ReadMail(
        parsed=replace(parsed, html=""),
        classification=classification,
        bounce=read_bounce(raw.content, parsed) if classification.is_automatic else None,
        is_ours=read_own_message_id(parsed.message_id, keys=ours.keys) is not None,
        digest=digest_of(parsed),
    )


def read_each(raws: Sequence[Raw], ours: OurMarks) -> list[ReadMail | Exception]:
    """Like read_mail for many; a message that cannot be read has its error instead."""
    found: list[ReadMail | Exception] = []
    for raw in raws:
        try:
            found.append(read_mail(raw, ours))
        except Exception as error:  # noqa: BLE001 - the boundary of one message; the caller records it
            found.append(error)
    return found
