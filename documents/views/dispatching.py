"""The „abschicken“ dialog: fill in, look at the mail, send, see what became of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.page_answers import is_htmx, show
from company.read_once import reading_once
from company.rights import Right, needs, signed_in
from documents.attach_file import attach_to_document
from documents.choices import remember_choice
from documents.dispatch import dispatch
from documents.dispatch_content import Channel
from documents.errors import DispatchRefused, NotPossible
from documents.forms.dispatch import DispatchForm, reticked
from documents.history import dispatch_history, fingerprint
from documents.letter_templates import fitting_templates
from documents.mail import company_copies, compose_mail
from documents.models import Dispatch, Document
from documents.parcel import look_into
from documents.preview import preview_mail, preview_signature
from documents.senders import SenderOption, sender_options
from documents.settle import settle_dispatches
from documents.views.answer import get_document
from documents.views.showing import page_context
from outbox.cancel import cancel
from outbox.models import OutgoingMessage


@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def dispatch_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    user = signed_in(request)
    if request.method != "POST":
        templates = fitting_templates(document)
        best = templates[0] if templates else None
        form = DispatchForm(document=document, user=user, template=best, templates=templates)
        return _show_dialog(request, document, form)
    form = DispatchForm(request.POST, request.FILES, document=document, user=user)
    if not form.is_valid():
        return _show_dialog(request, document, form)
    content = form.content()
    try:
        dispatch(document=document, user=user, content=content, press=form.cleaned_data["press"])
    except DispatchRefused as refusal:
        form.show_refusal(refusal)
        return _show_dialog(request, document, form)
    sender = form.cleaned_data.get("sender", "")
    remember_choice(user=user, kind=document.kind, content=content, sender=sender)
    return _show_results(request, document, form)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def preview_dispatch(request: HttpRequest, pk: int) -> HttpResponse:
    """The very mail, in a dialog above the dialog; what is wrong is shown in the form."""
    document = get_document(request, pk)
    user = signed_in(request)
    form = DispatchForm(request.POST, request.FILES, document=document, user=user)
    if form.is_valid():
        content = form.content()
        try:
            parcel = look_into(document, content)
            mail = compose_mail(document=document, user=user, content=content, files=parcel.files)
        except DispatchRefused as refusal:
            form.show_refusal(refusal)
        else:
            context = {"document": document, "mail": preview_mail(mail)}
            return show(request, "documents/_mail_preview.html", context)
    response = _show_dialog(request, document, form)
    response.headers["HX-Retarget"] = "#dispatch-content"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


@require_POST
@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def load_template(request: HttpRequest, pk: int) -> HttpResponse:
    """„Vorlage laden“: subject, text and files of the chosen one; nothing else on screen changes."""
    document = get_document(request, pk)
    wanted = request.POST.get("wanted_template", "")
    template = next((one for one in fitting_templates(document) if str(one.pk) == wanted), None)
    form = DispatchForm(
        document=document, user=signed_in(request), shown=request.POST, template=template
    )
    if is_htmx(request):
        context = {"document": document, "form": form, "oob": True}
        return show(request, "documents/_dispatch_text_loaded.html", context)
    return _show_dialog(request, document, form)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def add_files(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps uploads with the document and lists them in the dialog."""
    document = get_document(request, pk)
    user = signed_in(request)
    refused = []
    for file in request.FILES.getlist("attachments"):
        try:
            attach_to_document(document=document, file=file, user=user)
        except NotPossible as reason:
            refused.append(str(reason))
    loaded = request.POST.get("template", "")
    template = next((one for one in fitting_templates(document) if str(one.pk) == loaded), None)
    form = DispatchForm(document=document, user=user, shown=request.POST, template=template)
    context = {"document": document, "form": form, "refused": refused}
    return show(request, "documents/_dispatch_files.html", context, status=422 if refused else 200)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def repair_dispatch(request: HttpRequest, pk: int, press: str) -> HttpResponse:
    """The form as it was pressed, with the ways ticked that failed and what was wrong with them."""
    document = get_document(request, pk)
    lines = dispatch_history(document, signed_in(request), press=press)
    failed = [line for line in lines if line.dispatch.state in Dispatch.STUCK]
    form = DispatchForm(
        reticked(request.POST, [Channel(line.dispatch.channel) for line in failed]),
        document=document,
        user=signed_in(request),
    )
    if form.is_valid():
        for line in failed:
            form.add_error(None, f"{line.channel}: {line.result or line.badge.text}")
    return _show_dialog(request, document, form, is_dialog=True)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def undo_dispatch(request: HttpRequest, pk: int, press: str) -> HttpResponse:
    """Calls the mails of this press back while their undo time runs; the lines say what became of it."""
    document = get_document(request, pk)
    held = document.dispatches.filter(press=press, outgoing__isnull=False)
    for row in held.select_related("outgoing"):
        if row.outgoing and row.outgoing.state == OutgoingMessage.State.SCHEDULED:
            cancel(row.outgoing)
    settle_dispatches()
    if not is_htmx(request):
        return redirect("documents:detail", pk)
    context = _result_context(request, document, press)
    return show(request, "documents/_results.html", context)


