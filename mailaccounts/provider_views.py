"""„Grundeinstellungen“: signing in with Google and Microsoft, and how mail leaves the company."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from company.audit import record_changes, snapshot, snapshot_stored
from company.model_forms import make_read_only
from company.models import CompanySettings
from company.rights import Right, has_right, needs, signed_in
from mailaccounts import account_actions
from mailaccounts.account_state import state_of
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_app_forms import OAuthAppForm
from mailaccounts.oauth_sign_in import redirect_uri
from mailaccounts.set_up_local_server import LocalServerRefused, is_local, set_up_local_server


@dataclass(frozen=True, slots=True)
class ProviderCard:
    key: str
    name: str
    form: OAuthAppForm
    redirect_uri: str
    people: int  # signed in with it


@needs(Right.SEE_SETTINGS, to_change=Right.ADMINISTER)
@sensitive_post_parameters("google-client_secret", "microsoft-client_secret")
@never_cache
def oauth_apps(request: HttpRequest) -> HttpResponse:
    """One form a provider; the button's name tells which one was sent."""
    company = CompanySettings.load()
    sent = request.POST.get("provider", "")
    forms = {
        key: OAuthAppForm(key, company, request.POST if sent == key else None)
        for key in OAuthGrant.Provider.values
    }
    if sent in forms and forms[sent].is_valid():
        with transaction.atomic():
            forms[sent].save()
            record_changes(signed_in(request), snapshot(company), snapshot_stored(company))
        messages.success(request, _("Die Angaben zu %s sind gespeichert.") % _name(sent))
        return redirect("mailaccounts:oauth_apps")
    may_change = has_right(signed_in(request), Right.ADMINISTER)
    if not may_change:
        for form in forms.values():
            make_read_only(form)
    context = {"cards": [_card(form) for form in forms.values()], "may_change": may_change}
    status = 422 if sent in forms else 200
    return render(request, "mailaccounts/oauth_apps.html", context, status=status)


@needs(Right.SEE_SETTINGS)
@never_cache
def sending(request: HttpRequest) -> HttpResponse:
    """„Standard-Versand“: which account sends what no other account is there for."""
    accounts = list(MailAccount.objects.kept().filter(smtp_enabled=True).prefetch_related("links"))
    standard = next((account for account in accounts if account.is_default), None)
    context = {
        "standard": standard,
        "state": state_of(standard) if standard else None,
        "is_local": standard is not None and is_local(standard),
        "others": [account for account in accounts if not account.is_default],
        "has_local": any(is_local(account) for account in accounts),
        "company": CompanySettings.load(),
        "may_change": has_right(signed_in(request), Right.ADMINISTER),
    }
    return render(request, "mailaccounts/sending.html", context)


@needs(Right.ADMINISTER)
@require_POST
def make_default(request: HttpRequest) -> HttpResponse:
    accounts = MailAccount.objects.kept().filter(smtp_enabled=True)
    number = request.POST.get("account", "")
    account = get_object_or_404(accounts, pk=int(number) if number.isdecimal() else 0)
    account_actions.make_default(account, signed_in(request))
    messages.success(request, _("Standard-Account ist jetzt „%(name)s“.") % {"name": account})
    return redirect("mailaccounts:sending")


@needs(Right.ADMINISTER)
@require_POST
def use_local_server(request: HttpRequest) -> HttpResponse:
    try:
        account = set_up_local_server(signed_in(request))
    except LocalServerRefused as refused:
        messages.error(request, refused.text)
        return redirect("mailaccounts:sending")
    messages.success(
        request,
        _("Gesendet wird jetzt über den Mailserver dieses Rechners, als %(email)s.")
        % {"email": account.from_email},
    )
    return redirect("mailaccounts:sending")


def _name(key: str) -> str:
    return str(OAuthGrant.Provider(key).label)


def _card(form: OAuthAppForm) -> ProviderCard:
    people = OAuthGrant.objects.filter(provider=form.key).count()
    return ProviderCard(form.key, _name(form.key), form, redirect_uri(form.key), people)
