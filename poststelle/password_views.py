"""„Passwort vergessen?“: asking for a link, and choosing a new password with it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from company.change_password import change_password
from company.login_forms import NewPasswordForm
from company.models import User
from company.nudge import nudge
from company.throttle_login import address_of, take_attempt, too_many_attempts
from poststelle.password_link import find_user, sending_account, user_of_link
from poststelle.tasks import mail_password_link


class ForgottenForm(forms.Form):
    name = forms.CharField(
        label=_("Benutzername oder E-Mail-Adresse"),
        max_length=240,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )

    def __init__(self, *args: object, request: HttpRequest, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.request = request

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        key, address = f"link:{name}", address_of(self.request)
        if not take_attempt(key, address):
            raise ValidationError(too_many_attempts(key, address))
        return name


class ChooseForm(NewPasswordForm):
    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def password_user(self) -> User:
        return self.user


@login_not_required
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """The same answer, in the same time, whether there is such a user or not."""
    form = ForgottenForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        user = find_user(form.cleaned_data["name"])
        nudge(mail_password_link, user.pk if user else 0)
        return render(request, "poststelle/password_sent.html")
    context = {"form": form, "can_send": sending_account() is not None}
    status = 422 if form.errors else 200
    return render(request, "poststelle/password_forgotten.html", context, status=status)


@login_not_required
@sensitive_variables("token")
@sensitive_post_parameters("password", "password_again")
@never_cache
def choose(request: HttpRequest, user: str, token: str) -> HttpResponse:
    person = user_of_link(user, token)
    if person is None:
        return render(request, "poststelle/password_link_void.html", status=410)
    form = ChooseForm(request.POST or None, user=person)
    if request.method == "POST" and form.is_valid():
        change_password(person, form.cleaned_data["password"])
        messages.success(request, _now("Ihr Passwort ist geändert. Bitte melden Sie sich an."))
        return redirect("company:login")
    status = 422 if form.errors else 200
    return render(
        request, "poststelle/password_choose.html", {"form": form, "person": person}, status=status
    )
