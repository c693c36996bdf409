"""The forms of a call and a note."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.model_forms import ModelForm
from crm.activities import ActivityContent
from crm.models import Activity

_AHEAD = timedelta(minutes=5)  # clocks differ
_MOMENT = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class _ActivityForm(ModelForm[Activity]):
    once_key = forms.RegexField(r"\A[\w-]{16,60}\Z", widget=forms.HiddenInput, required=False)
    kind = Activity.Kind.NOTE

    class Meta:
        model = Activity
        fields: tuple[str, ...] = ("text",)
        widgets: dict[str, forms.Widget] = {"text": forms.Textarea(attrs={"rows": 5})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].error_messages["required"] = _("Bitte schreiben Sie einen Text.")

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\x00", "").strip()

    def content(self) -> ActivityContent:
        """What a valid form holds."""
        given = self.cleaned_data
        return ActivityContent(
            kind=self.kind,
            text=given["text"],
            happened_at=given.get("happened_at") or self.instance.happened_at or timezone.now(),
            direction=given.get("direction", ""),
            person=given.get("person", ""),
            minutes=given.get("minutes"),
            is_pinned=given.get("is_pinned", False),
        )


class NoteForm(_ActivityForm):
    class Meta(_ActivityForm.Meta):
        fields = ("text", "is_pinned")


class CallForm(_ActivityForm):
    kind = Activity.Kind.CALL

    direction = forms.ChoiceField(
        label=_("Richtung"),
        choices=Activity.Direction.choices,
        widget=forms.RadioSelect,
        initial=Activity.Direction.OUT,
    )

    class Meta(_ActivityForm.Meta):
        fields = ("direction", "person", "happened_at", "minutes", "text")
        widgets = {
            "text": forms.Textarea(attrs={"rows": 5}),
            "happened_at": _MOMENT,
            "person": forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
            "minutes": forms.NumberInput(attrs={"min": 1, "max": 1440, "inputmode": "numeric"}),
        }

    def clean_happened_at(self) -> datetime:
        moment: datetime = self.cleaned_data["happened_at"]
        if moment > timezone.now() + _AHEAD:
            raise ValidationError(_now("Das liegt in der Zukunft."))
        # The field knows no seconds: an unchanged one keeps those that were stored.
        before = self.instance.happened_at if self.instance.pk else None
        if before and before.replace(second=0, microsecond=0) == moment:
            return before
        return moment
