"""The forms of base data: projects, queues, employees, users, addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.forms import inlineformset_factory
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.bounced import find_bounced
from company.model_forms import (
    LETTER_WIDGETS,
    Block,
    InBlocks,
    ModelForm,
)
from company.models import Address, BouncedEmail, ContactPerson, Employee, Project, Queue, User
from company.second_factor import has_second_factor, remove
from company.signature_html import clean_signature_html


class ProjectForm(InBlocks, ModelForm[Project]):
    blocks = (
        Block(_("Projekt"), ("code", "name", "sender_email", "is_active")),
        Block(
            _("Signatur"),
            ("signature_active", "signature_html"),
            _(
                "Gilt für Tickets und Belege dieses Projekts, sofern der E-Mail Account keine eigene "
                "Signatur hat. Ist auch hier keine eingestellt, wird die Standardsignatur aus den "
                "Grundeinstellungen verwendet."
            ),
        ),
        Block(_("Texte"), ("greeting", "mail_template")),
    )

    class Meta:
        model = Project
        fields = (
            "code",
            "name",
            "sender_email",
            "is_active",
            "signature_active",
            "signature_html",
            "greeting",
            "mail_template",
        )
        widgets = LETTER_WIDGETS
        help_texts = {
            "sender_email": _("Leer = die Adresse des E-Mail Accounts."),
            "greeting": _("Leer = die Standard-Grußformel."),
            "mail_template": _(
                "Leer = das HTML-Template der Grundeinstellungen. {CONTENT} ist der Text als HTML, "
                "{TEXT} der reine Text, {SIGNATUR} die Signatur."
            ),
        }

    def clean_signature_html(self) -> str:
        return clean_signature_html(self.cleaned_data["signature_html"])


class QueueForm(InBlocks, ModelForm[Queue]):
    blocks = (
        Block(_("Warteschlange"), ("name", "key", "responsible", "answer_to_closed", "members")),
    )

    class Meta:
        model = Queue
        fields = ("name", "key", "responsible", "answer_to_closed", "members")
        widgets = {"members": forms.CheckboxSelectMultiple}
        help_texts = {
            "key": _(
                "Kurz und eindeutig, z. B. „support“. Nur Buchstaben, Ziffern und Bindestrich."
            ),
            "responsible": _("Leer = die ganze Abteilung."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("responsible", "members"):
            self.fields[name].queryset = User.objects.filter(is_active=True)  # type: ignore[attr-defined]

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).lower()
        if Queue.objects.exclude(pk=self.instance.pk).filter(key__iexact=key).exists():
            raise ValidationError(_("Diese Kennung hat schon eine andere Warteschlange."))
        return key


class EmployeeForm(InBlocks, ModelForm[Employee]):
    blocks = (
        Block(
            pgettext_lazy("one", "Mitarbeiter"),
            ("name", "salutation", "email", "phone", "mobile", "fax", "user", "is_active"),
            _("Diese Angaben füllen die Variablen {MITARBEITER…} in Signaturen."),
        ),
    )

    class Meta:
        model = Employee
        fields = ("name", "salutation", "email", "phone", "mobile", "fax", "user", "is_active")
        help_texts = {
            "user": _("Als wer sich diese Person anmeldet. Leer = sie meldet sich nicht an.")
        }


class UserForm(InBlocks, ModelForm[User]):
    """A user as the administrator sees it; the password is only ever set, never shown."""

    new_password = forms.CharField(
        label=_("Neues Passwort"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    blocks = (
        Block(pgettext_lazy("one", "Benutzer"), ("username", "email", "first_name", "last_name")),
        Block(_("Rechte"), ("role", "is_active")),
        Block(_("Anmeldung"), ("new_password", "drop_second_factor")),
    )

    drop_second_factor = forms.BooleanField(
        label=_("Anmeldung in zwei Schritten ausschalten"),
        required=False,
        help_text=_("Für den Fall, dass Telefon und Wiederherstellungscodes verloren sind."),
    )

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "role", "is_active")
        labels = {
            "username": _("Benutzername"),
            "email": _("E-Mail-Adresse"),
            "first_name": _("Vorname"),
            "last_name": _("Nachname"),
            "is_active": _("darf sich anmelden"),
        }
        help_texts = {
            "username": "",
            "email": _("Auch damit kann man sich anmelden."),
            "role": _(
                "Administrator: alles. Mitarbeiter: Tickets, Belege, Adressen. Support: Tickets und "
                "Adressen. Prüfer: liest alles, auch persönliche Postfächer, und ändert nichts."
            ),
            "is_active": "",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None or not has_second_factor(self.instance):
            del self.fields["drop_second_factor"]
        field = self.fields["new_password"]
        field.required = self.instance.pk is None
        field.label = _("Passwort") if field.required else field.label
        field.help_text = (
            _("Mindestens 8 Zeichen, nicht nur Ziffern.")
            if field.required
            else _("Leer = das Passwort bleibt, wie es ist.")
        )

    def clean_new_password(self) -> str:
        password = str(self.cleaned_data["new_password"])
        if password:
            password_validation.validate_password(password, self.instance)
        return password

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        stays = values.get("role") == User.Role.ADMIN and values.get("is_active")
        if not stays and is_last_admin(self.instance):
            raise ValidationError(
                _("Das ist der einzige Administrator. Ernennen Sie zuerst einen anderen.")
            )
        return values

    def save(self, commit: bool = True) -> User:
        if self.cleaned_data["new_password"]:
            self.instance.set_password(self.cleaned_data["new_password"])
        if self.cleaned_data.get("drop_second_factor"):
            remove(self.instance)
        return super().save(commit)


def is_last_admin(user: User) -> bool:
    """Whether nobody else could administer Poststelle without this user."""
    admins = User.objects.filter(role=User.Role.ADMIN, is_active=True)
    return admins.filter(pk=user.pk).exists() and not admins.exclude(pk=user.pk).exists()


class AddressForm(InBlocks, ModelForm[Address]):
    blocks = (
        Block(_("Adresse"), ("number", "kind", "name", "salutation", "language", "is_active")),
        Block(_("Anschrift"), ("street", "postcode", "city", "country")),
        Block(_("Erreichbar über"), ("email", "phone", "fax")),
        Block(_("Weiteres"), ("vat_id", "note")),
    )

    class Meta:
        model = Address
        fields = (
            "number",
            "kind",
            "name",
            "salutation",
            "language",
            "is_active",
            "street",
            "postcode",
            "city",
            "country",
            "email",
            "phone",
            "fax",
            "vat_id",
            "note",
        )
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"number": _("Kunden- oder Lieferantennummer, eindeutig.")}

    def bounced(self) -> tuple[BouncedEmail, ...]:
        """The addresses kept here that mail came back from."""
        if self.instance._state.adding:
            return ()
        contacts = self.instance.contacts.values_list("email", flat=True)
        stored = Address.objects.filter(pk=self.instance.pk).values_list("email", flat=True)
        return find_bounced((*stored, *contacts))


class ContactForm(ModelForm[ContactPerson]):
    class Meta:
        model = ContactPerson
        fields = ("name", "salutation", "role", "email", "phone", "fax")


ContactLines = inlineformset_factory(
    Address, ContactPerson, form=ContactForm, extra=1, can_delete=True
)
