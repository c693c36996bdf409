from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import Address
from documents.models.dispatch import Dispatch
from documents.models.document import DocumentKind
from mailcore.errors import InvalidDraft
from mailcore.recipients import parse_recipients


def validate_recipients(text: str) -> None:
    """A list of addresses, as in the CC field of a mail."""
    try:
        parse_recipients(text)
    except InvalidDraft as fault:
        raise ValidationError(
            _("„%(email)s“ ist keine gültige E-Mail-Adresse."), params={"email": fault.field}
        ) from fault


class DeliveryPreference(models.Model):
    """How an address wants one kind of document; empty fields say nothing."""

    address = models.ForeignKey(
        Address, on_delete=models.CASCADE, related_name="delivery_preferences"
    )
    kind = models.ForeignKey(
        DocumentKind, verbose_name=_("Art"), on_delete=models.CASCADE, related_name="+"
    )
    recipient_email = models.EmailField(_("An"), blank=True)
    cc = models.CharField(_("CC"), max_length=2000, blank=True, validators=[validate_recipients])
    fax = models.CharField(_("Faxnummer"), max_length=60, blank=True)
    channel = models.CharField(_("Versandweg"), max_length=8, choices=Dispatch.Channel, blank=True)

    class Meta:
        verbose_name = _("Versandvorgabe")
        verbose_name_plural = _("Versandvorgaben")
        constraints = [
            models.UniqueConstraint(
                fields=["address", "kind"], name="one_delivery_preference_per_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address} – {self.kind}"
