"""Mails made to take long: the work grows with their size, not with its square."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from mailcore.automatic import classify, read_bounce
from mailcore.parse import parse
from mailcore.quotes import split_quoted
from tests.mailcore.counting import count_calls
from tests.mailcore.hostile_mails import HOSTILE

ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE = 4_000, 16_000
# In a process that the kernel ends after so many seconds of its own processor time, whatever else
# runs: what is quadratic inside a regular expression or a codec would need minutes for this size.
SECONDS, SIZE = 25, 200_000
READ_ALL = f"""
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from bench.hostile import read
from tests.mailcore.counting import count_calls
from tests.mailcore.hostile_mails import HOSTILE
for name, make in HOSTILE.items():
    print(name, flush=True)
    read(make({SIZE}))
print("all read")
"""


def read(raw: bytes) -> None:
    message = parse(raw)
    classify(message, own_addresses=frozenset())
    read_bounce(raw, message)
    split_quoted(message.text)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_calls_grow_with_the_size(name: str) -> None:
    read(HOSTILE[name](100))  # codecs and caches are loaded
    small = count_calls(partial(read, HOSTILE[name](SMALL)))
    large = count_calls(partial(read, HOSTILE[name](LARGE)))
    assert large <= small * (LARGE // SMALL) * 1.5 + 500


def test_no_pattern_or_codec_takes_quadratic_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    last = done.stdout.splitlines()[-1:]
    assert last == ["all read"], (last, done.stderr[-500:])
