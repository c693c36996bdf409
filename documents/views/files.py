"""Files kept with a document."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.rights import Right, needs, signed_in
from documents.attach_file import attach_to_document
from documents.errors import NotPossible
from documents.models import AttachedFile, Document, DocumentFile, LetterTemplateFile
from documents.views.answer import file_response, get_document
from mailstore.blobs import get_blob


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def attach_files(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    files = request.FILES.getlist("attachments")
    kept = 0
    for file in files:
        try:
            attach_to_document(document=document, file=file, user=signed_in(request))
            kept += 1
        except NotPossible as refusal:
            messages.error(request, str(refusal))
    if kept:
        messages.success(request, _("Die Dateien sind beim Beleg hinterlegt."))
    elif not files:
        messages.error(request, _("Bitte mindestens eine Datei auswählen."))
    return redirect("documents:detail", pk)


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_file(request: HttpRequest, pk: int) -> HttpResponse:
    visible = Document.objects.visible_to(signed_in(request))
    return _answer(get_object_or_404(DocumentFile, pk=pk, document__in=visible))


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_template_file(request: HttpRequest, pk: int) -> HttpResponse:
    return _answer(get_object_or_404(LetterTemplateFile, pk=pk))


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def remove_file(request: HttpRequest, pk: int) -> HttpResponse:
    """What was sent already keeps its copy of the file."""
    visible = Document.objects.visible_to(signed_in(request))
    file = get_object_or_404(DocumentFile, pk=pk, document__in=visible)
    file.delete()
    messages.success(request, _("„%(name)s“ ist entfernt.") % {"name": file.name})
    return redirect("documents:detail", file.document_id)


def _answer(file: AttachedFile) -> HttpResponse:
    try:
        content = get_blob(file.sha256)
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    return file_response(content, file.name, file.content_type)
