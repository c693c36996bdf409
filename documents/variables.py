"""What the {VARIABLES} of a document's letter and mail stand for."""

from __future__ import annotations

from company.models import CompanySettings, Employee
from documents.german_format import format_amount, format_date
from documents.models import Document
from documents.totals import Totals

_NO_PERSON = "Sehr geehrte Damen und Herren"


def document_variables(
    document: Document,
    *,
    company: CompanySettings,
    employee: Employee | None,
    totals: Totals,
) -> dict[str, str]:
    """Name of the variable (without braces) → text. {SIGNATUR} is none of them: see documents/mail.py."""
    address = document.address
    project = document.project
    return {
        "ANREDE": salutation_line(document),
        "NAME": document.contact.name if document.contact else address.name,
        "FIRMA": company.name,
        "BELEG": document.kind.name,
        "BETREFF": document.subject,
        "NUMMER": document.number,
        "DATUM": format_date(document.date),
        "BETRAG": format_amount(totals.gross),
        "KUNDENNUMMER": address.number,
        "PROJEKT": project.name if project else "",
        "GRUSS": (project.greeting if project and project.greeting else company.greeting).strip(),
        "MITARBEITER": employee.name if employee else "",
        "MITARBEITER_TELEFON": employee.phone if employee else "",
        "MITARBEITER_MOBIL": employee.mobile if employee else "",
        "MITARBEITER_EMAIL": employee.email if employee else "",
        "MITARBEITER_TELEFAX": employee.fax if employee else "",
    }


def salutation_line(document: Document) -> str:
    """„Sehr geehrte Frau Klein“ for a known person, else „Sehr geehrte Damen und Herren“."""
    person = document.contact or document.address
    salutation = person.salutation.strip()
    last_name = person.name.split()[-1] if person.name.split() else ""
    first_word = salutation.split()[0].casefold() if salutation else ""
    if first_word == "frau":
        return f"Sehr geehrte {salutation} {last_name}"
    if first_word in {"herr", "herrn"}:
        titles = " ".join(salutation.split()[1:])
        return " ".join(filter(None, ("Sehr geehrter Herr", titles, last_name)))
    if first_word in {"sehr", "guten", "liebe", "lieber", "hallo", "dear"}:
        return salutation.rstrip(",")
    return _NO_PERSON
