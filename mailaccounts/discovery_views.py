"""The servers of an address, offered on the account page as soon as its field is left."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from company.rights import Right, has_right, signed_in
from mailaccounts.limit_hint import limit_values
from mailaccounts.models import MailAccount
from mailaccounts.oauth_apps import has_oauth_app
from mailcore.discovery import Discovered, Source, discover
from mailcore.discovery_dns import DnsResolver
from mailcore.discovery_presets import Auth, Note, ServerGuess
from mailcore.sending_limits import limits_of
from mailcore.server import Encryption

_ENCRYPTIONS = {Encryption.SSL: "SSL", Encryption.STARTTLS: "STARTTLS", Encryption.NONE: "–"}
_PROVIDERS = {Auth.GOOGLE: "Google", Auth.MICROSOFT: "Microsoft"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One card. `fill`: field ids and values as JSON for data-fill."""

    title: str
    imap: str
    smtp: str
    notes: tuple[str, ...]
    needs_app: bool  # an admin has yet to register Poststelle with the provider
    fill: str


@require_safe
def find_servers(request: HttpRequest) -> HttpResponse:
    """Suggestions for the address in `imap-email`; an empty answer where there are none.

    For those who may change an account.
    """
    if not MailAccount.objects.manageable_by(signed_in(request)).exists() and not has_right(
        signed_in(request), Right.ADMINISTER
    ):
        raise PermissionDenied
    address = request.GET.get("imap-email", "").strip()[:254]
    found = [_suggestion(address, one) for one in discover(address, resolver=_resolver())]
    return render(request, "mailaccounts/_discovered.html", {"found": found})


def _resolver() -> DnsResolver:
    if settings.DNS_SERVER is None:
        return DnsResolver()
    address, port = settings.DNS_SERVER
    return DnsResolver(nameservers=(address,), port=port)


def _suggestion(address: str, found: Discovered) -> Suggestion:
    provider = next((auth for auth in found.auth if auth in _PROVIDERS), None)
    can_sign_in = provider is not None and has_oauth_app(provider.value)
    needs_app = provider is not None and not can_sign_in
    auth = provider.value if provider and can_sign_in else MailAccount.ImapAuth.PASSWORD.value
    return Suggestion(
        title=_title(found),
        imap=_shown(found.imap),
        smtp=_shown(found.smtp),
        notes=tuple(_notes(found, can_sign_in=can_sign_in)),
        needs_app=needs_app,
        fill=json.dumps(_values(address, found, auth)),
    )


def _title(found: Discovered) -> str:
    if found.provider:
        return _("Postfach bei %(provider)s") % {"provider": found.provider}
    if found.source is Source.SRV:
        return _("Server, die diese Domain angibt")
    return _("Server, die unter den üblichen Namen antworten")


def _shown(server: ServerGuess | None) -> str:
    if server is None:
        return ""
    return f"{server.host}, {_('Port')} {server.port}, {_ENCRYPTIONS[server.encryption]}"


def _values(address: str, found: Discovered, auth: str) -> dict[str, str | bool]:
    values: dict[str, str | bool] = {"id_imap-username": address}
    if found.imap is not None:
        values |= _server("imap", found.imap) | {"id_imap-imap_auth": auth}
    if found.smtp is not None:
        values |= _server("smtp", found.smtp)
        values |= {"id_smtp-smtp_enabled": True, "id_smtp-smtp_auth": auth}
        limits = limits_of(found.smtp.host, address)
        values |= limit_values(limits) if limits else {}
    return values


def _server(protocol: str, server: ServerGuess) -> dict[str, str | bool]:
    field = f"id_{protocol}-{protocol}"
    return {
        f"{field}_host": server.host,
        f"{field}_port": str(server.port),
        f"{field}_encryption": server.encryption.value,
    }


def _notes(found: Discovered, *, can_sign_in: bool) -> list[str]:
    provider = next((auth for auth in found.auth if auth in _PROVIDERS), None)
    notes = []
    if can_sign_in:
        notes.append(_("Statt mit einem Passwort meldet man sich nach dem Speichern dort an."))
    elif Auth.APP_PASSWORD in found.auth:
        notes.append(
            _("Gebraucht wird ein App-Passwort: Legen Sie es in den Einstellungen des Kontos an.")
        )
    elif provider is not None:
        notes.append(_("Dieser Anbieter nimmt kein Passwort an, nur die Anmeldung über ihn."))
    texts = {
        Note.ENABLE_IMAP: _("IMAP muss in den Einstellungen des Postfachs freigeschaltet werden."),
        Note.OWN_MAIL_PASSWORD: _(
            "Gebraucht wird das eigene Passwort für E-Mail-Programme, nicht das der Website."
        ),
        Note.OTHER_DOMAIN: _(
            "Die Server gehören zu einer anderen Domain als die Adresse. Übernehmen Sie sie nur, "
            "wenn Sie den Anbieter kennen."
        ),
        Note.CERTIFICATE: _(
            "Ein Server antwortet, aber sein Zertifikat ist nicht in Ordnung. Poststelle verbindet "
            "sich so nicht; fragen Sie den Betreiber nach dem richtigen Namen."
        ),
    }
    if found.note in texts:
        notes.append(texts[found.note])
    return notes
