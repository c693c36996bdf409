"""Fields that read what people type: amounts with comma or point, addresses by number or name."""

from __future__ import annotations

import re
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from company.models import Address
from documents.german_format import format_number

_SEPARATOR = " – "


class AmountField(forms.DecimalField):
    """Reads „1.234,50“, „1234,5“ and „1234.50“; in an English interface „1,234.50“ too."""

    widget = forms.TextInput

    def __init__(self, *, shown_decimals: int, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.shown_decimals = shown_decimals
        self.widget.attrs.update({"inputmode": "decimal", "class": "num", "autocomplete": "off"})

    def to_python(self, value: object) -> Decimal | None:  # type: ignore[override]
        text = re.sub(r"[\s€%]", "", str(value or ""))
        decimal = str(get_format("DECIMAL_SEPARATOR"))
        thousands = "." if decimal == "," else ","
        grouped = rf"[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?"
        if re.fullmatch(grouped, text):
            text = text.replace(thousands, "")
        return super().to_python(text.replace(",", "."))

    def prepare_value(self, value: object) -> object:
        if not isinstance(value, Decimal | int):
            return value
        number = Decimal(value)
        text = format_number(number, decimals=self.shown_decimals)
        if self.shown_decimals != 2:
            text = text.rstrip("0").rstrip(",")
        german = get_format("DECIMAL_SEPARATOR") == ","
        return text if german else text.translate(str.maketrans(",.", ".,"))


class AddressField(forms.CharField):
    """An address, typed as its number, its name or a suggestion „10002 – Hans Huber“."""

    def clean(self, value: object) -> Address | None:
        text = str(super().clean(str(value or ""))).strip()
        if not text:
            return None
        number = text.split(_SEPARATOR)[0].strip()
        found = list(Address.objects.filter(number=number)[:1])
        found = found or list(Address.objects.filter(name__iexact=text)[:2])
        if len(found) != 1:
            raise ValidationError(
                _("Mehrere Adressen heißen so. Wählen Sie eine aus der Liste.")
                if found
                else _("Diese Adresse gibt es nicht. Wählen Sie eine aus der Liste.")
            )
        return found[0]

    def prepare_value(self, value: object) -> object:
        if isinstance(value, Address):
            return address_label(value)
        return value


def address_label(address: Address) -> str:
    return f"{address.number}{_SEPARATOR}{address.name}"
