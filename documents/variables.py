"""What the {VARIABLES} of a document's letter and mail stand for."""

from __future__ import annotations

from company.models import Address, CompanySettings, ContactPerson, Employee
from documents.german_format import format_amount, format_date
from documents.models import Document
from documents.totals import Totals

_NO_PERSON = {"de": "Sehr geehrte Damen und Herren", "en": "Dear Sir or Madam"}
_SEX = {"frau": "f", "ms": "f", "ms.": "f", "mrs": "f", "mrs.": "f"} | {
    "herr": "m", "herrn": "m", "mr": "m", "mr.": "m"
}  # fmt: skip
_OPENINGS = {
    ("de", "f"): "Sehr geehrte Frau",
    ("de", "m"): "Sehr geehrter Herr",
    ("en", "f"): "Dear Ms",
    ("en", "m"): "Dear Mr",
}


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
        "BELEGART": document.kind.name,
        "NUMMER": document.number,
        "DATUM": format_date(document.date),
        "BETRAG": format_amount(totals.gross),
        "KUNDENNUMMER": address.number,
        "SPRACHE": address.language,
        "PROJEKT": project.name if project else "",
        "GRUSS": (project.greeting if project and project.greeting else company.greeting).strip(),
        "MITARBEITER": employee.name if employee else "",
        "MITARBEITER_TELEFON": employee.phone if employee else "",
        "MITARBEITER_MOBIL": employee.mobile if employee else "",
        "MITARBEITER_EMAIL": employee.email if employee else "",
        "MITARBEITER_TELEFAX": employee.fax if employee else "",
    }


def salutation_line(document: Document, *, language: str = "") -> str:
    """„Sehr geehrte Frau Klein“ or „Dear Ms Klein“ for a known person, else nobody in particular."""
    return salutation_of(document.contact or document.address, language=language)


def salutation_of(person: ContactPerson | Address, *, language: str = "") -> str:
    """How a letter to this person begins, without the comma."""
    salutation = person.salutation.strip()
    last_name = person.name.split()[-1] if person.name.split() else ""
    first_word = salutation.split()[0].casefold() if salutation else ""
    titles = " ".join(salutation.split()[1:])
    if first_word in {"sehr", "guten", "liebe", "lieber", "hallo", "dear"}:
        return salutation.rstrip(",")
    opening = _OPENINGS.get((language or "de", _SEX.get(first_word, "")))
    if opening:
        return " ".join(filter(None, (opening, titles, last_name)))
    return _NO_PERSON.get(language, _NO_PERSON["de"])


# Every variable there is, for the list at the template's field.
NAMES = (
    *("ANREDE", "NAME", "FIRMA", "BELEGART", "BELEG", "BETREFF", "NUMMER", "DATUM", "BETRAG"),
    *("KUNDENNUMMER", "SPRACHE", "PROJEKT", "GRUSS"),
    *("MITARBEITER", "MITARBEITER_TELEFON", "MITARBEITER_MOBIL"),
    *("MITARBEITER_EMAIL", "MITARBEITER_TELEFAX"),
)
