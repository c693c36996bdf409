"""Signed Message-IDs, subjects, hooks and references."""

from __future__ import annotations

import pytest

from mailcore.parse import parse
from mailcore.threading import (
    candidate_ids,
    find_ticket_hooks,
    new_message_id,
    normalise_subject,
    read_own_message_id,
    reply_subject,
    trim_references,
)

KEYS = (b"new key", b"old key")


def test_own_message_id_is_recognised_and_nothing_else() -> None:
    made = new_message_id("Firma.example", keys=KEYS, token="t42-abc_X")
    assert "<" not in made
    assert made.endswith("@firma.example")
    assert read_own_message_id(made, keys=KEYS) == "t42-abc_X"
    assert read_own_message_id(f"<{made}>", keys=KEYS) == "t42-abc_X"
    assert read_own_message_id(made.replace("t42", "t43"), keys=KEYS) is None
    assert read_own_message_id(made.replace("firma", "fremd"), keys=KEYS) is None
    assert read_own_message_id(made, keys=(b"other",)) is None
    for foreign in ("", "a@b", "t42-abc_X@firma.example", made[:-40] + "@firma.example"):
        assert read_own_message_id(foreign, keys=KEYS) is None


def test_keys_rotate() -> None:
    old = new_message_id("firma.example", keys=KEYS[1:], token="alt")
    assert read_own_message_id(old, keys=KEYS) == "alt"
    new = new_message_id("firma.example", keys=KEYS, token="neu")
    assert read_own_message_id(new, keys=KEYS[:1]) == "neu"
    assert read_own_message_id(new, keys=KEYS[1:]) is None


@pytest.mark.parametrize("token", ["", "a b", "a>b", "a@b", "ä", "a.b", "a\n"])
def test_token_that_would_break_the_id_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        new_message_id("firma.example", keys=KEYS, token=token)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Angebot", "Angebot"),
        ("AW: WG[5]: Re: Angebot", "Angebot"),
        ("Re: Re: RE : re:Angebot", "Angebot"),
        ("Antw: Fwd: FW: WG: SV: VS: Odp: RV: TR: R: Angebot", "Angebot"),
        ("Re[2]: Re(3): Re^4: Angebot", "Angebot"),
        ("AW:  Angebot   für\tSie ", "Angebot für Sie"),
        ("Rechnung: Angebot", "Rechnung: Angebot"),
        ("Reise: Angebot", "Reise: Angebot"),
        ("Re:", ""),
        ("", ""),
        ("Re:" * 20000, ""),
    ],
)
def test_prefixes_are_stripped_repeatedly(subject: str, expected: str) -> None:
    assert normalise_subject(subject) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Angebot", "Re: [Ticket#7] Angebot"),
        ("AW: [Ticket#7] WG: Angebot", "Re: [Ticket#7] Angebot"),
        ("Re: [Ticket#8] Angebot", "Re: [Ticket#7] [Ticket#8] Angebot"),
        ("", "Re: [Ticket#7]"),
    ],
)
def test_reply_subject_carries_the_hook_once(subject: str, expected: str) -> None:
    assert reply_subject(subject, 7) == expected


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("Re: [Ticket#123] Angebot", ("123",)),
        ("Frage zu Ticket #55", ("55",)),
        ("Frage zu #9", ("9",)),
        ("#9 und [Ticket#8], Ticket #7, #9", ("8", "7", "9")),
        ("Farbe #12ab &#34; a#5 C##6", ()),
        ("Angebot 123", ()),
        ("#" + "1" * 30, ()),
    ],
)
def test_hooks_in_subjects(subject: str, numbers: tuple[str, ...]) -> None:
    assert find_ticket_hooks(subject) == numbers


def test_references_keep_the_first_and_the_last() -> None:
    ids = [f"{number:04}@kunde.example" for number in range(500)]
    kept = trim_references(ids)
    assert kept[0] == ids[0]
    assert kept[1:] == tuple(ids[1 - len(kept) :])
    size = sum(len(one) + 3 for one in kept)
    assert 1450 < size <= 1500
    assert trim_references(ids[:3]) == tuple(ids[:3])
    assert trim_references([]) == ()


def test_references_that_would_break_the_header_are_left_out() -> None:
    ids = ["a@b", "x" * 1000 + "@b", "c d@e", "f@g\r\nBcc: h", "a@b", "i@j"]
    assert trim_references(ids) == ("a@b", "i@j")


def test_candidates_come_nearest_first() -> None:
    raw = b"In-Reply-To: <c@x>\r\nReferences: <a@x> <b@x> <c@x>\r\nSubject: x\r\n\r\n"
    assert candidate_ids(parse(raw)) == ("c@x", "b@x", "a@x")
