"""The forms of printers and of kinds of documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.model_forms import Block, InBlocks, ModelForm
from documents import fax
from documents.hand_over import QUEUE_NAME, SERVER_NAME
from documents.models import DocumentKind, Printer
from documents.variables import NAMES
from mailcore.placeholders import fill, unknown
from mailcore.recipients import split_address

VARIABLE_HELP = _("Variablen: %(names)s.")


class PrinterForm(InBlocks, ModelForm[Printer]):
    blocks = (
        Block(_("Drucker oder Faxgerät"), ("name", "kind", "is_fax", "is_active")),
        Block(
            _("Druckerwarteschlange"),
            ("queue", "server"),
            _("Für die Art „Druckerwarteschlange“: wie sie auf dem Druckserver heißt."),
        ),
        Block(
            _("Ordner"),
            ("folder",),
            _("Für die Art „Ordner“: Jeder Auftrag wird dort als PDF-Datei abgelegt."),
        ),
        Block(
            _("Fax"),
            ("number_format", "sender_email", "fax_address", "fax_subject"),
            _(
                "Wie die Nummer geschrieben wird. Die Adressen sind für die Art „Fax über E-Mail“: "
                "{FAX} ist die Nummer."
            ),
        ),
    )

    class Meta:
        model = Printer
        fields = (
            *("name", "kind", "is_fax", "is_active", "queue", "server", "folder"),
            *("number_format", "sender_email", "fax_address", "fax_subject"),
        )
        help_texts = {
            "is_fax": _(
                "Wird beim Abschicken unter „per Fax“ angeboten statt unter „per Drucker“."
            ),
            "queue": _("Name wie in CUPS, z. B. „buero-og1“."),
            "server": _("Leer = der Druckserver dieses Rechners, sonst z. B. „cups.firma.de:631“."),
            "folder": _("Voller Pfad auf dem Server, z. B. „/srv/druck“."),
            "sender_email": _("Absender, den das Gateway kennt. Leer = die Adresse der Firma."),
            "fax_address": _("Z. B. „{FAX}@fax.anbieter.de“."),
            "fax_subject": _("Manche Gateways erwarten die Nummer oder einen Code im Betreff."),
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        check = {
            Printer.Kind.QUEUE: self._check_queue,
            Printer.Kind.FOLDER: self._check_folder,
            Printer.Kind.FAX_MAIL: self._check_gateway,
        }.get(values.get("kind", ""))
        if check:
            check(values)
        return values

    def _check_queue(self, values: dict[str, Any]) -> None:
        if not QUEUE_NAME.fullmatch(values.get("queue") or ""):
            self.add_error(
                "queue",
                _("Bitte den Namen angeben: Buchstaben, Ziffern, Punkt, Binde- und Unterstrich."),
            )
        server = values.get("server") or ""
        if server and not SERVER_NAME.fullmatch(server):
            self.add_error("server", _("Das ist kein Rechnername."))

    def _check_folder(self, values: dict[str, Any]) -> None:
        folder = Path(values.get("folder") or "")
        if not folder.is_absolute():
            self.add_error("folder", _("Bitte den vollen Pfad angeben, z. B. „/srv/druck“."))
        elif not folder.is_dir():
            self.add_error("folder", _("Diesen Ordner gibt es auf dem Server nicht."))

    def _check_gateway(self, values: dict[str, Any]) -> None:
        values["is_fax"] = True
        example = dict.fromkeys(fax.VARIABLES, "1")
        if "{FAX}" not in f"{values.get('fax_address')} {values.get('fax_subject')}":
            text = _(
                "Weder Adresse noch Betreff enthalten {FAX}: Das Gateway wüsste die Nummer nicht."
            )
            self.add_error("fax_address", text)
        elif split_address(fill(values.get("fax_address") or "", example, escape=False)) is None:
            self.add_error(
                "fax_address", _("Das ist mit einer Nummer für {FAX} keine E-Mail-Adresse.")
            )
        for name in ("fax_address", "fax_subject"):
            if bad := unknown(values.get(name) or "", fax.VARIABLES):
                text = _("Diese Variable gibt es nicht: %(names)s.")
                self.add_error(name, text % {"names": ", ".join(f"{{{one}}}" for one in bad)})


class DocumentKindForm(InBlocks, ModelForm[DocumentKind]):
    blocks = (
        Block(
            _("Belegart"),
            ("name", "article", "plural", "key", "file_prefix", "first_number", "order"),
        ),
        Block(_("Inhalt"), ("has_prices", "shows_service_date", "letter_intro", "letter_closing")),
        Block(
            _("E-Mail"),
            ("mail_subject", "mail_text"),
            _("Der Standardtext, wenn keine Geschäftsbriefvorlage passt."),
        ),
    )

    class Meta:
        model = DocumentKind
        fields = (
            *("name", "article", "plural", "key", "file_prefix", "first_number", "order"),
            *("has_prices", "shows_service_date", "letter_intro", "letter_closing"),
            *("mail_subject", "mail_text"),
        )
        labels = {"order": _("Reihenfolge in Listen")}
        widgets = {
            "letter_intro": forms.Textarea(attrs={"rows": 3}),
            "letter_closing": forms.Textarea(attrs={"rows": 3}),
            "mail_text": forms.Textarea(attrs={"rows": 8}),
        }
        help_texts = {
            "key": _("Kurz und eindeutig, z. B. „mahnung“. Bleibt für immer."),
            "file_prefix": _("Steht vor der Nummer, z. B. „RE“ in RE400000.pdf."),
            "first_number": _("Womit die Zählung beginnt, solange es noch keinen Beleg gibt."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["key"].disabled = True
        listed = ", ".join(f"{{{name}}}" for name in NAMES)
        for name in ("letter_closing", "mail_text"):
            self.fields[name].help_text = VARIABLE_HELP % {"names": listed}

    def clean_file_prefix(self) -> str:
        prefix = str(self.cleaned_data["file_prefix"]).strip()
        if not prefix.isalnum():
            raise ValidationError(_("Nur Buchstaben und Ziffern."))
        return prefix

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("letter_intro", "letter_closing", "mail_subject", "mail_text"):
            known = {*NAMES, "SIGNATUR"} if name == "mail_text" else NAMES
            if names := unknown(values.get(name) or "", known):
                listed = ", ".join(f"{{{one}}}" for one in names)
                said = _now("Diese Variable gibt es nicht: %(names)s.") % {"names": listed}
                self.add_error(name, said)
        return values
