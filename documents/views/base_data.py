"""What printers and letter templates have beside list and form: test page and preview."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from company.page_answers import show
from company.rights import Right, needs, signed_in
from documents.forms.letter_template import LetterTemplateForm
from documents.hand_over import PrintRefused, PrintUncertain
from documents.models import LetterTemplate, Printer
from documents.print_test_page import draw_test_page, print_test_page
from documents.template_preview import preview_template
from documents.views.answer import file_response


@require_POST
@needs(Right.ADMINISTER)
def test_printer(request: HttpRequest, pk: int) -> HttpResponse:
    printer = get_object_or_404(Printer, pk=pk)
    user = signed_in(request)
    if printer.kind == Printer.Kind.DOWNLOAD:
        page = draw_test_page(printer, user, timezone.now())
        return file_response(page, "Testseite.pdf", "application/pdf", as_attachment=True)
    if printer.is_fax:
        messages.error(request, _("Ein Faxgerät braucht eine Nummer: Schicken Sie einen Beleg ab."))
        return redirect("documents:printers_edit", pk)
    try:
        said = print_test_page(printer, user)
    except (PrintRefused, PrintUncertain) as fault:
        messages.error(request, _("Testseite nicht gedruckt: %(reason)s") % {"reason": fault})
    else:
        messages.success(request, _("Testseite: %(result)s.") % {"result": said})
    return redirect("documents:printers_edit", pk)


@require_POST
@needs(Right.SEE_SETTINGS)
def show_template_preview(request: HttpRequest) -> HttpResponse:
    """What the text on screen becomes for the latest document of its kind; nothing is saved."""
    form = LetterTemplateForm(request.POST, instance=LetterTemplate())
    form.is_valid()
    context: dict[str, object] = {
        "problems": [
            f"{form[name].label}: {' '.join(map(str, form.errors[name]))}"
            for name in ("kind", "subject", "text")
            if name in form.errors
        ]
    }
    if not context["problems"]:
        context["preview"] = preview_template(
            kind=form.cleaned_data["kind"],
            language=form.cleaned_data.get("language") or "",
            project=form.cleaned_data.get("project"),
            subject=form.cleaned_data["subject"],
            text=form.cleaned_data["text"],
            user=signed_in(request),
        )
    return show(request, "documents/_template_preview.html", context)
