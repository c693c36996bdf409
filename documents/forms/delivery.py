"""„Versandvorgaben“ of an address: one form for every kind of document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django import forms

from company.models import Address
from documents.models import DeliveryPreference, DocumentKind

if TYPE_CHECKING:
    PreferenceModelForm = forms.ModelForm[DeliveryPreference]
else:
    PreferenceModelForm = forms.ModelForm


class DeliveryPreferenceForm(PreferenceModelForm):
    """The preference for the kind of its instance."""

    class Meta:
        model = DeliveryPreference
        fields = ("recipient_email", "cc", "channel", "fax")

    def save_or_remove(self) -> None:
        """Of a valid form; a preference without any value is none."""
        address, kind = self.instance.address, self.instance.kind
        if any(self.cleaned_data.values()):
            DeliveryPreference.objects.update_or_create(
                address=address, kind=kind, defaults=self.cleaned_data
            )
        else:
            DeliveryPreference.objects.filter(address=address, kind=kind).delete()


def preference_forms(
    address: Address, data: Mapping[str, object] | None = None
) -> list[DeliveryPreferenceForm]:
    """In the order of the kinds."""
    stored = {one.kind_id: one for one in DeliveryPreference.objects.filter(address=address)}
    forms_of_kinds = []
    for kind in DocumentKind.objects.all():
        instance = stored.get(kind.pk) or DeliveryPreference()
        instance.address, instance.kind = address, kind
        forms_of_kinds.append(
            DeliveryPreferenceForm(data, instance=instance, prefix=f"kind-{kind.pk}")
        )
    return forms_of_kinds
