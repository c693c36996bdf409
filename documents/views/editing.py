"""Creating and changing a document; and what the form asks for while one types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import BaseForm, BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.models import Address, ContactPerson
from company.page_answers import show
from company.rights import Right, needs, signed_in
from documents.errors import NotPossible
from documents.forms.document import (
    DocumentForm,
    PositionForm,
    PositionFormSet,
    kept_positions,
)
from documents.forms.fields import AddressField, address_label
from documents.models import Document, DocumentKind, Position
from documents.release import release
from documents.save import save_document
from documents.totals import add_up
from documents.views.answer import get_document

if TYPE_CHECKING:
    Positions = BaseFormSet[PositionForm]


@needs(Right.EDIT_DOCUMENTS)
def create_document(request: HttpRequest, kind: str) -> HttpResponse:
    found = get_object_or_404(DocumentKind, key=kind)
    document = Document(kind=found, intro=found.letter_intro, closing=found.letter_closing)
    address = _address_asked_for(request)
    if address:
        document.address = address
        contacts = list(address.contacts.all()[:2])
        if found.is_letter and len(contacts) == 1:
            document.contact = contacts[0]
    return _edit(request, document)


@needs(Right.EDIT_DOCUMENTS)
def edit_document(request: HttpRequest, pk: int) -> HttpResponse:
    document = get_document(request, pk)
    if not document.is_draft:
        messages.error(
            request,
            _("Der Beleg ist freigegeben. Nehmen Sie die Freigabe zurück, um ihn zu ändern."),
        )
        return redirect("documents:detail", pk)
    return _edit(request, document)


def _edit(request: HttpRequest, document: Document) -> HttpResponse:
    is_new = document.pk is None
    form = DocumentForm(request.POST or None, request.FILES or None, instance=document)
    formset = _positions_form(request, document)
    if request.method == "POST" and _all_valid(form, formset):
        try:
            save_document(
                document=document,
                positions=kept_positions(formset),
                user=signed_in(request),
                own_pdf=form.read_own_pdf(),
            )
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            return _after_saving(request, document, is_new=is_new)
    return _show_form(request, document, form, formset, is_new=is_new)


def _after_saving(request: HttpRequest, document: Document, *, is_new: bool) -> HttpResponse:
    """To the document; „Freigeben und abschicken“ goes on to the dialog."""
    if "abschicken" in request.POST:
        try:
            release(document=document)
        except NotPossible as refusal:
            messages.error(request, str(refusal))
        else:
            return redirect("documents:dispatch", document.pk)
    text = _("%(document)s ist angelegt.") if is_new else _("%(document)s ist gespeichert.")
    messages.success(request, text % {"document": document})
    return redirect("documents:detail", document.pk)


def _show_form(
    request: HttpRequest,
    document: Document,
    form: DocumentForm,
    formset: Positions,
    *,
    is_new: bool,
) -> HttpResponse:
    forms: list[BaseForm] = [form, *formset.forms] if form.is_bound else []
    context = {
        "document": document,
        "form": form,
        "formset": formset,
        "is_new": is_new,
        "forms": forms,
        "error_count": sum(len(one.errors) for one in forms),
        "totals": _totals(formset),
    }
    return show(request, "documents/edit.html", context, status=422 if form.is_bound else 200)


def _positions_form(request: HttpRequest, document: Document) -> Positions:
    options: Mapping[str, object] = {
        "prefix": "pos",
        "form_kwargs": {"has_prices": document.kind.has_prices},
    }
    if request.method == "POST":
        return PositionFormSet(request.POST, **options)  # type: ignore[arg-type]
    fields = ("article", "text", "quantity", "unit", "price", "tax_rate")
    rows = list(document.positions.values(*fields)) if document.pk else []
    return PositionFormSet(initial=rows, **options)  # type: ignore[arg-type]


def _all_valid(form: DocumentForm, formset: Positions) -> bool:
    return all((form.is_valid(), formset.is_valid()))


def _address_asked_for(request: HttpRequest) -> Address | None:
    asked = request.GET.get("adresse", "")
    if not (asked.isascii() and asked.isdigit()):
        return None
    return Address.objects.filter(pk=int(asked)).first()


def _totals(formset: Positions) -> object:
    """Of the rows that can be read already."""
    if not formset.is_bound:
        rows = [Position(**row) for row in formset.initial or []]
        return add_up(rows)
    readable = [
        form.instance
        for form in formset.forms
        if form.is_filled and form.is_valid() and not form.cleaned_data.get("DELETE")
    ]
    return add_up(readable)


@require_POST
@needs(Right.EDIT_DOCUMENTS)
def show_totals(request: HttpRequest) -> HttpResponse:
    """The sums below the table while one types."""
    formset = PositionFormSet(request.POST, prefix="pos")
    return show(request, "documents/_totals.html", {"totals": _totals(formset)})


@require_safe
@needs(Right.EDIT_DOCUMENTS)
def address_suggestions(request: HttpRequest) -> HttpResponse:
    """Options for the address field."""
    typed = request.GET.get("address", "").strip()[:100]
    found = Address.objects.filter(
        Q(name__icontains=typed) | Q(number__istartswith=typed) | Q(email__istartswith=typed),
        is_active=True,
    )
    labels = [address_label(address) for address in found[:20]] if typed else []
    return show(request, "documents/_address_suggestions.html", {"labels": labels})


@require_safe
@needs(Right.EDIT_DOCUMENTS)
def contact_options(request: HttpRequest) -> HttpResponse:
    """The contact persons of the address that was chosen."""
    field = AddressField(required=False)
    try:
        address = field.clean(request.GET.get("address", ""))
    except ValidationError:
        address = None
    contacts = ContactPerson.objects.filter(address=address) if address else []
    return show(request, "documents/_contact_options.html", {"contacts": contacts})
