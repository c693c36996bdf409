"""Dates of mail headers, or None where nothing sensible stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from mailcore.encoded_words import decode_words

_GERMAN_MONTHS = {"mär": "Mar", "mrz": "Mar", "mai": "May", "okt": "Oct", "dez": "Dec"}
_MONTH = re.compile(r"\b(mär|mrz|mai|okt|dez)[a-zä]*\b", re.IGNORECASE)
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_LONGEST = 200  # characters of a date that are looked at


def parse_date(text: str) -> datetime | None:
    """An aware datetime in the sender's offset (UTC where none is given)."""
    text = text[:_LONGEST].strip()
    if "=?" in text:
        text = decode_words(text)
    if not text:
        return None
    text = _MONTH.sub(lambda month: _GERMAN_MONTHS[month.group(1).lower()], text)
    return _parse_rfc(text) or _parse_iso(text)


def parse_received_date(text: str) -> datetime | None:
    """The time in a Received header: what stands behind its last semicolon."""
    return parse_date(text.rpartition(";")[2]) if ";" in text else None


def _parse_rfc(text: str) -> datetime | None:
    try:
        parsed = parsedate_tz(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None  # the standard library trips over some broken dates
    if parsed is None:
        return None
    offset = parsed[9] or 0
    zone = timezone(timedelta(seconds=offset)) if abs(offset) < 86_400 else UTC
    try:
        date = datetime(*parsed[:5], min(parsed[5], 59), tzinfo=zone)
    except (ValueError, OverflowError, TypeError):
        return None
    return _in_range(date)


def _parse_iso(text: str) -> datetime | None:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _in_range(date if date.tzinfo else date.replace(tzinfo=UTC))


def _in_range(date: datetime) -> datetime | None:
    return date if _FIRST_YEAR <= date.year <= _LAST_YEAR else None
