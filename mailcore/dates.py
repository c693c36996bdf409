"""Dates of mail headers, or None where nothing sensible stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from mailcore.encoded_words import decode_words

_GERMAN_MONTHS = {"mär": "Mar", "mrz": "Mar", "mai": "May", "okt": "Oct", "dez": "Dec"}
_MONTH = re.compile(r"\b(mär|mrz|mai|okt|dez)[a-zä]*\b", re.IGNORECASE)
_COMMENT_BEFORE_ZONE = re.compile(r"\([^()]{0,50}\)\s*(?=[+-]\d{4}\b)")
_TWELVE_HOURS = re.compile(
    r"\b(0?[1-9]|1[0-2])((?::\d\d){1,2})\s{0,5}([ap])\.?m\b\.?", re.IGNORECASE
)
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
    text = _COMMENT_BEFORE_ZONE.sub("", text)
    text = _TWELVE_HOURS.sub(_to_24_hours, text)
    return _parse_rfc(text) or _parse_iso(text)


def _to_24_hours(time: re.Match[str]) -> str:
    afternoon = 12 if time.group(3) in "pP" else 0
    return f"{int(time.group(1)) % 12 + afternoon:02}{time.group(2)}"


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
