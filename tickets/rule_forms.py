"""The form of a „Ticketregel“ with its conditions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseInlineFormSet, inlineformset_factory
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.model_forms import Block, InBlocks, ModelForm
from company.models import Project, User
from mailaccounts.models import MailAccount
from tickets.change import clean_tags, take_tag
from tickets.models import Rule, RuleCondition, Ticket
from tickets.rules import Condition, LoadedRule, load_rule, next_order
from tickets.workspace import assignable_users

_ALL_ACCOUNTS, _UNCHANGED = _("alle Accounts"), _("nicht setzen")
_HEADER_NAME = re.compile(r"[!-9;-~]+:?")  # RFC 5322, 3.6.8

ACTIONS = ("queue", "project", "priority", "assignee", "to_trash", "closes", "makes_personal",
    "makes_gdpr", "no_autoresponse", "ignores")  # fmt: skip


class RuleForm(InBlocks, ModelForm[Rule]):
    tag_names = forms.CharField(
        label=_("Schlagwörter"), required=False, max_length=200, help_text=_("mit Komma getrennt")
    )
    blocks = (
        Block(_("Regel"), ("name", "account", "match", "is_active")),
        Block(
            _("Aktionen"),
            (
                "queue",
                "project",
                "priority",
                "assignee",
                "tag_names",
                "to_trash",
                "closes",
                "makes_personal",
                "makes_gdpr",
                "no_autoresponse",
                "ignores",
            ),
            _("Was hier nicht gesetzt wird, bleibt, wie es der Account vorgibt."),
        ),
        Block(
            _("Ablauf"),
            ("is_for_answers", "stops"),
            _("Die Regeln gelten der Reihe nach; wo zwei sich widersprechen, zählt die spätere."),
        ),
    )

    class Meta:
        model = Rule
        fields = ("name", "account", "match", "is_active", *ACTIONS, "is_for_answers", "stops")
        help_texts = {
            "to_trash": _("Eine automatische Antwort geht dann auch nicht hinaus."),
            "ignores": _("Die E-Mail wird nur abgelegt und, wenn eingestellt, archiviert."),
            "is_for_answers": _("Sonst gilt die Regel nur für die erste E-Mail eines Tickets."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "account": MailAccount.objects.kept().filter(tickets_enabled=True),
            "project": Project.objects.filter(is_active=True),
            "assignee": User.objects.filter(pk__in=[one.pk for one in assignable_users()]),
        }
        for name, found in choices.items():
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = found
        for name in ("queue", "project", "assignee"):
            cast("forms.ModelChoiceField[Any]", self.fields[name]).empty_label = _UNCHANGED
        cast("forms.ModelChoiceField[Any]", self.fields["account"]).empty_label = _ALL_ACCOUNTS
        priority = cast("forms.ChoiceField", self.fields["priority"])
        priority.choices = [("", _UNCHANGED), *Ticket.Priority.choices]
        if self.instance.pk:
            names = self.instance.tags.values_list("name", flat=True)
            self.fields["tag_names"].initial = ", ".join(names)

    def clean_tag_names(self) -> tuple[str, ...]:
        return clean_tags(str(self.cleaned_data["tag_names"]).split(","))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not any(values.get(name) for name in (*ACTIONS, "tag_names")):
            raise ValidationError(_("Bitte mindestens eine Aktion wählen."))
        return values


class ConditionForm(ModelForm[RuleCondition]):
    class Meta:
        model = RuleCondition
        fields = ("field", "header", "operator", "value")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["field"].widget.attrs |= {
            "data-reveals": f"{self.prefix}-header",
            "data-reveals-value": RuleCondition.Field.HEADER,
        }
        self.fields["header"].widget.attrs["placeholder"] = "X-Mailer"
        self.fields["operator"].widget.attrs |= {
            "data-reveals": f"{self.prefix}-pattern",
            "data-reveals-value": RuleCondition.Operator.WILDCARD,
        }

    def has_changed(self) -> bool:
        """An empty row is no condition, whatever its selects say."""
        return bool(super().has_changed() and (self.instance.pk or self["value"].value()))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        name = str(values.get("header", "")).strip()
        if values.get("field") != RuleCondition.Field.HEADER:
            values["header"] = ""
        elif not _HEADER_NAME.fullmatch(name):
            self.add_error("header", _now("Bitte den Namen einer Kopfzeile angeben."))
        else:
            values["header"] = name.rstrip(":")
        return values


class Conditions(BaseInlineFormSet[RuleCondition, Rule, ConditionForm]):
    def initial_form_count(self) -> int:
        """Behind suggested rows there is room for one of one's own, too."""
        self.extra = max(2, len(self.initial_extra or ()) + 1)
        return super().initial_form_count()

    def clean(self) -> None:
        super().clean()
        if not any(self.errors) and not self.conditions():
            raise ValidationError(_now("Bitte mindestens eine Bedingung angeben."))

    def conditions(self) -> list[Condition]:
        """The rows that are filled in and stay."""
        kept = [
            form.cleaned_data
            for form in self.forms
            if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
        ]
        return [
            Condition(row["field"], row["operator"], row["value"], row["header"])
            for row in kept
            if row.get("value")
        ]


ConditionLines = cast(
    "type[Conditions]",
    inlineformset_factory(
        Rule, RuleCondition, form=ConditionForm, formset=Conditions, extra=2, can_delete=True
    ),
)


def save_rule(form: RuleForm, lines: Conditions) -> Rule:
    """Saves the rule with its conditions and tags; a new one becomes the last."""
    with transaction.atomic():
        rule = form.instance
        if rule._state.adding:
            rule.order = next_order()
        form.save()
        lines.save()
        rule.tags.set([take_tag(name) for name in form.cleaned_data["tag_names"]])
    return rule


def rule_as_typed(form: RuleForm, lines: Conditions) -> LoadedRule:
    """The rule of a valid form, not saved; its tags by name only."""
    tags = [(0, name) for name in form.cleaned_data["tag_names"]]
    return replace(load_rule(form.instance, lines.conditions(), tags=tags), tags=())
