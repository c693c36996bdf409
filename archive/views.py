"""„E-Mail-Archiv“: the list, and a message with everything that belongs to it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from archive.accesses import record_download, record_search, record_view
from archive.listing import (
    COUNTED,
    PER_PAGE,
    ArchivePaginator,
    FilterForm,
    make_rows,
    narrow,
)
from archive.message_page import view_message
from archive.models import ArchiveEntry
from company.page_answers import asked_for, filter_context, private
from company.rights import Right, needs, signed_in
from mailstore.download import (
    attachment_response,
    original_response,
    preview_response,
)
from mailstore.mail_pages import frame_response, header_lines, remote_picture_response
from mailstore.models import StoredMessage


@require_safe
@needs(Right.SEE_ARCHIVE)
def list_entries(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = FilterForm(request.GET, user=user)
    found = narrow(ArchiveEntry.objects.visible_to(user), form)
    if form.given:
        record_search(user, form.describe())
    page = ArchivePaginator(found, PER_PAGE).get_page(request.GET.get("page"))
    asked = asked_for(request, form)
    context = {
        "form": form,
        "rows": make_rows(page, form),
        "page_obj": page,
        **filter_context(asked),
        "is_cut": page.paginator.count >= COUNTED,
        "may_see_accesses": user.may(Right.SEE_SETTINGS),
    }
    return private(render(request, "archive/list.html", context))


@require_safe
@needs(Right.SEE_ARCHIVE)
def show_entry(request: HttpRequest, pk: int) -> HttpResponse:
    entry = _get(request, pk)
    user = signed_in(request)
    record_view(user, entry)
    context = {"entry": entry, "mail": view_message(entry, user)}
    return private(render(request, "archive/detail.html", context))


@require_safe
@needs(Right.SEE_ARCHIVE)
def frame(request: HttpRequest, pk: int) -> HttpResponse:
    """The body, for its frame; `?bilder=1` fetches remote pictures through the proxy."""
    mail = _get_mail(request, pk)
    return frame_response(
        request, mail, preview="archive:preview", picture="archive:picture", keys=(pk,)
    )


@require_safe
@needs(Right.SEE_ARCHIVE)
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    _get(request, pk)
    return remote_picture_response(request)


@require_safe
@needs(Right.SEE_ARCHIVE)
def headers(request: HttpRequest, pk: int) -> HttpResponse:
    """All header lines, in a dialog."""
    mail = _get_mail(request, pk)
    return private(render(request, "mailstore/_headers.html", {"headers": header_lines(mail)}))


@require_safe
@needs(Right.SEE_ARCHIVE)
def original(request: HttpRequest, pk: int) -> HttpResponse:
    response = original_response(_get_mail(request, pk))
    record_download(signed_in(request), _get(request, pk), "E-Mail (.eml)")
    return response


@require_safe
@needs(Right.SEE_ARCHIVE)
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    mail = _get_mail(request, pk)
    found = get_object_or_404(mail.attachments.all(), pk=file)
    response = attachment_response(mail, found)
    record_download(signed_in(request), _get(request, pk), found.filename)
    return response


@require_safe
@needs(Right.SEE_ARCHIVE)
def preview(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A picture or PDF to look at; pictures inside the text belong to looking at the message."""
    mail = _get_mail(request, pk)
    found = get_object_or_404(mail.attachments.all(), pk=file)
    response = preview_response(mail, found)
    if not found.is_inline:
        record_download(signed_in(request), _get(request, pk), found.filename)
    return response


def _get(request: HttpRequest, pk: int) -> ArchiveEntry:
    """The entry; 404 where it does not exist for this user."""
    visible = ArchiveEntry.objects.visible_to(signed_in(request))
    return get_object_or_404(visible.select_related("message", "account"), pk=pk)


def _get_mail(request: HttpRequest, pk: int) -> StoredMessage:
    """The message, which counts as looked at; 404 where it was deleted too."""
    entry = _get(request, pk)
    if entry.message is None:
        raise Http404
    record_view(signed_in(request), entry)
    return entry.message
