"""What a document comes to. Every amount is a Decimal in euros.

Rules: a line is quantity times price, rounded half up to the cent. Tax is worked out once per rate on
the sum of its lines and rounded half up; the gross total is the net sum plus those taxes. So the
figures on the letter always add up by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

CENT = Decimal("0.01")


class Priced(Protocol):
    """What a line has to know of itself."""

    @property
    def quantity(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def tax_rate(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax of one rate: `rate` in percent, `base` and `tax` in euros."""

    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """`lines` in the order of the positions; `taxes` from the highest rate to the lowest."""

    lines: tuple[Decimal, ...]
    net: Decimal
    taxes: tuple[TaxLine, ...]
    gross: Decimal


def line_total(position: Priced) -> Decimal:
    """Quantity times price, half up to the cent."""
    return _cents(position.quantity * position.price)


def add_up(positions: Iterable[Priced]) -> Totals:
    """Lines, net sum, taxes per rate and gross total of these positions."""
    lines: list[Decimal] = []
    bases: dict[Decimal, Decimal] = {}
    for position in positions:
        amount = line_total(position)
        lines.append(amount)
        bases[position.tax_rate] = bases.get(position.tax_rate, Decimal("0.00")) + amount
    taxes = tuple(
        TaxLine(rate=rate, base=base, tax=_cents(base * rate / 100))
        for rate, base in sorted(bases.items(), reverse=True)
    )
    net = sum(lines, Decimal("0.00"))
    gross = net + sum((line.tax for line in taxes), Decimal("0.00"))
    return Totals(lines=tuple(lines), net=net, taxes=taxes, gross=gross)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
