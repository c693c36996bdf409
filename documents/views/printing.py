"""Jobs of printers and fax devices: print again, „ist gedruckt“, download; and the PDF that was sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.nudge import nudge
from company.rights import Right, needs, signed_in
from documents.models import Dispatch, Printer
from documents.print_jobs import confirm_printed, note_download, print_again
from documents.tasks import run_print_jobs
from documents.views.answer import file_response, get_document
from mailstore.blobs import get_blob


def _job(request: HttpRequest, pk: int, job: int) -> Dispatch:
    document = get_document(request, pk)
    found = document.dispatches.select_related("printer")
    return get_object_or_404(found, pk=job)


def _pdf(job: Dispatch) -> bytes:
    try:
        return get_blob(job.pdf_sha256)
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def print_job_again(request: HttpRequest, pk: int, job: int) -> HttpResponse:
    found = _job(request, pk, job)
    if found.printer_id and print_again(found):
        nudge(run_print_jobs, found.printer_id)
        messages.success(request, _("Der Auftrag geht noch einmal an „%s“.") % found.printer)
    else:
        messages.error(request, _("Dieser Auftrag ist weder fehlgeschlagen noch unklar."))
    return redirect("documents:detail", pk)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def confirm_job(request: HttpRequest, pk: int, job: int) -> HttpResponse:
    if confirm_printed(_job(request, pk, job), signed_in(request)):
        messages.success(request, _("Als gedruckt vermerkt."))
    else:
        messages.error(request, _("Dieser Auftrag ist nicht unklar."))
    return redirect("documents:detail", pk)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def download_job(request: HttpRequest, pk: int, job: int) -> HttpResponse:
    """Hands the PDF out; with that the job is done. A second click just hands it out again."""
    found = _job(request, pk, job)
    if found.printer is None or found.printer.kind != Printer.Kind.DOWNLOAD:
        raise Http404
    response = file_response(_pdf(found), found.pdf_name, "application/pdf", as_attachment=True)
    note_download(found)
    return response


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_sent_pdf(request: HttpRequest, pk: int, job: int) -> HttpResponse:
    """The very PDF that went this way."""
    found = _job(request, pk, job)
    return file_response(_pdf(found), found.pdf_name, "application/pdf")
