"""A letter template shown with a real document, or with a made-up one where there is none yet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from company.models import Address, CompanySettings, ContactPerson, Project, User
from documents.letter_templates import suggested_text
from documents.models import Document, DocumentKind, LetterTemplate, Position
from documents.preview import for_frame
from documents.totals import add_up
from documents.variables import document_variables
from mailaccounts.compose_body import SIGNATURE_VARIABLE
from mailaccounts.signatures import choose_signature


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """`html` is safe for a sandboxed frame; `document` is "" for a made-up example."""

    document: str
    subject: str
    html: str


def preview_template(
    *,
    kind: DocumentKind,
    language: str,
    project: Project | None,
    subject: str,
    text: str,
    user: User,
) -> TemplatePreview:
    found = Document.objects.filter(kind=kind).select_related("address", "contact", "project")
    if language:
        found = found.filter(address__language=language)
    if project:
        found = found.filter(project=project)
    sample = found.first()
    document = sample or _made_up(kind, language, project)
    positions = list(sample.positions.all()) if sample else [Position(price=Decimal(100))]
    employee = user.find_employee()
    variables = document_variables(
        document,
        company=CompanySettings.load(),
        employee=employee,
        totals=add_up(positions),
    )
    template = LetterTemplate(language=language, subject=subject, text=text)
    filled_subject, html = suggested_text(document, template, variables)
    signature = choose_signature(account=None, project=document.project, employee=employee)
    whole = (
        html.replace(SIGNATURE_VARIABLE, signature.html)
        if SIGNATURE_VARIABLE in html
        else f"{html}<br><div>{signature.html}</div>"
    )
    return TemplatePreview(
        document=str(sample) if sample else "",
        subject=filled_subject,
        html=for_frame(whole, signature.files),
    )


def _made_up(kind: DocumentKind, language: str, project: Project | None) -> Document:
    address = Address(name="Muster GmbH", number="10000", language=language or "de")
    contact = ContactPerson(name="Erika Mustermann", salutation="Frau")
    number = str(kind.first_number)
    return Document(kind=kind, number=number, address=address, contact=contact, project=project)
