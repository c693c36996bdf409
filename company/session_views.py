"""Signing in and out, the first run, personal settings."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from company.login_forms import FirstRunForm, LoginForm, OwnPasswordForm, PersonalForm
from company.models import User
from company.rights import signed_in
from company.set_up import FirstRun, set_up


@login_not_required
@sensitive_post_parameters("password")
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and request.method == "GET":
        return redirect(_next_page(request))
    form = LoginForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid() and form.user:
        login(request, form.user)
        return redirect(_next_page(request))
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}
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
        form.save()
        messages.success(request, _("Ihre Einstellungen sind gespeichert."))
        return redirect("company:personal")
    context = {"form": form, "password_form": OwnPasswordForm(user=user)}
    return render(request, "company/personal.html", context, status=422 if form.errors else 200)


@require_POST
@sensitive_post_parameters("current", "password", "password_again")
@never_cache
def own_password(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    password_form = OwnPasswordForm(request.POST, user=user)
    if password_form.is_valid():
        user.set_password(password_form.cleaned_data["password"])
        user.save(update_fields=["password"])
        update_session_auth_hash(request, user)
        messages.success(request, _("Ihr Passwort ist geändert. Andere Geräte sind abgemeldet."))
        return redirect("company:personal")
    context = {"form": PersonalForm(instance=user), "password_form": password_form}
    return render(request, "company/personal.html", context, status=422)


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    theme = request.POST.get("theme", "")
    if theme not in User.Theme.values:
        return HttpResponse(status=422)
    User.objects.filter(pk=signed_in(request).pk).update(theme=theme)
    return HttpResponse(status=204)


def _next_page(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else resolve_url("home")
