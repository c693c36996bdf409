"""The „abschicken“ dialog: fill in, look at the mail, send, see what became of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.rights import Right, needs, signed_in
from documents.dispatch import dispatch
from documents.errors import DispatchRefused
from documents.forms.dispatch import DispatchForm
from documents.freeze import read_pdf
from documents.history import dispatch_history, fingerprint
from documents.mail import company_copies, compose_mail
from documents.models import Document
from documents.preview import preview_mail, preview_signature
from documents.senders import SenderOption, sender_options
from documents.views.answer import get_document, is_htmx, show
from documents.views.showing import page_context


@needs(Right.EDIT_DOCUMENTS)
def dispatch_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    user = signed_in(request)
    if request.method != "POST":
        return _show_dialog(request, document, DispatchForm(document=document, user=user))
    form = DispatchForm(request.POST, request.FILES, document=document, user=user)
    if not form.is_valid():
        return _show_dialog(request, document, form)
    press = form.cleaned_data["press"]
    try:
        dispatch(document=document, user=user, content=form.content(), press=press)
    except DispatchRefused as refusal:
        form.show_refusal(refusal)
        return _show_dialog(request, document, form)
    return _show_results(request, document, press)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def preview_dispatch(request: HttpRequest, pk: int) -> HttpResponse:
    """The very mail, in a dialog above the dialog; what is wrong is shown in the form."""
    document = get_document(request, pk)
    user = signed_in(request)
    form = DispatchForm(request.POST, request.FILES, document=document, user=user)
    if form.is_valid():
        try:
            mail = compose_mail(
                document=document, user=user, content=form.content(), pdf=read_pdf(document)
            )
        except DispatchRefused as refusal:
            form.show_refusal(refusal)
        else:
            context = {"document": document, "mail": preview_mail(mail)}
            return show(request, "documents/_mail_preview.html", context)
    response = _show_dialog(request, document, form)
    response.headers["HX-Retarget"] = "#dispatch-content"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


@require_safe
@needs(Right.EDIT_DOCUMENTS)
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


def _show_dialog(request: HttpRequest, document: Document, form: DispatchForm) -> HttpResponse:
    cc, bcc = company_copies()
    context = {
        "document": document,
        "form": form,
        "company_copies": [mailbox.email for mailbox in (*cc, *bcc)],
        **_signature_context(request, document, form.chosen_sender),
    }
    status = 422 if form.is_bound else 200
    if is_htmx(request):
        template = "_dispatch_form.html" if form.is_bound else "_dispatch_dialog.html"
        return show(request, f"documents/{template}", context, status=status)
    return show(
        request,
        "documents/detail.html",
        {**page_context(request, document), **context, "opens_dialog": True},
        status=status,
    )


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
    }


def _show_results(request: HttpRequest, document: Document, press: str) -> HttpResponse:
    if not is_htmx(request):
        messages.success(request, _("%(document)s ist abgeschickt.") % {"document": document})
        return redirect("documents:detail", document.pk)
    context = {
        **page_context(request, get_document(request, document.pk)),
        **_result_context(request, document, press),
    }
    response = show(request, "documents/_dispatch_done.html", context)
    # A new dialog takes the place of the filled-in one, whose closing would ask about lost input.
    response.headers["HX-Retarget"] = "#dialog-slot"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
