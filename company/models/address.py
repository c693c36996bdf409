from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.models.user import User


class Address(models.Model):
    """A customer or supplier."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", _("Kunde")
        SUPPLIER = "supplier", _("Lieferant")
        OTHER = "other", _("Sonstige")

    number = models.CharField(_("Nummer"), max_length=20, unique=True)
    kind = models.CharField(_("Art"), max_length=10, choices=Kind, default=Kind.CUSTOMER)
    name = models.CharField(_("Name"), max_length=160)
    salutation = models.CharField(_("Anrede"), max_length=40, blank=True)
    street = models.CharField(_("Straße"), max_length=120, blank=True)
    postcode = models.CharField(_("PLZ"), max_length=12, blank=True)
    city = models.CharField(_("Ort"), max_length=80, blank=True)
    country = models.CharField(_("Land"), max_length=60, blank=True)
    language = models.CharField(
        _("Sprache"), max_length=2, choices=User.Language, default=User.Language.GERMAN
    )
    email = models.EmailField(_("E-Mail"), blank=True)
    phone = models.CharField(_("Telefon"), max_length=60, blank=True)
    fax = models.CharField(_("Telefax"), max_length=60, blank=True)
    vat_id = models.CharField(_("USt-IdNr."), max_length=20, blank=True)
    note = models.TextField(_("Bemerkung"), blank=True)
    is_active = models.BooleanField(_("aktiv"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Adresse")
        verbose_name_plural = _("Adressen")
        ordering = ["name"]
        indexes = [models.Index(Lower("email"), name="address_email")]

    def __str__(self) -> str:
        return self.name


class ContactPerson(models.Model):
    """An „Ansprechpartner“ of an address."""

    address = models.ForeignKey(
        Address, verbose_name=_("Adresse"), on_delete=models.CASCADE, related_name="contacts"
    )
    name = models.CharField(_("Name"), max_length=120)
    salutation = models.CharField(_("Anrede"), max_length=40, blank=True)
    role = models.CharField(_("Funktion"), max_length=80, blank=True)
    email = models.EmailField(_("E-Mail"), blank=True)
    phone = models.CharField(_("Telefon"), max_length=60, blank=True)
    fax = models.CharField(_("Telefax"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("Ansprechpartner")
        verbose_name_plural = pgettext_lazy("several", "Ansprechpartner")
        ordering = ["name"]
        indexes = [models.Index(Lower("email"), name="contact_email")]

    def __str__(self) -> str:
        return self.name
