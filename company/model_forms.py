"""The base of our model forms: typed, in named blocks, with the rich-text widget for signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.forms.boundfield import BoundField

if TYPE_CHECKING:
    from django.forms import ModelForm as ModelForm
    from django.utils.functional import _StrOrPromise
else:

    class ModelForm(forms.ModelForm):
        """Django's, but one may write ModelForm[Project]."""

        def __class_getitem__(cls, _model: object) -> type[ModelForm]:
            return cls


EMPLOYEE_VARIABLES = (
    "{MITARBEITER}",
    "{MITARBEITER_TELEFON}",
    "{MITARBEITER_MOBIL}",
    "{MITARBEITER_EMAIL}",
    "{MITARBEITER_TELEFAX}",
)


class RichText(forms.Textarea):
    """A text with formatting and pictures; without JavaScript it is a text area with HTML."""

    template_name = "forms/widgets/rich_text.html"

    def __init__(self, variables: Sequence[str] = (), *, is_signature: bool = False) -> None:
        """`is_signature`: offers a preview of how it will be sent."""
        super().__init__(attrs={"rows": 8})
        self.variables = tuple(variables)
        self.is_signature = is_signature

    def get_context(
        self, name: str, value: object, attrs: dict[str, object] | None
    ) -> dict[str, object]:
        context: dict[str, object] = super().get_context(name, value, attrs)
        return context | {
            "variables": json.dumps(self.variables),
            "is_signature": self.is_signature,
        }


@dataclass(frozen=True, slots=True)
class Block:
    """A titled group of fields on a form page."""

    title: _StrOrPromise
    fields: tuple[str, ...]
    lead: _StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class BoundBlock:
    title: _StrOrPromise
    lead: _StrOrPromise
    fields: tuple[BoundField, ...]


class InBlocks(forms.BaseForm):
    """Mixin of forms that are shown block by block; `blocks` names every visible field once."""

    blocks: ClassVar[tuple[Block, ...]]

    def bound_blocks(self) -> Iterator[BoundBlock]:
        for block in self.blocks:
            fields = tuple(self[name] for name in block.fields if name in self.fields)
            yield BoundBlock(block.title, block.lead, fields)


def make_read_only(form: forms.BaseForm) -> None:
    """For those who may look but not change."""
    for field in form.fields.values():
        field.disabled = True


# What every mail and letter ends with or stands in, of a project or of the company.
LETTER_WIDGETS: dict[str, forms.Widget] = {
    "signature_html": RichText(EMPLOYEE_VARIABLES, is_signature=True),
    "greeting": forms.Textarea(attrs={"rows": 2}),
    "mail_template": forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
}
