"""Form of a document and of its positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from company.models import Address, ContactPerson, Project
from documents.forms.fields import AddressField, AmountField
from documents.models import Document, Position

if TYPE_CHECKING:
    DocumentModelForm = forms.ModelForm[Document]
    PositionModelForm = forms.ModelForm[Position]
else:
    DocumentModelForm = PositionModelForm = forms.ModelForm

MAX_PDF_BYTES = 20_000_000
_NO_PRICE = frozenset({"", "0", "0,00", "0.00"})


class DocumentForm(DocumentModelForm):
    """Everything of a document but its positions. The instance brings the kind."""

    address = AddressField(
        label=_("Adresse"),
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "list": "address-suggestions",
                "autocomplete": "off",
                "hx-get": reverse_lazy("documents:address_suggestions"),
                "hx-trigger": "input changed delay:200ms",
                "hx-target": "#address-suggestions",
                "hx-sync": "this:replace",
            }
        ),
        help_text=_("Nummer oder Name eintippen und einen Vorschlag wählen."),
    )
    own_pdf = forms.FileField(
        label=_("Eigenes PDF"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
        help_text=_(
            "Wird statt des erzeugten Briefes verschickt, z. B. eines aus der Warenwirtschaft."
        ),
    )
    remove_own_pdf = forms.BooleanField(label=_("Eigenes PDF entfernen"), required=False)

    class Meta:
        model = Document
        fields = [
            "address",
            "contact",
            "number",
            "date",
            "service_date",
            "project",
            "subject",
            "intro",
            "closing",
        ]
        widgets = {
            "date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "intro": forms.Textarea(attrs={"rows": 4}),
            "closing": forms.Textarea(attrs={"rows": 4}),
            "contact": forms.Select(
                attrs={
                    "hx-get": reverse_lazy("documents:contact_options"),
                    "hx-trigger": "change from:#id_address",
                    "hx-include": "#id_address",
                    "hx-swap": "innerHTML",
                }
            ),
        }

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        document = self.instance
        if document.address_id:
            self.initial["address"] = document.address
        if document.pk:
            del self.fields["number"]
        else:
            self.fields["number"].required = False
            self.fields["number"].help_text = _("Leer = die nächste freie Nummer.")
        if not document.own_pdf_sha256:
            del self.fields["remove_own_pdf"]
        if document.kind.is_letter:
            self._become_letter()
        else:
            del self.fields["subject"]
        self._limit_choices(document)

    def _become_letter(self) -> None:
        """Subject and text take the place of positions."""
        for name in ("service_date", "closing"):
            del self.fields[name]
        self.fields["subject"].required = True
        text = self.fields["intro"]
        text.label = _("Text")
        text.widget.attrs["rows"] = 16

    def _limit_choices(self, document: Document) -> None:
        """Contact persons of any address are valid here; clean() sees that they belong together."""
        contacts = self.fields["contact"]
        assert isinstance(contacts, forms.ModelChoiceField)
        address = self._address_on_screen()
        contacts.queryset = ContactPerson.objects.filter(address=address)
        contacts.empty_label = str(_("– ohne –"))
        projects = self.fields["project"]
        assert isinstance(projects, forms.ModelChoiceField)
        chosen = document.project_id or 0
        projects.queryset = Project.objects.filter(is_active=True) | Project.objects.filter(
            pk=chosen
        )
        projects.empty_label = str(_("– ohne –"))

    def _address_on_screen(self) -> Address | None:
        if not self.is_bound:
            return self.instance.address if self.instance.address_id else None
        field = self.fields["address"]
        assert isinstance(field, AddressField)
        try:
            return field.clean(self.data.get(self.add_prefix("address"), ""))
        except forms.ValidationError:
            return None

    def clean_number(self) -> str:
        number = str(self.cleaned_data["number"]).strip()
        if Document.objects.filter(kind=self.instance.kind, number=number).exists():
            raise forms.ValidationError(_("Diese Nummer ist schon vergeben."))
        return number

    def clean_own_pdf(self) -> bytes | None:
        file = self.cleaned_data.get("own_pdf")
        if not isinstance(file, UploadedFile):
            return None
        if (file.size or 0) > MAX_PDF_BYTES:
            raise forms.ValidationError(_("Das PDF ist größer als 20 MB."))
        content = bytes(file.read())
        if not content.startswith(b"%PDF-"):
            raise forms.ValidationError(_("Das ist keine PDF-Datei."))
        return content

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        keeps_pdf = self.instance.own_pdf_sha256 and not values.get("remove_own_pdf")
        if self.instance.kind.is_letter and not (
            values.get("intro", "").strip() or values.get("own_pdf") or keeps_pdf
        ):
            self.add_error("intro", _("Bitte schreiben Sie einen Text."))
        return values

    def read_own_pdf(self) -> bytes | None:
        """The PDF to keep: None = as it was, b"" = none any more."""
        content = self.cleaned_data.get("own_pdf")
        if isinstance(content, bytes):
            return content
        return b"" if self.cleaned_data.get("remove_own_pdf") else None


class PositionForm(PositionModelForm):
    """One line of the table; with prices or without."""

    quantity = AmountField(
        label=_("Menge"), shown_decimals=3, max_digits=12, decimal_places=3, initial=1
    )
    price = AmountField(
        label=_("Einzelpreis netto"), shown_decimals=2, max_digits=12, decimal_places=2, initial=0
    )
    tax_rate = AmountField(
        label=_("USt. %"),
        shown_decimals=1,
        max_digits=4,
        decimal_places=1,
        min_value=0,
        max_value=100,
        initial=19,
    )

    class Meta:
        model = Position
        fields = ["article", "text", "quantity", "unit", "price", "tax_rate"]

    def __init__(self, *args: object, has_prices: bool = True, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = str(field.label)
            if name == "unit":
                field.required = False
        if not has_prices:
            del self.fields["price"], self.fields["tax_rate"]

    @property
    def is_filled(self) -> bool:
        """Whether anything was typed into the row: its text, its article or a price."""
        typed = {name: self.data.get(self.add_prefix(name), "") for name in ("text", "article")}
        price = self.data.get(self.add_prefix("price"), "")
        return any(text.strip() for text in typed.values()) or price not in _NO_PRICE

    def has_changed(self) -> bool:
        """The empty row at the end of the table is no position."""
        return self.is_filled


PositionFormSet = forms.formset_factory(
    PositionForm, formset=forms.BaseFormSet, extra=1, can_delete=True, max_num=1000
)


def kept_positions(formset: forms.BaseFormSet[PositionForm]) -> Sequence[Position]:
    """The rows of a valid formset in their order, without the empty and the removed ones."""
    return [
        form.instance
        for form in formset.forms
        if form.is_filled and not form.cleaned_data.get("DELETE")
    ]
