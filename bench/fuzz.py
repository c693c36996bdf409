"""Reads a hundred thousand damaged and made-up mails in every way the intake does.

    python bench/fuzz.py [--inputs 100000] [--jobs 2] [--seed 1]

Two thirds are mails of tests/eml with bytes cut, doubled and swapped, one third is composed of hard
pieces; a tenth of all is mutated once more. Every result must be storable (tests/mailcore/survival.py).
Ends with 1 and the bytes of the first ten findings if there are any; the same seed gives the same mails.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.mailcore.mutations import compose, mutate, read_seeds
from tests.mailcore.survival import survive

CHUNK = 1000
SHOWN = 10


@dataclass(slots=True)
class Result:
    inputs: int = 0
    octets: int = 0
    seconds: float = 0.0
    slowest: tuple[float, int, bytes] = (0.0, 0, b"")  # seconds, size, mail
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.inputs += other.inputs
        self.octets += other.octets
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.findings.extend(other.findings)


def run_chunk(seed: int, count: int) -> Result:
    random_ = random.Random(seed)
    seeds = read_seeds()
    result = Result()
    for number in range(count):
        raw = compose(random_) if number % 3 == 0 else mutate(random_, seeds)
        if number % 10 == 0:
            raw = mutate(random_, [raw])
        started = time.process_time()
        try:
            survive(raw)
        except Exception as error:  # a finding, whatever it is
            where = error.__traceback__
            while where and where.tb_next:
                where = where.tb_next
            place = (
                f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
            )
            result.findings.append((f"{type(error).__name__} at {place}: {error}"[:300], raw))
        took = time.process_time() - started
        result.inputs += 1
        result.octets += len(raw)
        result.seconds += took
        result.slowest = max(result.slowest, (took, len(raw), raw))
    return result


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    print(f"seed {chosen.seed}, {chosen.inputs} inputs, {chosen.jobs} jobs", flush=True)
    chunks = [min(CHUNK, chosen.inputs - at) for at in range(0, chosen.inputs, CHUNK)]
    total = Result()
    with ProcessPoolExecutor(chosen.jobs) as pool:
        seeds = [chosen.seed * 1_000_003 + at for at in range(len(chunks))]
        for result in pool.map(run_chunk, seeds, chunks):
            total.add(result)
            if total.inputs % (20 * CHUNK) == 0:
                print(f"  {total.inputs} read, {len(total.findings)} findings", flush=True)
    seconds, size, _ = total.slowest
    print(
        f"{total.inputs} mails, {total.octets / 1e6:.0f} MB, {total.seconds:.0f} s of processor time"
    )
    print(f"slowest {seconds * 1000:.0f} ms for {size} bytes")
    print(f"on average {total.seconds / total.octets * 1e6:.2f} s per MB")
    print(f"{len(total.findings)} findings")
    for what, raw in total.findings[:SHOWN]:
        print(f"- {what}\n  {raw[:300]!r}")
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main())
