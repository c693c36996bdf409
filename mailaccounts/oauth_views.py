"""„Mein GoogleMail Konto“ and „Mein Microsoft-Konto“: signing in, what is connected, giving it up."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from company.rights import Right, has_right, signed_in
from mailaccounts.account_state import AccountState, state_of
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_apps import has_oauth_app
from mailaccounts.oauth_grants import WrongMailbox, disconnect
from mailaccounts.oauth_links import accounts_of_provider, waiting_for
from mailaccounts.oauth_remedies import explain_sign_in
from mailaccounts.oauth_sign_in import SignIn, begin_sign_in, finish_sign_in
from mailaccounts.pending_sign_ins import PendingSignIn, keep, take
from mailcore.oauth_errors import OAuthError, OAuthUnusable


@dataclass(frozen=True, slots=True)
class Connected:
    """One sign-in of the person and what it is good for."""

    grant: OAuthGrant
    accounts: tuple[tuple[MailAccount, AccountState], ...]

    @property
    def is_dead(self) -> bool:
        return self.grant.state == OAuthGrant.State.REAUTH


@never_cache
@require_safe
def mailboxes(request: HttpRequest, provider: str) -> HttpResponse:
    """The person's connected mailboxes; asks nobody, so it works with dead tokens too."""
    user = signed_in(request)
    grants = OAuthGrant.objects.visible_to(user).filter(provider=provider)
    connected = [
        Connected(
            grant,
            tuple(
                (account, state_of(account))
                for account in grant.accounts.all()
                if not account.archived_at
            ),
        )
        for grant in grants.prefetch_related("accounts__links")
    ]
    context = {
        "provider": provider,
        "name": _name(provider),
        "connected": connected,
        "waiting": [one for one in waiting_for(user, provider) if one.oauth_grant not in grants],
        "is_set_up": has_oauth_app(provider),
        "is_admin": has_right(user, Right.ADMINISTER),
        "other": "microsoft" if provider == "google" else "google",
    }
    return render(request, "mailaccounts/oauth_mailboxes.html", context)


@never_cache
@require_safe
def start(request: HttpRequest, provider: str) -> HttpResponse:
    """To the provider. Not a form: the Content-Security-Policy keeps forms on this site."""
    home = urlsplit(settings.BASE_URL)
    if request.get_host() != home.netloc:  # the answer would come to a site without our session
        return redirect(f"{home.scheme}://{home.netloc}{request.get_full_path()}")
    account = _account_to_sign_in(request, provider)
    hint = account.email if account and not account.is_shared_mailbox else _grant_email(request)
    try:
        begun = begin_sign_in(provider, login_hint=hint)
    except OAuthError as error:
        messages.error(request, explain_sign_in(error, _name(provider)))
        return redirect("mailaccounts:oauth_mailboxes", provider)
    from_page = request.GET.get("von") == "account"
    keep(request, PendingSignIn(provider, begun, account.pk if account else 0, from_page))
    return redirect(begun.url)


@never_cache
@require_safe
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """What the provider sends the browser back with."""
    pending = take(request, provider)
    try:
        if pending is None:
            raise OAuthUnusable("state", "not begun here, or too long ago")
        done = finish_sign_in(
            user=signed_in(request),
            key=provider,
            answer=request.GET.dict(),
            start=pending.start,
            account=MailAccount.objects.kept().filter(pk=pending.account_id).first(),
        )
    except (OAuthError, WrongMailbox) as error:
        messages.error(request, explain_sign_in(error, _name(provider)))
    else:
        messages.success(request, _praise(done))
    if pending and pending.from_account_page and has_right(signed_in(request), Right.ADMINISTER):
        return redirect("mailaccounts:edit", pending.account_id)
    return redirect("mailaccounts:oauth_mailboxes", provider)


@require_POST
def disconnect_grant(request: HttpRequest, pk: int) -> HttpResponse:
    grant = get_object_or_404(OAuthGrant.objects.visible_to(signed_in(request)), pk=pk)
    name = {"email": grant.email, "provider": grant.get_provider_display()}
    if disconnect(grant):
        messages.success(request, _("%(email)s ist getrennt, der Zugriff ist widerrufen.") % name)
    else:
        messages.warning(
            request,
            _(
                "%(email)s ist getrennt: Poststelle hat den Zugang gelöscht. Widerrufen Sie die "
                "Erlaubnis zusätzlich in den Einstellungen Ihres Kontos bei %(provider)s."
            )
            % name,
        )
    return redirect("mailaccounts:oauth_mailboxes", grant.provider)


def _name(provider: str) -> str:
    return str(OAuthGrant.Provider(provider).label)


def _account_to_sign_in(request: HttpRequest, provider: str) -> MailAccount | None:
    """The account the person wants to sign in for; 404 for one that is none of their business."""
    number = request.GET.get("account", "")
    if not number:
        return None
    user = signed_in(request)
    accounts = accounts_of_provider(provider)
    if not number.isdecimal():
        raise Http404
    if has_right(user, Right.ADMINISTER):
        return get_object_or_404(accounts, pk=int(number))
    own = accounts.filter(oauth_grant__user=user).values_list("pk", flat=True)
    waiting = {account.pk for account in waiting_for(user, provider)}
    if int(number) not in waiting | set(own):
        raise Http404
    return get_object_or_404(accounts, pk=int(number))


def _grant_email(request: HttpRequest) -> str:
    """The address of the person's own grant that is to be renewed."""
    number = request.GET.get("konto", "")
    own = OAuthGrant.objects.visible_to(signed_in(request))
    grant = own.filter(pk=int(number)).first() if number.isdecimal() else None
    return grant.email if grant else ""


def _praise(done: SignIn) -> str:
    if not done.accounts:
        return _(
            "Sie sind als %(email)s angemeldet. Noch gibt es keinen E-Mail Account dieser Adresse; "
            "sobald die Administration ihn anlegt, ist er verbunden."
        ) % {"email": done.grant.email}
    names = ", ".join(_("„%(account)s“") % {"account": account} for account in done.accounts)
    return _("Sie sind als %(email)s angemeldet. Verbunden: %(accounts)s.") % {
        "email": done.grant.email,
        "accounts": names,
    }
