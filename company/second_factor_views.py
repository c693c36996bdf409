"""The second step of signing in, and switching it on and off."""

from __future__ import annotations

import time

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from company.login import next_page
from company.models import CompanySettings, User
from company.one_time_codes import new_secret, setup_address
from company.rights import signed_in
from company.second_factor import (
    disable,
    enable,
    has_second_factor,
    new_recovery_codes,
)
from company.second_factor_forms import CodeForm, ConfirmForm, SetUpForm
from company.secrets import SecretUnusable, seal, unseal

_WAITING, _SECRET = "second_factor", "second_factor_secret"
_MINUTES = 10


def ask_for_code(request: HttpRequest, user: User, target: str) -> HttpResponse:
    """After the right password: notes who it was and leads to the page that asks for the code."""
    request.session.cycle_key()
    request.session[_WAITING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "until": time.time() + _MINUTES * 60,
        "next": target,
    }
    return redirect("company:login_code")


@login_not_required
@sensitive_post_parameters("code")
@never_cache
def sign_in_code(request: HttpRequest) -> HttpResponse:
    user = _waiting_user(request)
    if user is None:
        return redirect("company:login")
    form = CodeForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        target = request.session.pop(_WAITING)["next"]
        login(request, user, backend="company.login.NameOrEmailBackend")
        return redirect(next_page(request, target))
    status = 422 if form.errors else 200
    return render(request, "company/login_code.html", {"form": form}, status=status)


@sensitive_post_parameters("password", "code")
@never_cache
def set_up(request: HttpRequest) -> HttpResponse:
    """Shows a new key until a code of it was typed; then the recovery codes, this once."""
    user = signed_in(request)
    if has_second_factor(user):
        return redirect("company:personal")
    secret = _offered_secret(request, user)
    form = SetUpForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        codes = enable(user, secret, form.cleaned_data["code"])
        if codes is not None:
            del request.session[_SECRET]
            return render(request, "company/recovery_codes.html", {"codes": codes})
        form.add_error("code", _("Der Code stimmt nicht. Geht die Uhr Ihres Telefons richtig?"))
    context = {
        "form": form,
        "secret": secret,
        "groups": [secret[at : at + 4] for at in range(0, len(secret), 4)],
        "address": setup_address(
            secret, account=user.username, issuer=CompanySettings.load().name or "Poststelle"
        ),
    }
    status = 422 if form.errors else 200
    return render(request, "company/second_factor.html", context, status=status)


@require_POST
@sensitive_post_parameters("password")
@never_cache
def change(request: HttpRequest) -> HttpResponse:
    """Switches it off, or makes new recovery codes; either asks for the password."""
    user = signed_in(request)
    form = ConfirmForm(request.POST, user=user)
    if not has_second_factor(user):
        return redirect("company:personal")
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors["password"]))))
        return redirect("company:personal")
    if request.POST.get("what") == "codes":
        context = {"codes": new_recovery_codes(user)}
        return render(request, "company/recovery_codes.html", context)
    disable(user)
    messages.success(request, _("Zum Anmelden genügt jetzt wieder das Passwort."))
    return redirect("company:personal")


def _offered_secret(request: HttpRequest, user: User) -> str:
    """The key this session is setting up; sessions lie in the database, so it is sealed there, too."""
    bound_to = f"second-factor-set-up:{user.pk}"
    try:
        secret = unseal(request.session.get(_SECRET, ""), bound_to)
    except SecretUnusable:
        secret = ""
    if not secret:
        secret = new_secret()
        request.session[_SECRET] = seal(secret, bound_to)
    return secret


def _waiting_user(request: HttpRequest) -> User | None:
    """Who gave the right password a moment ago and has not changed it since."""
    waiting = request.session.get(_WAITING)
    if not waiting or waiting["until"] < time.time():
        return None
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or not constant_time_compare(waiting["hash"], user.get_session_auth_hash()):
        return None
    return user
