"""The account page: seeing, saving, copying an account; its folder rows."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from company.rights import Right, has_right, needs, signed_in
from mailaccounts.account_access import account_or_new, account_to_see, may_manage
from mailaccounts.account_page import AccountPage
from mailaccounts.account_state import state_of
from mailaccounts.connect import connect_imap
from mailaccounts.folder_forms import PREFIX, FolderLines, with_one_more
from mailaccounts.models import MailAccount
from mailaccounts.oauth_links import sign_in_of
from mailaccounts.remedies import explain
from mailaccounts.tested_values import values_to_test
from mailcore.errors import MailError

_PASSWORDS = ("imap-password", "smtp-password")
_NOT_COPIED = ("pk", "id", "email", "username", "imap_secret", "smtp_secret", "oauth_grant")


@needs(Right.ADMINISTER)
@sensitive_post_parameters(*_PASSWORDS)
@never_cache
def new_account(request: HttpRequest) -> HttpResponse:
    source = _source(request)
    page = AccountPage(_copy_of(source), _posted(request))
    if source is not None and request.method != "POST":
        page.copy_from(source)
    if request.method == "POST" and page.is_valid():
        return _saved(request, page)
    return _show(request, page)


@sensitive_post_parameters(*_PASSWORDS)
@never_cache
def edit_account(request: HttpRequest, pk: int) -> HttpResponse:
    page = AccountPage(account_to_see(request, pk), _posted(request))
    if not has_right(signed_in(request), Right.ADMINISTER):
        page.lock_for_managers()
    if request.method == "POST" and page.is_valid():
        return _saved(request, page)
    return _show(request, page)


@require_POST
def add_folder_row(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    account = account_or_new(request, pk)
    lines = FolderLines(with_one_more(request.POST), instance=account, prefix=PREFIX)
    return render(request, "mailaccounts/_folder_rows.html", {"lines": lines})


@require_POST
@sensitive_post_parameters(*_PASSWORDS)
@never_cache
def list_folders(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """[Ordner abrufen]: the mailbox's folders for the lists behind the folder fields."""
    page = AccountPage(account_or_new(request, pk), request.POST)
    wanted = values_to_test(page, "imap")
    context: dict[str, object] = {"chosen": request.POST.get("imap-sent_folder", "").strip()}
    if wanted is None or isinstance(wanted, list):
        context["missing"] = wanted or [
            _("Das Postfach wird weder abgeholt noch als Ablage genutzt.")
        ]
        return render(request, "mailaccounts/_known_folders.html", context)
    try:
        with connect_imap(page.account) as session:
            folders = [folder for folder in session.folders() if folder.is_selectable]
    except MailError as error:
        context["problem"] = explain(error.kind, error.step)
    else:
        context["folders"] = folders
        context["sent"] = next((f.name for f in folders if f.special_use == "\\Sent"), "")
    return render(request, "mailaccounts/_known_folders.html", context)


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent; an empty form is one, too."""
    return request.POST if request.method == "POST" else None


def _source(request: HttpRequest) -> MailAccount | None:
    number = request.GET.get("von", "")
    return account_to_see(request, int(number)) if number.isdecimal() else None


def _copy_of(source: MailAccount | None) -> MailAccount:
    """A new account with the settings of another, but neither its address nor its passwords."""
    if source is None:
        return MailAccount()
    values = {
        field.attname: getattr(source, field.attname)
        for field in MailAccount._meta.concrete_fields
        if field.editable and field.name not in {*_NOT_COPIED, "is_default", "delete_on_server"}
    }
    return MailAccount(**values)


def _saved(request: HttpRequest, page: AccountPage) -> HttpResponse:
    account = page.save(signed_in(request))
    messages.success(request, _("„%(name)s“ ist gespeichert.") % {"name": account})
    address = reverse("mailaccounts:edit", args=[account.pk])
    wants_test = request.POST.get("then") == "test"
    return redirect(f"{address}?test=1" if wants_test else address)


def _show(request: HttpRequest, page: AccountPage) -> HttpResponse:
    account, saved = page.account, page.saved
    may_administer = has_right(signed_in(request), Right.ADMINISTER)
    may_change = may_administer or may_manage(request, saved)
    if not may_change:
        page.make_read_only()
    context = {
        "page": page,
        "account": saved or account,
        "is_new": saved is None,
        "state": state_of(saved) if saved else None,
        "may_change": may_change,
        "may_administer": may_administer,
        "may_see_log": has_right(signed_in(request), Right.SEE_SETTINGS),
        "sign_in": sign_in_of(saved) if saved else None,
        "starts_test": saved is not None and "test" in request.GET and may_change,
        "base_url": reverse("mailaccounts:edit", args=[saved.pk])
        if saved
        else reverse("mailaccounts:new"),
    }
    status = 422 if page.error_count else 200
    return render(request, "mailaccounts/account.html", context, status=status)
