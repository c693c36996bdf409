"""What people fill in on the ticket pages."""

from __future__ import annotations

from typing import Any, TypedDict, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.models import Address, Project, Queue, User
from tickets.change import Changes
from tickets.models import Ticket
from tickets.workspace import assignable_users

NOBODY = "niemand"
_LONGEST_TAG = 40


class AttributeForm(forms.Form):
    """One attribute of a ticket: `feld` says which; the others are left alone."""

    feld = forms.CharField()
    status = forms.ChoiceField(choices=Ticket.Status.choices, required=False)
    priority = forms.TypedChoiceField(
        choices=Ticket.Priority.choices, coerce=int, empty_value=None, required=False
    )
    assignee = forms.ModelChoiceField(User.objects.none(), required=False)
    queue = forms.ModelChoiceField(Queue.objects.none(), required=False)
    project = forms.ModelChoiceField(Project.objects.filter(is_active=True), required=False)
    address = forms.CharField(max_length=160, required=False)
    tags = forms.CharField(max_length=400, required=False)
    is_gdpr = forms.BooleanField(required=False)
    is_personal = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        users = assignable_users()
        _field(self, "assignee").queryset = User.objects.filter(pk__in=[one.pk for one in users])
        _field(self, "queue").queryset = Queue.objects.visible_to(user)

    def clean_feld(self) -> str:
        name: str = self.cleaned_data["feld"]
        if name == "feld" or name not in self.fields:
            raise ValidationError(_("Diese Angabe lässt sich nicht ändern."))
        return name

    def clean_address(self) -> Address | None:
        text = self.cleaned_data["address"].strip()
        if not text:
            return None
        found = list(Address.objects.filter(Q(number__iexact=text) | Q(name__iexact=text))[:2])
        if not found:
            raise ValidationError(
                _("Eine Adresse „%(text)s“ gibt es nicht."), params={"text": text}
            )
        if len(found) > 1:
            raise ValidationError(
                _("„%(text)s“ gibt es mehrfach. Bitte geben Sie die Nummer ein."),
                params={"text": text},
            )
        return found[0]

    def clean_tags(self) -> list[str]:
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
        if any(len(tag) > _LONGEST_TAG for tag in tags):
            raise ValidationError(_("Ein Schlagwort darf höchstens 40 Zeichen lang sein."))
        return tags

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        name = cleaned.get("feld")
        if name in ("status", "priority") and not cleaned.get(name) and name not in self.errors:
            self.add_error(name, _("Bitte wählen Sie einen Wert."))
        return cleaned

    def changes(self) -> Changes:
        name = self.cleaned_data["feld"]
        return cast("Changes", {name: self.cleaned_data[name]})


class BulkChanges(TypedDict, total=False):
    status: str
    assignee: User | None


class BulkForm(forms.Form):
    """One change for all marked tickets."""

    status = forms.ChoiceField(choices=[("", ""), *Ticket.Status.choices], required=False)
    assignee = forms.CharField(required=False)
    tickets = forms.ModelMultipleChoiceField(
        Ticket.objects.none(), error_messages={"required": _("Es ist kein Ticket markiert.")}
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        _field(self, "tickets").queryset = Ticket.objects.visible_to(user)

    def clean_assignee(self) -> User | str | None:
        """A user, None for nobody, or "" for no change."""
        text = self.cleaned_data["assignee"]
        if text in ("", NOBODY):
            return None if text else ""
        found = next((user for user in assignable_users() if str(user.pk) == text), None)
        if found is None:
            raise ValidationError(_("Diesem Benutzer lassen sich keine Tickets zuordnen."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned["status"] and cleaned["assignee"] == "":
            raise ValidationError(_("Bitte wählen Sie einen Status oder einen Verantwortlichen."))
        return cleaned

    def changes(self) -> BulkChanges:
        found = BulkChanges()
        if self.cleaned_data["status"]:
            found["status"] = self.cleaned_data["status"]
        if self.cleaned_data["assignee"] != "":
            found["assignee"] = self.cleaned_data["assignee"]
        return found


def first_error(form: forms.Form) -> str:
    """What is wrong first, for a short message."""
    return next(str(error) for errors in form.errors.values() for error in errors)


def _field(form: forms.Form, name: str) -> forms.ModelChoiceField[Any]:
    return cast("forms.ModelChoiceField[Any]", form.fields[name])
