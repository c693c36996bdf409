"""The form under a conversation: a mail or a note being written."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from company.models import User
from mailaccounts.senders import NoAccountForSender, identities_for, may_send_as
from mailcore.errors import InvalidDraft
from mailcore.html_text import html_to_text
from mailcore.messages import FilePart, Mailbox
from mailcore.recipients import parse_recipients
from mailstore.models import StoredAttachment
from tickets.models import Ticket
from tickets.reply_defaults import vouched_addresses

FILES_LIMIT = 25_000_000  # bytes together; most servers refuse more than 35 MB encoded
UNCHANGED = ""
# What an editor writes; „<Zeile>“ typed into a plain field is no tag.
_IS_HTML = re.compile(
    r"<(?:p|div|br|b|i|u|s|a|ul|ol|li|span|strong|em|font|img|table|blockquote|pre|code|h[1-6]|hr)"
    r"(?:\s[^>]*)?/?>",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"<img\b", re.IGNORECASE)


class _ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several uploads; an empty file is a file."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Dateien anhängen"),
            required=False,
            allow_empty_file=True,
            max_length=255,
            widget=_ManyFiles(attrs={"multiple": True}),
        )

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files if file]


class ComposerForm(forms.Form):
    """A mail. `text` is the editor's HTML, or plain text where there is no JavaScript."""

    sender = forms.CharField(label=_("Von"), max_length=320, widget=forms.Select)
    to = forms.CharField(label=_("An"), required=False, max_length=5000)
    cc = forms.CharField(label=_("CC"), required=False, max_length=5000)
    bcc = forms.CharField(label=_("BCC"), required=False, max_length=5000)
    subject = forms.CharField(label=_("Betreff"), max_length=900, required=False)
    text = forms.CharField(
        label=_("Text"), required=False, widget=forms.Textarea(attrs={"rows": 8})
    )
    quote = forms.BooleanField(label=_("Ursprüngliche Nachricht zitieren"), required=False)
    kept = forms.ModelMultipleChoiceField(StoredAttachment.objects.none(), required=False)
    uploads = FilesField()
    status_after = forms.ChoiceField(
        label=_("Status danach"),
        required=False,
        choices=[(UNCHANGED, _("unverändert")), *Ticket.Status.choices],
    )
    once_key = forms.RegexField(r"\A[\w-]{16,60}\Z", widget=forms.HiddenInput)
    seen = forms.IntegerField(widget=forms.HiddenInput)
    # The answer of this ticket that is written anew, if one is.
    replaces = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        user: User,
        ticket: Ticket,
        keepable: QuerySet[StoredAttachment],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._ticket = user, ticket
        kept = self.fields["kept"]
        assert isinstance(kept, forms.ModelMultipleChoiceField)
        kept.queryset = keepable
        self._offer_senders()

    def _offer_senders(self) -> None:
        """The user's identities; the address the ticket came to, or was written from, first."""
        choices = {one.email: one.label for one in identities_for(self._user)}
        preset = self.data.get("sender") or self.initial.get("sender")
        if preset and preset not in choices:
            choices = {preset: preset} | choices
        widget = self.fields["sender"].widget
        assert isinstance(widget, forms.Select)
        widget.choices = list(choices.items())

    def clean_sender(self) -> str:
        email: str = self.cleaned_data["sender"]
        try:
            may_send_as(self._user, email, known=vouched_addresses(self._ticket))
        except NoAccountForSender as error:
            raise ValidationError(str(error)) from error
        return email

    def clean_to(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["to"])

    def clean_cc(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["cc"])

    def clean_bcc(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["bcc"])

    def clean_subject(self) -> str:
        return " ".join(self.cleaned_data["subject"].split())

    def clean_text(self) -> str:
        html = as_html(self.cleaned_data["text"])
        if not html_to_text(html).strip() and not _PICTURE.search(html):
            raise ValidationError(_("Bitte schreiben Sie einen Text."))
        return html

    def clean_uploads(self) -> list[UploadedFile[Any]]:
        files: list[UploadedFile[Any]] = self.cleaned_data["uploads"]
        if sum(file.size or 0 for file in files) > FILES_LIMIT:
            raise ValidationError(_("Die Dateien sind zusammen größer als 25 MB."))
        return files

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(name) or name in self.errors for name in ("to", "cc", "bcc")):
            self.add_error("to", _("Bitte geben Sie einen Empfänger an."))
        return cleaned

    def new_files(self) -> tuple[FilePart, ...]:
        """The uploads. What they are is guessed by name, not taken from the browser."""
        return tuple(
            FilePart(
                filename=file.name or "datei",
                content_type=mimetypes.guess_type(file.name or "")[0] or "application/octet-stream",
                content=file.read(),
            )
            for file in self.cleaned_data["uploads"]
        )


class NoteForm(forms.Form):
    """An internal note; colleagues alone read it."""

    text = forms.CharField(
        label=_("Notiz"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Bitte schreiben Sie einen Text.")},
    )


def as_html(text: str) -> str:
    """What was typed as HTML: plain text gets its line breaks."""
    if _IS_HTML.search(text):
        return text
    return "<br>\n".join(escape(line) for line in text.splitlines())


def join_mailboxes(mailboxes: Sequence[Mailbox]) -> str:
    """Addresses as they stand in a field, so that parse_recipients reads them again."""
    return ", ".join(_written(mailbox) for mailbox in mailboxes)


def _written(mailbox: Mailbox) -> str:
    if not mailbox.name:
        return mailbox.email
    name = mailbox.name.replace("\\", "").replace('"', "")
    return f'"{name}" <{mailbox.email}>' if re.search(r"[,;<>@()\[\]:]", name) else str(mailbox)


def read_recipients(text: str) -> tuple[Mailbox, ...]:
    """The addresses in a field. Raises ValidationError for what is none."""
    try:
        return parse_recipients(text)
    except InvalidDraft as error:
        raise ValidationError(
            _("„%(text)s“ ist keine gültige E-Mail-Adresse."), params={"text": error.field}
        ) from error
