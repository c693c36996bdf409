"""Seconds to read mails that are made to take long (tests/mailcore/hostile_mails.py), 1 MB each.

    python bench/hostile.py [megabytes]

Every mail is read in all the ways of the intake: parsed, judged, searched for quotes, its HTML turned to
text and bounded. The promise is less than a second for a megabyte of anything, on a quiet machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mailcore.automatic import classify, read_bounce
from mailcore.html_bounds import simplify
from mailcore.html_filter import Findings
from mailcore.parse import parse
from mailcore.quotes import split_quoted
from mailcore.threading import candidate_ids, find_ticket_hooks, reply_subject, trim_references
from tests.mailcore.hostile_mails import HOSTILE

SHOWN = 40


def read(raw: bytes) -> None:
    message = parse(raw)
    classify(message, own_addresses=frozenset({"service@firma.example"}))
    read_bounce(raw, message)
    split_quoted(message.text)
    simplify(message.html, Findings())
    trim_references(candidate_ids(message))
    find_ticket_hooks(message.subject)
    reply_subject(message.subject, 5)


def main() -> int:
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * 1_000_000)
    taken: list[tuple[float, str]] = []
    for name, make in HOSTILE.items():
        raw = make(size)
        started = time.process_time()
        read(raw)
        taken.append((time.process_time() - started, name))
    taken.sort(reverse=True)
    print(f"{len(taken)} mails of {size / 1e6:g} MB; seconds of processor time, the slowest first")
    for seconds, name in taken[:SHOWN]:
        print(f"  {seconds:6.2f}  {name}")
    over = [name for seconds, name in taken if seconds > size / 1e6]
    print(f"{len(over)} over one second per MB")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
