"""The form of a mail written at the page of an address."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from company.models import Project, User
from crm.write_mail import MailContent, MailRefused
from documents.errors import Problem
from documents.models import LetterTemplate, LetterTemplateFile
from documents.offered_files import FileVanished, read_attached
from mailaccounts.senders import identities_for
from mailcore.messages import FilePart, Mailbox
from mailcore.parse import read_part
from mailstore.models import StoredAttachment
from mailstore.read import read_raw
from tickets.composer_form import FILES_LIMIT, FilesField, as_html, read_recipients

_PEOPLE = "people"  # the id of the list of contact persons


class MailForm(forms.Form):
    """`text` is the editor's HTML, or plain text where there is no JavaScript."""

    sender = forms.ChoiceField(label=_("Von"))
    to = forms.CharField(label=_("An"), required=False, max_length=5000)
    cc = forms.CharField(label=_("CC"), required=False, max_length=5000)
    bcc = forms.CharField(label=_("BCC"), required=False, max_length=5000)
    project = forms.ModelChoiceField(
        Project.objects.none(), label=_("Projekt"), required=False, empty_label=_("– ohne –")
    )
    subject = forms.CharField(label=_("Betreff"), required=False, max_length=250)
    text = forms.CharField(label=_("Text"), required=False, widget=forms.Textarea)
    # Which template the text comes from, whether it was changed by hand, and the template's files.
    template = forms.CharField(required=False, max_length=18, widget=forms.HiddenInput)
    is_edited = forms.CharField(required=False, max_length=1, widget=forms.HiddenInput)
    template_files = forms.ModelMultipleChoiceField(
        LetterTemplateFile.objects.none(), required=False
    )
    kept = forms.ModelMultipleChoiceField(StoredAttachment.objects.none(), required=False)
    uploads = FilesField()
    once_key = forms.RegexField(r"\A[\w-]{16,60}\Z", widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        user: User,
        keepable: QuerySet[StoredAttachment],
        templates: Sequence[LetterTemplate],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"auto_id": "mail-%s", **kwargs})
        self.templates = templates
        files = LetterTemplateFile.objects.filter(template__in=templates)
        self.fields["template_files"].queryset = files  # type: ignore[attr-defined]
        self.fields["project"].queryset = Project.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.fields["kept"].queryset = keepable  # type: ignore[attr-defined]
        identities = [(one.email, one.label) for one in identities_for(user)]
        sender = self.fields["sender"]
        assert isinstance(sender, forms.ChoiceField)
        sender.choices = identities
        sender.error_messages |= {
            "required": _("Bitte wählen Sie einen Absender."),
            "invalid_choice": _("Mit dieser Adresse dürfen Sie nicht senden."),
        }
        for name in ("to", "cc", "bcc"):
            self.fields[name].widget.attrs["list"] = _PEOPLE

    def clean_to(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["to"])

    def clean_cc(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["cc"])

    def clean_bcc(self) -> tuple[Mailbox, ...]:
        return read_recipients(self.cleaned_data["bcc"])

    def clean_text(self) -> str:
        return as_html(self.cleaned_data["text"])

    def clean_uploads(self) -> list[UploadedFile[Any]]:
        files: list[UploadedFile[Any]] = self.cleaned_data["uploads"]
        if sum(file.size or 0 for file in files) > FILES_LIMIT:
            raise ValidationError(_now("Die Dateien sind zusammen größer als 25 MB."))
        return files

    def content(self) -> MailContent:
        """What a valid form holds. Raises MailRefused where a file of the template is gone."""
        given = self.cleaned_data
        return MailContent(
            sender_email=given["sender"],
            to=given["to"],
            cc=given["cc"],
            bcc=given["bcc"],
            project=given["project"],
            subject=given["subject"],
            html=given["text"],
            files=(
                *_of_template(given["template_files"]),
                *_uploaded(given["uploads"]),
                *_kept(given["kept"]),
            ),
        )

    def show_refusal(self, refusal: MailRefused) -> None:
        for problem in refusal.problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.text)


def _of_template(files: Iterable[LetterTemplateFile]) -> Iterable[FilePart]:
    try:
        for file in files:
            yield read_attached(file)
    except FileVanished as vanished:
        raise MailRefused([Problem("template_files", vanished.text)]) from vanished


def _uploaded(files: Iterable[UploadedFile[Any]]) -> Iterable[FilePart]:
    """What they are is guessed by name, not taken from the browser."""
    for file in files:
        name = file.name or "datei"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        yield FilePart(filename=name, content_type=kind, content=file.read())


def _kept(files: Iterable[StoredAttachment]) -> Iterable[FilePart]:
    for file in files:
        content = read_part(read_raw(file.message), file.path)
        yield FilePart(filename=file.filename, content_type=file.content_type, content=content)
