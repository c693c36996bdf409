"""The settings of an autoresponder, as the account page shows them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from autoresponder.models import Autoresponder
from company.model_forms import ModelForm

TEXTS = ("subject", "text", "period_subject", "period_text")
_WEEKDAYS = (
    ("1", _("Montag")),
    ("2", _("Dienstag")),
    ("3", _("Mittwoch")),
    ("4", _("Donnerstag")),
    ("5", _("Freitag")),
    ("6", _("Samstag")),
    ("7", _("Sonntag")),
)
_When = Autoresponder.When


def _day() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _time() -> forms.TimeInput:
    return forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class AutoresponderForm(ModelForm[Autoresponder]):
    office_days = forms.MultipleChoiceField(
        label=_("Geschäftstage"),
        choices=_WEEKDAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Autoresponder
        fields = (
            *("is_active", "once_a_day", "subject", "text"),
            *("when", "office_days", "office_opens", "office_closes"),
            *("period_first", "period_last", "period_subject", "period_text"),
        )
        widgets = {
            "text": forms.Textarea(attrs={"rows": 7}),
            "period_text": forms.Textarea(attrs={"rows": 5}),
            "when": forms.Select(
                attrs={"data-reveals": "office-hours", "data-reveals-value": _When.OUTSIDE_HOURS}
            ),
            "office_opens": _time(),
            "office_closes": _time(),
            "period_first": _day(),
            "period_last": _day(),
        }

    def clean_office_days(self) -> str:
        return "".join(sorted(self.cleaned_data["office_days"]))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("is_active"):
            self._want("subject", _("Bitte geben Sie einen Betreff ein."))
            self._want("text", _("Bitte geben Sie einen Text ein."))
        self._check_hours(values)
        self._check_period(values)
        return values

    def _want(self, name: str, problem: Any) -> None:
        if name not in self.errors and not str(self.cleaned_data.get(name) or "").strip():
            self.add_error(name, problem)

    def _check_hours(self, values: dict[str, Any]) -> None:
        opens, closes = values.get("office_opens"), values.get("office_closes")
        if opens and closes and closes <= opens:
            self.add_error("office_closes", _("Das liegt vor „Geöffnet von“."))
        if values.get("when") == _When.OUTSIDE_HOURS and not values.get("office_days"):
            self.add_error("office_days", _("Bitte wählen Sie mindestens einen Tag."))

    def _check_period(self, values: dict[str, Any]) -> None:
        first, last = values.get("period_first"), values.get("period_last")
        if first and last and last < first:
            self.add_error("period_last", _("Das liegt vor dem ersten Tag."))
        if first or last or values.get("when") == _When.PERIOD:
            self._want("period_first", _("Bitte geben Sie den ersten Tag an."))
            self._want("period_last", _("Bitte geben Sie den letzten Tag an."))
