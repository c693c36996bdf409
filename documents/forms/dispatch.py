"""The form of „abschicken“: reads what was filled in; nothing is sent here."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from company.bounced import find_bounced
from company.models import User
from documents.delivery import describe_preference, find_preference, put_preferred_first
from documents.dispatch_content import Channel, DispatchContent
from documents.errors import DispatchRefused
from documents.mail import suggested_text, text_problems, variables_of
from documents.models import Document
from documents.senders import SenderOption, sender_options
from mailcore.errors import InvalidDraft
from mailcore.messages import FilePart, Mailbox
from mailcore.recipients import parse_recipients

_MAIL_ONLY = (
    "recipient",
    "manual_recipient",
    "cc",
    "bcc",
    "subject",
    "text",
    "sender",
    "attachments",
)
_FIELD_OF_PROBLEM = {
    "channels": "by_mail",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "text": "text",
    "sender": "sender",
    "files": "attachments",
}


class _SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, as FileParts."""

    widget = _SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> tuple[FilePart, ...]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return tuple(_read(super(FilesField, self).clean(file, initial)) for file in files)


def _read(file: UploadedFile[Any]) -> FilePart:
    name = file.name or "datei"
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FilePart(filename=name, content_type=content_type, content=file.read())


class DispatchForm(forms.Form):
    """`content()` of a valid form is what documents/dispatch.py takes."""

    press = forms.CharField(widget=forms.HiddenInput, max_length=64)
    recipient = forms.ChoiceField(label=gettext_lazy("An"), required=False)
    is_manual = forms.BooleanField(
        label=gettext_lazy("E-Mail Adresse manuell angeben"), required=False
    )
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
    attachments = FilesField(label=gettext_lazy("Weitere Anhänge"), required=False)
    by_mail = forms.BooleanField(label=gettext_lazy("per E-Mail"), required=False)
    by_phone = forms.BooleanField(label=gettext_lazy("Telefongespräch"), required=False)
    by_other = forms.BooleanField(label=gettext_lazy("Sonstiges"), required=False)
    sender = forms.ChoiceField(label=gettext_lazy("Absender"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Notiz"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, document: Document, user: User, **options: Any) -> None:
        self.document = document
        self.user = user
        self.preference = find_preference(document)
        self.recipients = put_preferred_first(
            known_recipients(document), self.preference, document.address.name
        )
        self.senders = sender_options(project=document.project, user=user)
        if not args or args[0] is None:
            options["initial"] = self._suggestion(user)
        super().__init__(*args, **options)
        self.bounced = find_bounced(box.email for _key, box in self.recipients)
        self._set_choices("recipient", [(key, str(box)) for key, box in self.recipients])
        self._set_choices("sender", [(one.kind.value, one.label) for one in self.senders])

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _suggestion(self, user: User) -> dict[str, object]:
        subject, text = suggested_text(self.document, user)
        usable = [one for one in self.senders if one.choice] or list(self.senders)
        sender = next((one for one in usable if one.is_preferred), usable[0])
        preference = self.preference
        # A way that is no box of the dialog is ticked by nobody: the hint names it.
        channel = (preference.channel if preference else "") or Channel.MAIL.value
        return {
            "press": uuid4().hex,
            "is_manual": not self.recipients,
            "cc": preference.cc if preference else "",
            "subject": subject,
            "text": text,
            f"by_{channel}": True,
            "sender": sender.kind.value,
        }

    @property
    def preference_hint(self) -> str:
        """What the address wants of this kind of document, in words."""
        return describe_preference(self.preference) if self.preference else ""

    def clean(self) -> dict[str, Any]:
        """What concerns the mail alone is not looked at where no mail goes out."""
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
            known=variables_of(self.document, self.user),
        ):
            self.add_error(problem.field, problem.text)
        return self.cleaned_data

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
        ticked = {
            Channel.MAIL: values.get("by_mail"),
            Channel.PHONE: values.get("by_phone"),
            Channel.OTHER: values.get("by_other"),
        }
        return DispatchContent(
            channels=frozenset(channel for channel, is_ticked in ticked.items() if is_ticked),
            sender_email=self._sender_email(str(values.get("sender", ""))),
            to=self._to(),
            cc=values.get("cc") or (),
            bcc=values.get("bcc") or (),
            subject=str(values.get("subject", "")),
            html=str(values.get("text", "")),
            files=values.get("attachments") or (),
            note=str(values.get("note", "")).strip(),
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
            self.add_error(field, problem.text)


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
