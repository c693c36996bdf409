"""What stands on a document's letter, gathered from the database; documents/pdf.py draws it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

from company.models import CompanySettings, Employee
from documents.german_format import (
    format_amount,
    format_date,
    format_number,
    format_quantity,
    format_rate,
)
from documents.models import Document, Position
from documents.totals import Totals, add_up
from documents.variables import document_variables
from mailcore.placeholders import fill


@dataclass(frozen=True, slots=True)
class Line:
    """A position as printed; `amount` is kept as a number for the carried-over sums."""

    number: str
    article: str
    text: str
    quantity: str  # with its unit
    price: str
    rate: str
    total: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything on the paper. Two equal letters become the same bytes."""

    title: str  # „Rechnung 400000“
    date: datetime.date
    company: str
    return_line: str
    address: tuple[str, ...]
    info: tuple[tuple[str, str], ...]
    intro: str
    lines: tuple[Line, ...]
    sums: tuple[tuple[str, str], ...]  # the last one is the total; empty without prices
    has_prices: bool
    closing: str
    greeting: str
    signatory: str
    footer: tuple[tuple[str, ...], ...]  # columns of lines
    logo: bytes


def compose_letter(document: Document) -> Letter:
    """The letter of a document as it stands now."""
    company = CompanySettings.load()
    positions = list(document.positions.all())
    totals = add_up(positions)
    employee = _writer(document)
    variables = document_variables(document, company=company, employee=employee, totals=totals)
    has_prices = document.kind.has_prices
    return Letter(
        title=document.subject or str(document),
        date=document.date,
        company=company.name,
        return_line=" · ".join(
            part for part in (company.name, company.street, _place(company)) if part
        ),
        address=_address_lines(document, company),
        info=_info(document, employee),
        intro=fill(document.intro, variables, escape=False),
        lines=tuple(_lines(positions, totals)),
        sums=_sums(totals) if has_prices else (),
        has_prices=has_prices,
        closing=fill(document.closing, variables, escape=False),
        greeting=variables["GRUSS"],
        signatory=employee.name if employee else company.name,
        footer=company_footer(company),
        logo=bytes(company.logo),
    )


def _writer(document: Document) -> Employee | None:
    if document.created_by is None:
        return None
    return document.created_by.find_employee()


def _place(place: CompanySettings) -> str:
    return f"{place.postcode} {place.city}".strip()


def _address_lines(document: Document, company: CompanySettings) -> tuple[str, ...]:
    """Name, person, street, town; the country in capitals where it is not ours (DIN 5008)."""
    address = document.address
    person = ""
    if document.contact and document.contact.name != address.name:
        person = f"{document.contact.salutation} {document.contact.name}".strip()
    abroad = address.country.strip()
    if abroad.casefold() in {
        "",
        "deutschland",
        "germany",
        "de",
        company.country.strip().casefold(),
    }:
        abroad = ""
    lines = (
        address.name,
        person,
        address.street,
        f"{address.postcode} {address.city}".strip(),
        abroad.upper(),
    )
    return tuple(line for line in lines if line)


def _info(document: Document, employee: Employee | None) -> tuple[tuple[str, str], ...]:
    rows = [
        (
            "Unser Zeichen" if document.kind.is_letter else f"{document.kind.name} Nr.",
            document.number,
        ),
        ("Datum", format_date(document.date)),
        ("Kundennummer", document.address.number),
    ]
    if document.service_date or document.kind.shows_service_date:
        rows.append(("Leistungsdatum", document.service_date or format_date(document.date)))
    if document.project:
        rows.append(("Projekt", document.project.name))
    if document.address.vat_id:
        rows.append(("Ihre USt-IdNr.", document.address.vat_id))
    if employee:
        rows += [
            ("Bearbeitung", employee.name),
            ("Telefon", employee.phone),
            ("E-Mail", employee.email),
        ]
    return tuple((label, value) for label, value in rows if value)


def _lines(positions: list[Position], totals: Totals) -> list[Line]:
    return [
        Line(
            number=str(number),
            article=position.article,
            text=position.text,
            quantity=f"{format_quantity(position.quantity)} {position.unit}".strip(),
            price=format_number(position.price, decimals=2),
            rate=format_rate(position.tax_rate),
            total=format_number(amount, decimals=2),
            amount=amount,
        )
        for number, (position, amount) in enumerate(
            zip(positions, totals.lines, strict=True), start=1
        )
    ]


def _sums(totals: Totals) -> tuple[tuple[str, str], ...]:
    taxes = [
        (
            f"zzgl. {format_rate(tax.rate)} USt. auf {format_amount(tax.base)}",
            format_amount(tax.tax),
        )
        for tax in totals.taxes
    ]
    return (
        ("Summe netto", format_amount(totals.net)),
        *taxes,
        ("Gesamtbetrag", format_amount(totals.gross)),
    )


def company_footer(company: CompanySettings) -> tuple[tuple[str, ...], ...]:
    """Columns of lines: address, contact, bank, register."""
    columns = (
        (company.name, company.street, _place(company), company.country),
        (
            _labelled("Telefon", company.phone),
            company.email,
            company.website,
        ),
        (
            company.bank_name,
            _labelled("IBAN", _grouped(company.iban)),
            _labelled("BIC", company.bic),
        ),
        (
            company.register,
            _labelled("Geschäftsführung", company.management),
            _labelled("USt-IdNr.", company.vat_id),
            _labelled("Steuernummer", company.tax_number),
        ),
    )
    kept = (tuple(line for line in column if line) for column in columns)
    return tuple(column for column in kept if column)


def _labelled(label: str, value: str) -> str:
    return f"{label} {value}" if value else ""


def _grouped(iban: str) -> str:
    bare = iban.replace(" ", "")
    return " ".join(bare[at : at + 4] for at in range(0, len(bare), 4))
