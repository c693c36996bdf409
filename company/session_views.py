"""Signing in and out, the first run, personal settings."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from company.audit import record_changes, snapshot_stored
from company.change_password import change_password
from company.login import next_page
from company.login_forms import FirstRunForm, LoginForm, OwnPasswordForm, PersonalForm
from company.models import User
from company.rights import Right, has_right, signed_in
from company.second_factor import count_recovery_codes, has_second_factor
from company.second_factor_forms import ConfirmForm
from company.second_factor_views import ask_for_code
from company.set_up import FirstRun, set_up


@login_not_required
@sensitive_post_parameters("password")
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next") or request.GET.get("next", "")
    if request.user.is_authenticated and request.method == "GET":
        return redirect(next_page(request, target))
    form = LoginForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid() and form.user:
        if has_second_factor(form.user):
            return ask_for_code(request, form.user, target)
        login(request, form.user)
        return redirect(next_page(request, target))
    context = {"form": form, "next": target}
    return render(request, "company/login.html", context, status=422 if form.errors else 200)


@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("Sie sind abgemeldet."))
    return redirect("company:login")


@login_not_required
@sensitive_post_parameters("password", "password_again")
@never_cache
def first_run(request: HttpRequest) -> HttpResponse:
    if User.objects.exists():
        return redirect("home")
    form = FirstRunForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = {k: v for k, v in form.cleaned_data.items() if k != "password_again"}
        user = set_up(FirstRun(**values))
        if user is None:
            messages.info(request, _("Die Einrichtung wurde gerade von jemand anderem begonnen."))
            return redirect("company:login")
        login(request, user, backend="company.login.NameOrEmailBackend")
        return redirect("setup")
    status = 422 if form.errors else 200
    return render(request, "company/first_run.html", {"form": form}, status=status)


@never_cache
def personal(request: HttpRequest) -> HttpResponse:
    user = User.objects.get(pk=signed_in(request).pk)
    form = PersonalForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            before = snapshot_stored(user)
            record_changes(user, before, snapshot_stored(form.save()))
        messages.success(request, _("Ihre Einstellungen sind gespeichert."))
        return redirect("company:personal")
    context = _personal_context(form, OwnPasswordForm(user=user), user)
    return render(request, "company/personal.html", context, status=422 if form.errors else 200)


@require_POST
@sensitive_post_parameters("current", "password", "password_again")
@never_cache
def own_password(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    password_form = OwnPasswordForm(request.POST, user=user)
    if password_form.is_valid():
        change_password(user, password_form.cleaned_data["password"])
        update_session_auth_hash(request, user)
        messages.success(request, _("Ihr Passwort ist geändert. Andere Geräte sind abgemeldet."))
        return redirect("company:personal")
    context = _personal_context(PersonalForm(instance=user), password_form, user)
    return render(request, "company/personal.html", context, status=422)


def _personal_context(
    form: PersonalForm, password_form: OwnPasswordForm, user: User
) -> dict[str, object]:
    has_factor = has_second_factor(user)
    return {
        "form": form,
        "may_send": has_right(user, Right.SEND_MAIL),
        "password_form": password_form,
        "has_second_factor": has_factor,
        "recovery_codes": count_recovery_codes(user) if has_factor else 0,
        "confirm_form": ConfirmForm(user=user, auto_id="confirm_%s"),
    }


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    theme = request.POST.get("theme", "")
    if theme not in User.Theme.values:
        return HttpResponse(status=422)
    User.objects.filter(pk=signed_in(request).pk).update(theme=theme)
    return HttpResponse(status=204)
