"""Whatever bytes come: no exception, everything storable, bounded time. The seed is printed."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from mailcore.automatic import classify, read_bounce
from mailcore.html_text import html_to_text
from mailcore.messages import Mailbox, ParsedMessage
from mailcore.parse import parse, read_part
from mailcore.quotes import split_quoted
from mailcore.threading import find_ticket_hooks, reply_subject

EML = Path(__file__).resolve().parents[1] / "eml"
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "3000"))
SEED = int(os.environ.get("FUZZ_SEED", "20240903"))
LONGEST_SECONDS = 2.0  # a single mail of at most 64 kB; typical is 1 ms
SPLICES = (
    b"\r\n", b"\n", b"\r", b"\0", b"=?", b"?=", b'"', b"<", b">", b"(", b";", b"--b1", b"--", b":",
    b"\x1b$B", b"\xff\xfe", b"\xed\xa0\x80", b"begin 644 x\n", b"Content-Type: multipart/mixed\n",
    b"Content-Transfer-Encoding: base64\n", b"charset=utf-7", b"charset=utf-16", b"*0*=", b"=", b"%",
    b"Content-Type: message/rfc822\n", b"Content-Type: text/html\n", b"\n\n", b"<a href='", b"<!--",
    b"&#xD800;", b"&#0;", b"application/ms-tnef", b"charset=hz", b"charset=iso-2022-kr",
)  # fmt: skip


def mutate(random_: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(random_.choice(seeds))
    for _ in range(random_.randint(1, 12)):
        at = random_.randint(0, len(data))
        kind = random_.randrange(6)
        if kind == 0:
            data[at:at] = random_.choice(SPLICES)
        elif kind == 1:
            del data[at : at + random_.randint(1, 40)]
        elif kind == 2 and data:
            data[at % len(data)] = random_.randrange(256)
        elif kind == 3:
            data[at:at] = data[at : at + random_.randint(1, 200)] * random_.randint(1, 5)
        elif kind == 4:
            other = random_.choice(seeds)
            start = random_.randint(0, len(other))
            data[at:at] = other[start : start + random_.randint(1, 300)]
        else:
            data[at:at] = random_.choice(SPLICES) * random_.choice((2, 50))
    return bytes(data[:65536])


def assert_storable(text: str, *, one_line: bool = False) -> None:
    text.encode("utf-8")
    assert "\0" not in text
    if one_line:
        assert len(text.splitlines()) <= 1
        assert not any(char < " " or char == "\x7f" for char in text)


def check(raw: bytes, message: ParsedMessage) -> None:
    assert message.message_id
    boxes: list[Mailbox] = [*message.from_, *message.to, *message.cc, *message.bcc]
    boxes += [*message.reply_to, *((message.sender,) if message.sender else ())]
    lines = [message.message_id, message.subject, *message.in_reply_to, *message.references]
    lines += [text for box in boxes for text in (box.name, box.email)]
    lines += [text for pair in message.headers for text in pair]
    lines += [*message.delivered_to, message.return_path or ""]
    for attachment in message.attachments:
        lines += [attachment.filename, attachment.content_type, attachment.content_id]
        assert attachment.filename
        assert "/" not in attachment.filename
        assert "\\" not in attachment.filename
    for line in lines:
        assert_storable(line, one_line=True)
    assert_storable(message.text)
    assert_storable(message.html)
    assert "unreadable-body" not in message.defects
    if message.date is not None:
        assert message.date.utcoffset() is not None
        message.date.timestamp()
    for attachment in message.attachments[:5]:
        assert len(read_part(raw, attachment.path)) == attachment.size


def test_mutated_mails_are_survived() -> None:
    print(f"FUZZ_SEED={SEED} FUZZ_ROUNDS={ROUNDS}")
    random_ = random.Random(SEED)
    seeds = [path.read_bytes() for path in sorted(EML.glob("*.eml"))]
    seeds = [seed for seed in seeds if len(seed) < 20_000]
    for number in range(ROUNDS):
        raw = mutate(random_, seeds)
        started = time.perf_counter()
        try:
            message = parse(raw)
            took = time.perf_counter() - started
            check(raw, message)
            classify(message, own_addresses=frozenset({"service@firma.example"}))
            read_bounce(raw, message)
            assert "".join(split_quoted(message.text)) == message.text
            find_ticket_hooks(message.subject)
            reply_subject(message.subject, 5)
            assert_storable(html_to_text(message.html or message.text))
        except Exception as error:
            error.add_note(f"round {number}, seed {SEED}: {raw[:3000]!r}")
            raise
        assert took < LONGEST_SECONDS, (number, raw[:3000])
