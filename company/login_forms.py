"""Signing in, the very first page, and what everybody sets for themselves."""

from __future__ import annotations

from django import forms
from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from company.model_forms import Block, InBlocks, ModelForm
from company.models import User
from company.throttle_login import address_of, forget_attempts, take_attempt, too_many_attempts

_NEW = {"autocomplete": "new-password"}


class LoginForm(forms.Form):
    """Name or e-mail address and password; `user` is set when valid."""

    username = forms.CharField(
        label=_("Benutzername oder E-Mail-Adresse"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Passwort"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: object, request: HttpRequest, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.request = request
        self.user: User | None = None

    def clean(self) -> None:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return
        address = address_of(self.request)
        if not take_attempt(name, address):
            raise ValidationError(too_many_attempts(name, address))
        user = authenticate(self.request, username=name, password=password)
        if not isinstance(user, User):
            raise ValidationError(
                _("Benutzername oder Passwort stimmt nicht. Bitte prüfen Sie Ihre Eingabe.")
            )
        forget_attempts(name, address)
        self.user = user


class NewPasswordForm(forms.Form):
    """Mixin: a password typed twice, checked against the rules for `self.password_user()`."""

    password = forms.CharField(
        label=_("Passwort"),
        strip=False,
        widget=forms.PasswordInput(attrs=_NEW),
        help_text=_("Mindestens 8 Zeichen, nicht nur Ziffern."),
    )
    password_again = forms.CharField(
        label=_("Passwort wiederholen"), strip=False, widget=forms.PasswordInput(attrs=_NEW)
    )

    def password_user(self) -> User:
        return User()

    def clean(self) -> None:
        super().clean()
        password = self.cleaned_data.get("password")
        again = self.cleaned_data.get("password_again")
        if password is None or again is None:
            return
        if password != again:
            self.add_error("password_again", _("Die beiden Passwörter sind verschieden."))
            return
        if password:
            try:
                password_validation.validate_password(password, self.password_user())
            except ValidationError as error:
                self.add_error("password", error)


class FirstRunForm(InBlocks, NewPasswordForm):
    """Names the company and its first administrator."""

    company = forms.CharField(label=_("Name der Firma"), max_length=120)
    name = forms.CharField(
        label=_("Ihr Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    username = forms.CharField(
        label=_("Benutzername"),
        max_length=150,
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
        help_text=_("Damit melden Sie sich an, ebenso mit Ihrer E-Mail-Adresse."),
    )
    email = forms.EmailField(
        label=_("E-Mail-Adresse"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    field_order = ("company", "name", "username", "email", "password", "password_again")
    blocks = (Block("", field_order),)

    def password_user(self) -> User:
        values = self.cleaned_data
        return User(
            username=values.get("username", ""),
            email=values.get("email", ""),
            last_name=values.get("name", ""),
        )


class PersonalForm(InBlocks, ModelForm[User]):
    """„Persönliche Einstellungen“ without the password."""

    blocks = (
        Block(_("Zu Ihrer Person"), ("first_name", "last_name", "email")),
        Block(_("Darstellung"), ("language", "theme", "density")),
        Block(_("Arbeiten mit Tickets"), ("undo_seconds", "after_send", "shortcuts_enabled")),
        Block(_("Hinweise"), ("mails_failures",)),
    )

    class Meta:
        model = User
        fields = (
            "first_name",
            "last_name",
            "email",
            "language",
            "theme",
            "density",
            "undo_seconds",
            "after_send",
            "shortcuts_enabled",
            "mails_failures",
        )
        labels = {
            "first_name": _("Vorname"),
            "last_name": _("Nachname"),
            "email": _("E-Mail-Adresse"),
            "shortcuts_enabled": _("Tastenkürzel verwenden"),
        }
        help_texts = {
            "undo_seconds": _("So lange lässt sich eine E-Mail nach dem Absenden zurückholen."),
            "shortcuts_enabled": _("Die Taste ? zeigt alle Kürzel."),
            "mails_failures": _(
                "Für Antworten, E-Mails, Briefe und Belege, die Sie selbst abgeschickt haben. Was Sie "
                "binnen einer Minute in Poststelle lesen, wird nicht geschickt; vieles auf einmal "
                "steht in einer E-Mail."
            ),
        }
        widgets = {
            "theme": forms.Select(attrs={"data-preview": "theme"}),
            "density": forms.Select(attrs={"data-preview": "density"}),
        }

    def clean(self) -> None:
        super().clean()
        values = self.cleaned_data
        if values.get("mails_failures") and "email" not in self.errors and not values["email"]:
            self.add_error("mails_failures", _("Tragen Sie dafür oben Ihre E-Mail-Adresse ein."))


class OwnPasswordForm(NewPasswordForm):
    """Changes one's own password; the present one must be known."""

    current = forms.CharField(
        label=_("Bisheriges Passwort"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("current", "password", "password_again")

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user
        self.fields["password"].label = _("Neues Passwort")
        self.fields["password_again"].label = _("Neues Passwort wiederholen")

    def password_user(self) -> User:
        return self.user

    def clean_current(self) -> str:
        if not self.user.check_password(self.cleaned_data["current"]):
            raise ValidationError(_("Das bisherige Passwort stimmt nicht."))
        return str(self.cleaned_data["current"])
