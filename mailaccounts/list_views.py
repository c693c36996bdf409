"""„E-Mail Accounts“: the list, its export, and the menu of a row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.rights import Right, has_right, needs, signed_in
from mailaccounts import account_actions
from mailaccounts.account_access import account_to_see, accounts_to_see
from mailaccounts.account_state import AccountState, state_of
from mailaccounts.models import MailAccount
from mailaccounts.models.access import MailAccountQuerySet
from mailaccounts.set_up_local_server import is_local

PAGE_SIZES = (25, 50, 100)
_SEARCHED = ("description", "display_name", "email", "username", "imap_host", "smtp_host")


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: MailAccount
    state: AccountState
    server: str
    has_autoresponder: bool


@require_safe
def list_accounts(request: HttpRequest) -> HttpResponse:
    accounts = accounts_to_see(request)
    user = signed_in(request)
    may_see_all = has_right(user, Right.SEE_SETTINGS)
    query = request.GET.get("q", "").strip()[:100]
    size = _page_size(request)
    page = Paginator(_found(accounts, query), size).get_page(request.GET.get("page"))
    kept = {"q": query} | ({"anzahl": str(size)} if size != PAGE_SIZES[0] else {})
    context = {
        "rows": list(_rows(page)),
        "page_obj": page,
        "q": query,
        "size": size,
        "sizes": PAGE_SIZES,
        "query": urlencode({k: v for k, v in kept.items() if v}) + "&",
        "may_administer": has_right(user, Right.ADMINISTER),
        "may_see_all": may_see_all,
        # Without the right to see all, the list holds those one manages.
        "may_change": has_right(user, Right.ADMINISTER) or not may_see_all,
    }
    return render(request, "mailaccounts/list.html", context)


@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """Semicolons and a byte order mark: what a German spreadsheet opens by double click."""
    accounts = accounts_to_see(request)
    response = HttpResponse(
        "\ufeff",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="E-Mail-Accounts.csv"'},
    )
    writer = csv.writer(response, delimiter=";")
    writer.writerow(_titles())
    for row in _rows(_found(accounts, request.GET.get("q", "").strip()[:100])):
        writer.writerow([_harmless(text) for text in _texts(row)])
    return response


@require_POST
def toggle_pause(request: HttpRequest, pk: int) -> HttpResponse:
    account = account_to_see(request, pk)
    if account.is_paused:
        account_actions.resume(account, signed_in(request))
        text = _("„%(name)s“ läuft wieder.")
    else:
        account_actions.pause(account, signed_in(request))
        text = _("„%(name)s“ ist pausiert: Es wird nichts abgeholt und nichts versendet.")
    messages.success(request, text % {"name": account})
    return redirect("mailaccounts:list")


@needs(Right.ADMINISTER)
@require_POST
def delete_account(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(MailAccount.objects.kept(), pk=pk)
    heir = account_actions.delete(account, signed_in(request))
    messages.success(
        request,
        _("„%(name)s“ ist gelöscht. E-Mails, Tickets und Archiv bleiben erhalten.")
        % {"name": account},
    )
    if heir is not None:
        messages.info(request, _("Standard-Account ist jetzt „%(name)s“.") % {"name": heir})
    elif account.is_default:
        messages.warning(request, _("Es gibt jetzt keinen Standard-Account zum Versenden."))
    return redirect("mailaccounts:list")


def _found(accounts: MailAccountQuerySet, query: str) -> MailAccountQuerySet:
    # The autoresponder lies in an app above this one: only the name of the relation is used here.
    related = ("project", "queue", "autoresponder")
    accounts = accounts.select_related(*related).prefetch_related("links")
    for word in query.split():
        anywhere = Q()
        for field in _SEARCHED:
            anywhere |= Q(**{f"{field}__icontains": word})
        accounts = accounts.filter(anywhere)
    return accounts


def _page_size(request: HttpRequest) -> int:
    wanted = request.GET.get("anzahl", "")
    return int(wanted) if wanted in map(str, PAGE_SIZES) else PAGE_SIZES[0]


def _rows(accounts: Iterable[MailAccount]) -> Iterator[AccountRow]:
    for account in accounts:
        responder = getattr(account, "autoresponder", None)
        yield AccountRow(
            account=account,
            state=state_of(account),
            server=_server(account),
            has_autoresponder=bool(responder and responder.is_active),
        )


def _server(account: MailAccount) -> str:
    """Where the mailbox is; for an account that only sends, where its mail goes."""
    if is_local(account) and not account.imap_enabled:
        return _("Lokaler Mailserver")
    return account.imap_host if account.imap_enabled else account.smtp_host or account.imap_host


def _titles() -> list[str]:
    return [
        _("Beschreibung"),
        _("Angezeigter Name"),
        _("E-Mail"),
        _("Benutzername"),
        _("Server"),
        _("E-Mail Archiv"),
        _("Ticket"),
        _("Autoresponder"),
        _("Projekt"),
        _("Zustand"),
        _("Störung"),
    ]


def _texts(row: AccountRow) -> list[str]:
    account = row.account
    yes, no = _("ja"), _("nein")
    return [
        account.description,
        account.display_name,
        account.email,
        account.login_name,
        row.server,
        yes if account.archive_enabled else no,
        yes if account.tickets_enabled else no,
        yes if row.has_autoresponder else no,
        account.project.code if account.project else "",
        str(row.state.label),
        row.state.problem,
    ]


def _harmless(text: str) -> str:
    """Spreadsheets run cells that begin like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
