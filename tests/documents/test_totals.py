"""Sums of a document: half up per line, tax once per rate, figures that add up by hand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from documents.german_format import format_amount, format_quantity, format_rate
from documents.totals import add_up, line_total


@dataclass(frozen=True)
class Line:
    quantity: Decimal
    price: Decimal
    tax_rate: Decimal = Decimal("19.0")


def line(quantity: str, price: str, rate: str = "19.0") -> Line:
    return Line(Decimal(quantity), Decimal(price), Decimal(rate))


@pytest.mark.parametrize(
    ("quantity", "price", "total"),
    [
        ("1", "0.01", "0.01"),
        ("0.5", "0.01", "0.01"),  # 0.005: half up, not to even
        ("1.5", "0.01", "0.02"),
        ("0.333", "10.00", "3.33"),
        ("2.5", "0.33", "0.83"),  # 0.825
        ("3", "33.335", "100.01"),
        ("0", "99.99", "0.00"),
        ("-0.5", "0.01", "-0.01"),  # a reduction is rounded like the amount it takes back
        ("999999999.999", "9999999999.99", "9999999999980000000.00"),
    ],
)
def test_a_line_is_rounded_half_up_to_the_cent(quantity: str, price: str, total: str) -> None:
    assert line_total(line(quantity, price)) == Decimal(total)


def test_tax_is_worked_out_once_per_rate_on_the_sum_of_its_lines() -> None:
    # 3 × 0.03 € at 19 %: line by line 0.01 each, on the sum 0.02.
    totals = add_up([line("1", "0.03")] * 3)
    assert totals.net == Decimal("0.09")
    assert [tax.tax for tax in totals.taxes] == [Decimal("0.02")]
    assert totals.gross == Decimal("0.11")


def test_several_rates_stand_from_high_to_low_and_add_up() -> None:
    totals = add_up(
        [line("1", "49.90", "7.0"), line("2.5", "85"), line("1", "10", "0"), line("1", "0.10", "7")]
    )
    assert [(tax.rate, tax.base, tax.tax) for tax in totals.taxes] == [
        (Decimal("19.0"), Decimal("212.50"), Decimal("40.38")),
        (Decimal("7.0"), Decimal("50.00"), Decimal("3.50")),
        (Decimal("0"), Decimal("10.00"), Decimal("0.00")),
    ]
    assert totals.net == Decimal("272.50")
    assert totals.gross == Decimal("316.38")
    assert sum(totals.lines) == totals.net
    assert sum(tax.base for tax in totals.taxes) == totals.net


def test_nothing_comes_to_nothing() -> None:
    totals = add_up([])
    assert not totals.lines
    assert not totals.taxes
    assert totals.net == totals.gross == 0


def test_numbers_are_written_the_german_way() -> None:
    assert format_amount(Decimal("1234567.5")) == "1.234.567,50 €"
    assert format_amount(Decimal("-0.50")) == "-0,50 €"
    assert format_quantity(Decimal("1000.000")) == "1.000"
    assert format_quantity(Decimal("1.500")) == "1,5"
    assert format_rate(Decimal("10.7")) == "10,7 %"
