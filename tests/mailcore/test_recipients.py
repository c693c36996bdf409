"""Addresses as people type them into „An“."""

from __future__ import annotations

import random

import pytest

from mailcore.errors import InvalidDraft
from mailcore.recipients import parse_recipients


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a@x.de", [("", "a@x.de")]),
        (
            " a@x.de, b@y.de;c@z.de\nd@w.de ;, ",
            [("", f"{n}.de") for n in ("a@x", "b@y", "c@z", "d@w")],
        ),
        ("Hans Huber <hans@X.de>", [("Hans Huber", "hans@x.de")]),
        ('"Huber, Hans" <hans@x.de>', [("Huber, Hans", "hans@x.de")]),
        ("Müller, Hans <hans@x.de>; b@y.de", [("Müller, Hans", "hans@x.de"), ("", "b@y.de")]),
        ("hans@x.de (Hans Huber)", [("Hans Huber", "hans@x.de")]),
        ("<hans@x.de>", [("", "hans@x.de")]),
        ("mailto:hans@x.de", [("", "hans@x.de")]),
        ("o'brien@x.ie", [("", "o'brien@x.ie")]),
        ("a@mail.sub.example.de", [("", "a@mail.sub.example.de")]),
        ('"a b"@x.de, "a,b"@x.de', [("", '"a b"@x.de'), ("", '"a,b"@x.de')]),
        ("info@Bücher.de", [("", "info@xn--bcher-kva.de")]),
        ("info@straße.de", [("", "info@xn--strae-oqa.de")]),
        ("jörg@x.de", [("", "jörg@x.de")]),
        ("a@x.de, A@x.de, a@X.DE", [("", "a@x.de"), ("", "A@x.de")]),
        ("a@[192.168.1.5]", [("", "a@[192.168.1.5]")]),
        ('"Say \\"hi\\"" <a@x.de>', [('Say "hi"', "a@x.de")]),
    ],
)
def test_recipients_as_people_type_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(m.name, m.email) for m in parse_recipients(text)] == expected


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("a@b.de, kaputt, c@d.de", "kaputt"),
        ("kaputt", "kaputt"),
        ("a@b.de, kaputt,", "kaputt"),
        ("a@@b.de", "a@@b.de"),
        ("a b@c.de", "a b@c.de"),
        ("a..b@c.de", "a..b@c.de"),
        (".a@c.de", ".a@c.de"),
        ("a@b..de", "a@b..de"),
        ("a@-b.de", "a@-b.de"),
        ("a@b_.de@", "a@b_.de@"),
        ("Hans <hans@x.de> Huber", "Hans <hans@x.de> Huber"),
        ("Hans <hans@x.de", "Hans <hans@x.de"),
        ("a@b.de c@d.de", "a@b.de c@d.de"),
        ("x" * 65 + "@b.de", "x" * 65 + "@b.de"),
        ("a@" + "b" * 64 + ".de", "a@" + "b" * 64 + ".de"),
        ("a@b.de\0", "a@b.de\0"),
    ],
)
def test_the_bad_address_is_named(text: str, bad: str) -> None:
    with pytest.raises(InvalidDraft) as caught:
        parse_recipients(text)
    assert (caught.value.field, caught.value.reason) == (bad, "bad-address")


def test_any_text_is_either_addresses_or_an_error() -> None:
    source = random.Random(4711)
    for _ in range(3000):
        text = "".join(source.choices('ab@.,;<>"()\\ \r\n\0ä[]', k=source.randrange(0, 30)))
        try:
            mailboxes = parse_recipients(text)
        except InvalidDraft:
            continue
        for mailbox in mailboxes:
            again = parse_recipients(mailbox.email)
            assert [m.email for m in again] == [mailbox.email], text
