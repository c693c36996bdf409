"""Fax numbers as people write them, brought into one form. Numbers without a country are German."""

from __future__ import annotations

import re

from documents.models import Printer

_COUNTRY = "49"
# „+49 (0) 821 123-456“: the zero in brackets is dialled only without the country.
_TRUNK_ZERO = re.compile(r"^(\+|00)([1-9]\d{0,2})\s*\(0\)")
_SEPARATORS = re.compile(r"[\s()/.\-\u2010-\u2015]+")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class BadFaxNumber(ValueError):
    """This is no number a device could dial."""


def read_fax_number(text: str) -> str:
    """„0821 / 123-456“, „+49 (0) 821 123456“ or „0049821123456“ → „+49821123456“ (E.164).

    Raises BadFaxNumber; also for numbers without an area code, which only a neighbour could dial.
    """
    bare = _SEPARATORS.sub("", _TRUNK_ZERO.sub(r"\1\2", text.strip()))
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    elif bare.startswith("0"):
        bare = f"+{_COUNTRY}{bare[1:]}"
    # E.164 knows no zero behind our country: „+490821…“ is „+49821…“ written by habit.
    bare = re.sub(rf"^\+{_COUNTRY}0(?=[1-9])", f"+{_COUNTRY}", bare)
    if not _E164.fullmatch(bare):
        raise BadFaxNumber(text)
    return bare


def spell_fax_number(number: str, spelling: str) -> str:
    """An E.164 number as the device wants it; abroad is always dialled with 00 or +."""
    if spelling == Printer.Spelling.INTERNATIONAL:
        return number
    if spelling == Printer.Spelling.NATIONAL and number.startswith(f"+{_COUNTRY}"):
        return f"0{number[len(_COUNTRY) + 1 :]}"
    return f"00{number[1:]}"
