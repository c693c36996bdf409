"""When an autoresponder answers, and with which text: by the moment the mail arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from autoresponder.models import Autoresponder

_OPEN = "Die E-Mail kam während der Geschäftszeit."
_NOT_NOW = "Die E-Mail kam außerhalb des Zeitraums, in dem geantwortet wird."


@dataclass(frozen=True, slots=True)
class Turn:
    """The texts for this moment, or why nothing is answered now (German)."""

    subject: str = ""
    text: str = ""
    silent: str = ""


def turn_at(settings: Autoresponder, moment: datetime) -> Turn:
    """Days and hours are those of the company's time zone, both named days included."""
    local = timezone.localtime(moment)
    if _is_in_period(settings, local):
        return Turn(
            settings.period_subject.strip() or settings.subject,
            settings.period_text if settings.period_text.strip() else settings.text,
        )
    if settings.when == Autoresponder.When.PERIOD:
        return Turn(silent=_NOT_NOW)
    if settings.when == Autoresponder.When.OUTSIDE_HOURS and _is_open(settings, local):
        return Turn(silent=_OPEN)
    return Turn(settings.subject, settings.text)


def _is_in_period(settings: Autoresponder, local: datetime) -> bool:
    first, last = settings.period_first, settings.period_last
    return first is not None and last is not None and first <= local.date() <= last


def _is_open(settings: Autoresponder, local: datetime) -> bool:
    is_office_day = str(local.isoweekday()) in settings.office_days
    return is_office_day and settings.office_opens <= local.time() < settings.office_closes
