"""Usual FETCH answers are read by a short cut; whatever else comes, by imapclient: both read the same."""

from __future__ import annotations

from typing import Any

import pytest
from imapclient.response_parser import parse_fetch_response

from mailcore.imap_wire import _read_plain

DATED = b'INTERNALDATE "28-Nov-2026 16:00:00 +0100"'
USUAL = [b"1 (UID 7 RFC822.SIZE 120 " + DATED + b")", b"2 (UID 9 RFC822.SIZE 0 " + DATED + b")"]
BODIES = [(b"1 (UID 7 BODY[] {5}", b"a)\r\nb"), b")", (b"2 (UID 9 BODY[] {0}", b""), b")"]


def told(answer: dict[int, dict[bytes, Any]]) -> dict[int, dict[bytes, Any]]:
    return {
        uid: {key: value for key, value in values.items() if key != b"SEQ"}
        for uid, values in answer.items()
    }


@pytest.mark.parametrize(
    "data",
    [
        USUAL,
        BODIES,
        [*USUAL, *BODIES],
        [b'1 (UID 7 RFC822.SIZE 1 INTERNALDATE "31-Feb-2026 99:00:00 +0100")'],
        [b'1 (UID 7 RFC822.SIZE 1 INTERNALDATE " 8-Nov-2026 16:00:00 -0330")'],
    ],
)
def test_the_short_cut_reads_what_imapclient_reads(data: list[Any]) -> None:
    found = _read_plain(data)
    assert found is not None
    assert told(found) == told(parse_fetch_response(list(data), normalise_times=False))


@pytest.mark.parametrize(
    "odd",
    [
        b"3 (FLAGS (\\Seen) UID 7)",
        b"3 (UID 7 FLAGS (\\Seen))",
        b"3 (RFC822.SIZE 120 UID 7 " + DATED + b")",
        b'3 (UID 7 RFC822.SIZE 120 INTERNALDATE "a\\"b")',
        (b"3 (UID 7 FLAGS () BODY[] {3}", b"abc"),
        (b"3 (UID 7 BODY[HEADER] {3}", b"abc"),
        None,
    ],
)
def test_everything_else_is_left_to_imapclient(odd: Any) -> None:
    assert _read_plain([*USUAL, odd]) is None
    assert _read_plain([(b"1 (UID 7 BODY[] {3}", b"abc"), b" FLAGS (\\Seen))"]) is None
    assert _read_plain([(b"1 (UID 7 BODY[] {3}", b"abc")]) is None
