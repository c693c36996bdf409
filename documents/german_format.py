"""Numbers and dates as a German letter shows them, whatever language the interface speaks."""

from __future__ import annotations

import datetime
from decimal import Decimal


def format_amount(amount: Decimal) -> str:
    """1234.5 → „1.234,50 €“."""
    return f"{format_number(amount, decimals=2)} €"


def format_number(number: Decimal, *, decimals: int) -> str:
    """1234.5 with 2 decimals → „1.234,50“."""
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def format_quantity(quantity: Decimal) -> str:
    """1.500 → „1,5“; 2.000 → „2“."""
    text = format_number(quantity, decimals=3)
    return text.rstrip("0").rstrip(",")


def format_rate(rate: Decimal) -> str:
    """19.0 → „19 %“; 10.7 → „10,7 %“."""
    return f"{format_quantity(rate)} %"


def format_date(date: datetime.date) -> str:
    return f"{date:%d.%m.%Y}"
