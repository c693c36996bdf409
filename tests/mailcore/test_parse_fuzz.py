"""Whatever bytes come: no exception, everything storable. The seed is printed; bench/fuzz.py does more."""

from __future__ import annotations

import os
import random

from tests.mailcore.mutations import compose, mutate, read_seeds
from tests.mailcore.survival import survive

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "3000"))
SEED = int(os.environ.get("FUZZ_SEED", "20240903"))


def test_mutated_mails_are_survived() -> None:
    print(f"FUZZ_SEED={SEED} FUZZ_ROUNDS={ROUNDS}")
    random_ = random.Random(SEED)
    seeds = read_seeds()
    for number in range(ROUNDS):
        raw = compose(random_) if number % 3 == 0 else mutate(random_, seeds)
        try:
            survive(raw)
        except Exception as error:
            error.add_note(f"round {number}, seed {SEED}: {raw[:3000]!r}")
            raise
