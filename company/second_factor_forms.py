"""What is typed for the second step of signing in."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from company.models import User
from company.second_factor import take_code
from company.throttle_login import forget_attempts, take_attempt, too_many_attempts

# Codes are counted per user, not per address: whoever gets here knows the password.
_EVERYWHERE = "::"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Sechs Ziffern aus Ihrer Authenticator-App, oder ein Wiederherstellungscode."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean_code(self) -> str:
        name = f"code:{self.user.pk}"
        if not take_attempt(name, _EVERYWHERE):
            raise ValidationError(too_many_attempts(name, _EVERYWHERE))
        code = str(self.cleaned_data["code"])
        if not take_code(self.user, code):
            raise ValidationError(_("Der Code stimmt nicht oder wurde schon benutzt."))
        forget_attempts(name, _EVERYWHERE)
        return code


class ConfirmForm(forms.Form):
    """The own password once more, before something that weakens or shows the protection."""

    password = forms.CharField(
        label=_("Ihr Passwort"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean_password(self) -> str:
        name = f"password:{self.user.pk}"
        if not take_attempt(name, _EVERYWHERE):
            raise ValidationError(too_many_attempts(name, _EVERYWHERE))
        password = str(self.cleaned_data["password"])
        if not self.user.check_password(password):
            raise ValidationError(_("Das Passwort stimmt nicht."))
        forget_attempts(name, _EVERYWHERE)
        return password


class SetUpForm(ConfirmForm):
    code = forms.CharField(
        label=_("Code aus der App"),
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
