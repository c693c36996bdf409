"""The form of „abschicken“: reads what was filled in; nothing is sent here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.bounced import find_bounced
from company.models import User
from documents.choices import Recalled, recall_choice
from documents.delivery import describe_preference, find_preference, put_preferred_first
from documents.dispatch_content import Channel, DispatchContent
from documents.errors import DispatchRefused
from documents.forms.files import FilesField
from documents.letter_templates import fitting_templates, suggested_text
from documents.mail import text_problems, variables_of
from documents.models import Document, LetterTemplate, Printer
from documents.offered_files import FileVanished, OfferedFile, arrange, offered_files, read_file
from documents.senders import SenderOption, sender_options
from mailcore.errors import InvalidDraft
from mailcore.messages import FilePart, Mailbox
from mailcore.recipients import parse_recipients

_MAIL_ONLY = ("recipient", "manual_recipient", "cc", "bcc", "subject", "text", "sender")
_FIELD_OF_PROBLEM = {
    "channels": "by_mail",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "text": "text",
    "sender": "sender",
    "files": "attachments",
    "printer": "printer",
    "fax": "fax",
    "fax_number": "fax_number",
}
_BOX_OF_CHANNEL = {
    Channel.MAIL: "by_mail",
    Channel.PRINTER: "by_printer",
    Channel.FAX: "by_fax",
    Channel.PHONE: "by_phone",
    Channel.OTHER: "by_other",
}


def _box(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


class DispatchForm(forms.Form):
    """`content()` of a valid form is what documents/dispatch.py takes."""

    press = forms.CharField(widget=forms.HiddenInput, max_length=64)
    recipient = forms.ChoiceField(label=gettext_lazy("An"), required=False)
    is_manual = _box(gettext_lazy("E-Mail Adresse manuell angeben"))
    manual_recipient = forms.CharField(
        label=gettext_lazy("E-Mail Adresse"), required=False, max_length=2000
    )
    cc = forms.CharField(
        label=gettext_lazy("CC"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("weitere E-Mails per Komma getrennt"),
    )
    bcc = forms.CharField(label=gettext_lazy("BCC"), required=False, max_length=2000)
    subject = forms.CharField(label=gettext_lazy("Betreff"), required=False, max_length=500)
    text = forms.CharField(
        label=gettext_lazy("Text"), required=False, widget=forms.Textarea(attrs={"rows": 10})
    )
    # Which template the files of the list come from, and whether its text was changed by hand.
    template = forms.ModelChoiceField(
        LetterTemplate.objects.none(), required=False, widget=forms.HiddenInput
    )
    is_edited = forms.CharField(required=False, max_length=1, widget=forms.HiddenInput)
    attachments = FilesField(label=gettext_lazy("Weitere Anhänge"), required=False)
    combines = _box(gettext_lazy("Sammelpdf"))
    by_mail = _box(gettext_lazy("per E-Mail"))
    by_printer = _box(gettext_lazy("per Drucker"))
    by_fax = _box(gettext_lazy("per Fax"))
    by_phone = _box(gettext_lazy("Telefongespräch"))
    by_other = _box(gettext_lazy("Sonstiges"))
    sender = forms.ChoiceField(label=gettext_lazy("Absender"), required=False)
    printer = forms.ModelChoiceField(
        Printer.objects.none(), label=gettext_lazy("Drucker"), required=False, empty_label=None
    )
    fax = forms.ModelChoiceField(
        Printer.objects.none(), label=gettext_lazy("Faxgerät"), required=False, empty_label=None
    )
    fax_number = forms.CharField(
        label=gettext_lazy("Faxnummer"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    note = forms.CharField(
        label=gettext_lazy("Notiz"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self,
        *args: Any,
        document: Document,
        user: User,
        shown: QueryDict | None = None,
        template: LetterTemplate | None = None,
        templates: Sequence[LetterTemplate] | None = None,
        **options: Any,
    ) -> None:
        """`shown`: what is on screen, for the list of files; `template`: the one to begin with."""
        self.document = document
        self.user = user
        self.preference = find_preference(document)
        self.recipients = put_preferred_first(
            known_recipients(document), self.preference, document.address.name
        )
        self.senders = sender_options(project=document.project, user=user)
        self.templates = fitting_templates(document) if templates is None else templates
        devices = list(Printer.objects.filter(is_active=True))
        self.printers = [one for one in devices if not one.is_fax]
        self.fax_devices = [one for one in devices if one.is_fax]
        self.variables = variables_of(document, user)
        self.file_problems: dict[str, str] = {}
        self.shown = args[0] if args else shown
        if not args:
            options["initial"] = self._suggestion(template)
        super().__init__(*args, **options)
        self.bounced = find_bounced(box.email for _key, box in self.recipients)
        self._set_choices("recipient", [(key, str(box)) for key, box in self.recipients])
        self._set_choices("sender", [(one.kind.value, one.label) for one in self.senders])
        self._offer("template", self.templates)
        self._offer("printer", self.printers)
        self._offer("fax", self.fax_devices)

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _offer(self, name: str, rows: Sequence[Any]) -> None:
        """Only these rows are valid; they are at hand, so that none is asked for again."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        assert field.queryset is not None
        field.queryset = field.queryset.model.objects.filter(pk__in=[row.pk for row in rows])
        field.choices = [(row.pk, str(row)) for row in rows]

    def _suggestion(self, template: LetterTemplate | None) -> dict[str, object]:
        subject, text = suggested_text(self.document, template, self.variables)
        recalled = recall_choice(self.user, self.document.kind)
        preference = self.preference
        address = self.document.address
        fax = (self.document.contact.fax if self.document.contact else "") or address.fax
        return {
            "press": uuid4().hex,
            "is_manual": not self.recipients,
            "cc": preference.cc if preference else "",
            "subject": subject,
            "text": text,
            "template": template.pk if template else None,
            "sender": self._suggested_sender(recalled),
            "printer": recalled.printer_id,
            "fax": recalled.fax_id,
            "fax_number": (preference.fax if preference else "") or fax,
            "combines": recalled.combines,
            **self._suggested_boxes(recalled),
        }

    def _suggested_boxes(self, recalled: Recalled) -> dict[str, bool]:
        """What the address wants, else what the person chose last time, as far as it exists."""
        preferred = self.preference.channel if self.preference else ""
        wanted = frozenset({Channel(preferred)}) if preferred else recalled.channels
        if not self.printers:
            wanted = wanted - {Channel.PRINTER}
        if not self.fax_devices:
            wanted = wanted - {Channel.FAX}
        return {_BOX_OF_CHANNEL[channel]: True for channel in wanted}

    def _suggested_sender(self, recalled: Recalled) -> str:
        usable = [one for one in self.senders if one.choice] or list(self.senders)
        preferred = next((one for one in usable if one.is_preferred), usable[0])
        last = next((one for one in usable if one.kind == recalled.sender), preferred)
        return last.kind.value

    @property
    def preference_hint(self) -> str:
        """What the address wants of this kind of document, in words."""
        return describe_preference(self.preference) if self.preference else ""

    @property
    def offered(self) -> list[OfferedFile]:
        """The list on screen."""
        chosen = str(self["template"].value() or "")
        template = next((one for one in self.templates if str(one.pk) == chosen), None)
        offered = offered_files(self.document, template)
        if isinstance(self.shown, QueryDict):
            order, ticked = self.shown.getlist("order"), set(self.shown.getlist("attach"))
            offered = arrange(offered, order=order, ticked=ticked)
        return [replace(one, problem=self.file_problems.get(one.name, "")) for one in offered]

    def clean(self) -> dict[str, Any]:
        """What concerns the mail alone is not looked at where no mail goes out."""
        self._read_files()
        if not self.cleaned_data.get("by_mail"):
            for name in _MAIL_ONLY:
                self.errors.pop(name, None)
                self.cleaned_data.pop(name, None)
            return self.cleaned_data
        if self.cleaned_data.get("is_manual"):
            self._read_addresses("manual_recipient")
        self._read_addresses("cc")
        self._read_addresses("bcc")
        for problem in text_problems(
            subject=str(self.cleaned_data.get("subject", "")),
            html=str(self.cleaned_data.get("text", "")),
            known=self.variables,
        ):
            self.add_error(problem.field, problem.text)
        return self.cleaned_data

    def _read_files(self) -> None:
        """The ticked files in their order, the uploads behind them."""
        files: list[FilePart] = []
        for file in self.offered:
            if file.is_own:
                self.cleaned_data["place"] = len(files)
            elif file.is_ticked:
                try:
                    files.append(read_file(file))
                except FileVanished as vanished:
                    self._complain(file.name, vanished.text)
        self.cleaned_data["files"] = (*files, *(self.cleaned_data.get("attachments") or ()))

    def _complain(self, name: str, text: str) -> None:
        self.file_problems[name] = text
        self.add_error("attachments", text)

    def _read_addresses(self, name: str) -> None:
        try:
            self.cleaned_data[name] = parse_recipients(str(self.cleaned_data.get(name, "")))
        except InvalidDraft as fault:
            text = _("„%(email)s“ ist keine gültige E-Mail-Adresse.")
            self.add_error(name, text % {"email": fault.field})

    @property
    def chosen_sender(self) -> SenderOption:
        """The sender on screen."""
        wanted = self["sender"].value()
        return next((one for one in self.senders if one.kind == wanted), self.senders[0])

    def content(self) -> DispatchContent:
        """Of a valid form."""
        values = self.cleaned_data
        channels = [one for one, box in _BOX_OF_CHANNEL.items() if values.get(box)]
        return DispatchContent(
            channels=frozenset(channels),
            sender_email=self._sender_email(str(values.get("sender", ""))),
            to=self._to(),
            cc=values.get("cc") or (),
            bcc=values.get("bcc") or (),
            subject=str(values.get("subject", "")),
            html=str(values.get("text", "")),
            files=values.get("files") or (),
            place=values.get("place", 0),
            note=str(values.get("note", "")).strip(),
            printer=values.get("printer"),
            fax=values.get("fax"),
            fax_number=str(values.get("fax_number", "")),
            combines=bool(values.get("combines")),
        )

    def _sender_email(self, kind: str) -> str:
        return next((one.email for one in self.senders if one.kind == kind), "")

    def _to(self) -> tuple[Mailbox, ...]:
        if self.cleaned_data.get("is_manual"):
            manual: tuple[Mailbox, ...] = self.cleaned_data.get("manual_recipient") or ()
            return manual
        chosen = self.cleaned_data.get("recipient", "")
        return tuple(mailbox for key, mailbox in self.recipients if key == chosen)

    def show_refusal(self, refusal: DispatchRefused) -> None:
        """Puts each reason to its field."""
        to = "manual_recipient" if self.cleaned_data.get("is_manual") else "recipient"
        for problem in refusal.problems:
            field = to if problem.field == "to" else _FIELD_OF_PROBLEM.get(problem.field)
            if problem.file:
                self.file_problems[problem.file] = problem.text
            self.add_error(field, problem.text)


def reticked(data: QueryDict, channels: Collection[Channel] | None = None) -> QueryDict:
    """What was filled in, for another press of the button; with `channels` only these are ticked."""
    again = data.copy()
    again["press"] = uuid4().hex
    for channel, box in _BOX_OF_CHANNEL.items() if channels is not None else ():
        again[box] = "on" if channel in (channels or ()) else ""
    return again


def known_recipients(document: Document) -> Sequence[tuple[str, Mailbox]]:
    """(key, mailbox) of everybody the address names, the document's contact person first."""
    found: list[tuple[str, Mailbox]] = []
    contacts = sorted(
        document.address.contacts.exclude(email=""),
        key=lambda contact: contact.pk != document.contact_id,
    )
    found += [(f"contact-{one.pk}", Mailbox(one.name, one.email)) for one in contacts]
    if document.address.email:
        general = ("address", Mailbox(document.address.name, document.address.email))
        found.insert(1 if document.contact_id and found else 0, general)
    return found
