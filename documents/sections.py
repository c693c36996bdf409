"""Base data of documents: printers and fax devices, kinds, letter templates (company/section.py)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from company.section import Cell, Column, Section
from documents.forms.base_data import DocumentKindForm, PrinterForm
from documents.forms.letter_template import LetterTemplateForm
from documents.models import DocumentKind, LetterTemplate, Printer


def _state(is_active: bool) -> Cell:
    return Cell(_("aktiv"), tone="ok") if is_active else Cell(_("inaktiv"), tone="neutral")


def _target(printer: Printer) -> Cell:
    named = {
        Printer.Kind.QUEUE: (printer.queue, printer.server),
        Printer.Kind.FOLDER: (printer.folder, ""),
        Printer.Kind.FAX_MAIL: (printer.fax_address, ""),
    }
    text, sub = named.get(Printer.Kind(printer.kind), ("", ""))
    return Cell(text, sub=sub)


PRINTERS = Section(
    namespace="documents",
    key="printers",
    path="drucker",
    model=Printer,
    form=PrinterForm,
    columns=(
        Column[Printer](_("Bezeichnung"), lambda row: Cell(row.name)),
        Column[Printer](_("Art"), lambda row: Cell(row.get_kind_display())),
        Column[Printer](_("Ziel"), _target),
        Column[Printer](
            _("Verwendung"), lambda row: Cell(_("Fax") if row.is_fax else _("Drucker"))
        ),
        Column[Printer](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=("name", "queue", "folder"),
    title=_("Drucker und Fax"),
    lead=_("Wohin Belege gehen, die auf Papier oder als Fax das Haus verlassen."),
    new=_("Drucker anlegen"),
    empty=_(
        "Noch kein Drucker. Ohne einen lassen sich Belege nicht per Drucker oder Fax abschicken."
    ),
    icon="printer",
    actions=(("documents:printer_test", _("Testseite drucken")),),
)

KINDS = Section(
    namespace="documents",
    key="kinds",
    path="belegarten",
    model=DocumentKind,
    form=DocumentKindForm,
    columns=(
        Column[DocumentKind](_("Bezeichnung"), lambda row: Cell(row.name)),
        Column[DocumentKind](_("Kennung"), lambda row: Cell(row.key)),
        Column[DocumentKind](
            _("Nummern ab"), lambda row: Cell(f"{row.file_prefix}{row.first_number}")
        ),
        Column[DocumentKind](
            _("Preise"), lambda row: Cell(_("mit Preisen") if row.has_prices else _("ohne Preise"))
        ),
    ),
    search=("name", "key", "file_prefix"),
    title=_("Belegarten"),
    lead=_("Angebot, Rechnung und was Ihre Firma sonst noch schreibt."),
    new=_("Belegart anlegen"),
    empty=_("Noch keine Belegart."),
    icon="file-text",
)

LETTER_TEMPLATES = Section(
    namespace="documents",
    key="templates",
    path="vorlagen",
    model=LetterTemplate,
    form=LetterTemplateForm,
    template="documents/letter_template.html",
    related=("kind", "project"),
    columns=(
        Column[LetterTemplate](_("Bezeichnung"), lambda row: Cell(row.name, sub=row.subject)),
        Column[LetterTemplate](_("Belegart"), lambda row: Cell(row.kind.name)),
        Column[LetterTemplate](
            _("Sprache"), lambda row: Cell(row.get_language_display() or _("alle"))
        ),
        Column[LetterTemplate](
            _("Projekt"), lambda row: Cell(row.project.name if row.project else _("alle"))
        ),
        Column[LetterTemplate](_("Zustand"), lambda row: _state(row.is_active)),
    ),
    search=("name", "subject", "kind__name"),
    title=_("Geschäftsbriefvorlagen"),
    lead=_(
        "Betreff und Text beim Abschicken. Vorgeschlagen wird die Vorlage für Sprache und Projekt, "
        "sonst die für die Sprache, sonst die für das Projekt, sonst die für alle."
    ),
    new=_("Vorlage anlegen"),
    empty=_("Noch keine Vorlage. Beim Abschicken gilt der Standardtext der Belegart."),
    icon="mail",
)

SECTIONS: tuple[Section[Any], ...] = (PRINTERS, KINDS, LETTER_TEMPLATES)