@require_safe
@needs(Right.EDIT_DOCUMENTS)
@reading_once()
def show_signature(request: HttpRequest, pk: int) -> HttpResponse:
    """The signature of the sender that was just chosen."""
    document = get_document(request, pk)
    options = sender_options(project=document.project, user=signed_in(request))
    wanted = request.GET.get("sender", "")
    chosen = next((one for one in options if one.kind == wanted), options[0])
    return show(request, "documents/_signature.html", _signature_context(request, document, chosen))


@require_safe
@needs(Right.SEE_DOCUMENTS)
def show_results(request: HttpRequest, pk: int, press: str) -> HttpResponse:
    """The result lines in the dialog, asked for again while something is under way."""
    context = _result_context(request, get_document(request, pk), press)
    if request.GET.get("stand") == context["results_fingerprint"]:
        return HttpResponse(status=204)
    return show(request, "documents/_results.html", context)


def _show_dialog(
    request: HttpRequest, document: Document, form: DispatchForm, *, is_dialog: bool = False
) -> HttpResponse:
    context = _form_context(request, document, form)
    status = 422 if form.is_bound and not is_dialog else 200
    if is_htmx(request):
        is_form = form.is_bound and not is_dialog
        template = "_dispatch_form.html" if is_form else "_dispatch_dialog.html"
        return show(request, f"documents/{template}", context, status=status)
    return show(
        request,
        "documents/detail.html",
        {**page_context(request, document), **context, "opens_dialog": True},
        status=status,
    )


def _form_context(
    request: HttpRequest, document: Document, form: DispatchForm
) -> dict[str, object]:
    cc, bcc = company_copies()
    return {
        "document": document,
        "form": form,
        "company_copies": [mailbox.email for mailbox in (*cc, *bcc)],
        **_signature_context(request, document, form.chosen_sender),
    }


def _signature_context(
    request: HttpRequest, document: Document, sender: SenderOption
) -> dict[str, object]:
    return {
        "sender": sender,
        "signature": preview_signature(document, signed_in(request), sender.choice),
    }


def _result_context(request: HttpRequest, document: Document, press: str) -> dict[str, object]:
    lines = dispatch_history(document, signed_in(request), press=press)
    return {
        "document": document,
        "press": press,
        "lines": lines,
        "results_fingerprint": fingerprint(lines),
        "is_open": any(line.is_open for line in lines),
        "may_undo": any(line.may_undo for line in lines),
        "may_repair": any(line.dispatch.state in Dispatch.STUCK for line in lines)
        and signed_in(request).may(Right.EDIT_DOCUMENTS),
    }


def _show_results(request: HttpRequest, document: Document, form: DispatchForm) -> HttpResponse:
    """The result lines; the form stays behind them, for „Angaben korrigieren“."""
    if not is_htmx(request):
        messages.success(request, _("%(document)s ist abgeschickt.") % {"document": document})
        return redirect("documents:detail", document.pk)
    press = form.cleaned_data["press"]
    form.data = reticked(request.POST)
    context = {
        **page_context(request, get_document(request, document.pk)),
        **_form_context(request, document, form),
        **_result_context(request, document, press),
    }
    response = show(request, "documents/_dispatch_done.html", context)
    # A new dialog takes the place of the filled-in one, whose closing would ask about lost input.
    response.headers["HX-Retarget"] = "#dialog-slot"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
