"""Kills the sending process between every two steps, with full queues, and counts what became of all mail.

    python -m bench.crash_sending [--messages 2000] [--kills 3] [--points sent,recorded,…]

One healthy account with that many messages, one whose server never answers, one whose recipients are all
refused. At every point the process dies that many times at random passes of it, then runs to its end. Each
message must have been accepted exactly once, or stand as „unklar“. Ends with 1 where one was not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from company.crash_points import EXIT_CODE
from tests.outbox.crashing import accepted_by, fill, find_untruths, read_fate, run, set_up
from tests.servers.scripted import run_scripted, silence
from tests.servers.smtp_sink import Sink, run_smtp_sink

POINTS = (
    *("claimed", "connected", "before_data", "data_started", "sent", "recorded"),
    "released",
)
_RARE = {"claimed": 12, "connected": 2, "released": 2}  # passes in a run; the others: one a message
_NOBODY = "nein@huber.example"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--points", default=",".join(POINTS))
    wanted = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6)
    print(f"{wanted.messages} messages, {wanted.kills} kills at each point, seed {seed}")
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, run_smtp_sink() as sink:
        empty = Path(directory) / "empty"
        empty.mkdir()
        set_up(empty)
        results = []
        for point in wanted.points.split(","):
            data = Path(directory) / point
            shutil.copytree(empty, data)
            results.append(_measure(data, point, wanted.messages, wanted.kills, sink, dice))
            shutil.rmtree(data)
    return 0 if all(results) else 1


def _measure(
    data: Path, point: str, count: int, kills: int, sink: Sink, dice: random.Random
) -> bool:
    sink.reset()
    sink.on_recipient = {_NOBODY: "550 5.1.1 no"}
    with run_scripted(silence) as hanging:
        fill(data, title="Hängt", count=20, email="a@x.example", smtp_port=hanging.port)
        fill(data, title="Nein", count=20, to=_NOBODY, email="b@x.example", smtp_port=sink.port)
        fill(data, title="Mail", count=count, email="c@x.example", smtp_port=sink.port)
        started = time.perf_counter()
        died = 0
        for _ in range(kills):
            passes = _RARE.get(point, max(1, count // (kills + 1)))
            at = f"outbox.{point}:{dice.randrange(passes) + 1}"
            done = run(data, "manage.py", "deliver", crash_at=at, timeout=1800)
            died += done.returncode == EXIT_CODE
        run(data, "manage.py", "deliver", timeout=1800)
        seconds = time.perf_counter() - started
    fate = read_fate(data)
    untruths = find_untruths(fate, accepted_by(one.raw for one in sink.received))
    states = dict(fate.count("Mail"))
    is_right = (
        not untruths and sum(states.values()) == count and set(states) <= {"sent", "uncertain"}
    )
    print(
        f"{point:13} died {died}×, {states}, {seconds:.0f} s: {'right' if is_right else 'WRONG'}",
        flush=True,
    )
    for line in untruths[:20]:
        print(f"    {line}")
    return is_right


if __name__ == "__main__":
    sys.exit(main())
