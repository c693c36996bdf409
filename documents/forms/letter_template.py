"""The form of a „Geschäftsbriefvorlage“."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from company.model_forms import Block, InBlocks, ModelForm, RichText
from company.models import Project
from company.signature_html import clean_signature_html
from documents.attach_file import attach_to_template, check_upload
from documents.errors import NotPossible
from documents.forms.files import SeveralFiles
from documents.models import LetterTemplate, LetterTemplateFile
from documents.variables import NAMES
from mailcore.html_text import html_to_text

_OFFERED = tuple(f"{{{name}}}" for name in (*NAMES, "SIGNATUR", "IF", "THEN", "ELSE", "ENDIF"))


class UploadsField(forms.FileField):
    """Any number of uploads, as they came."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(UploadsField, self).clean(file, initial) for file in files]


class LetterTemplateForm(InBlocks, ModelForm[LetterTemplate]):
    new_files = UploadsField(label=_("Anhänge hinzufügen"), required=False)
    removed_files = forms.ModelMultipleChoiceField(
        LetterTemplateFile.objects.none(),
        label=_("Anhänge entfernen"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    blocks = (
        Block(_("Vorlage"), ("name", "kind", "language", "project", "is_active")),
        Block(
            _("Text"),
            ("subject", "text"),
            _(
                "Variablen werden beim Laden eingesetzt. Bedingungen: {IF}{PROJEKT}{THEN}Text, wenn es "
                "ein Projekt gibt{ELSE}Text sonst{ENDIF}; auch {IF}{SPRACHE} = en{THEN}…{ENDIF}. "
                "{SIGNATUR} setzt die Signatur an diese Stelle."
            ),
        ),
        Block(
            _("Anhänge"),
            ("removed_files", "new_files"),
            _("Gehen mit jedem Beleg hinaus, für den diese Vorlage geladen wird."),
        ),
    )

    class Meta:
        model = LetterTemplate
        fields = ("name", "kind", "language", "project", "is_active", "subject", "text")
        widgets = {"text": RichText(_OFFERED)}
        help_texts = {
            "language": _("Sprache der Adresse. Leer = für jede."),
            "project": _("Leer = für jedes."),
            "subject": _("Z. B. „Ihre {BELEGART} {NUMMER} von {FIRMA}“."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project = self.fields["project"]
        assert isinstance(project, forms.ModelChoiceField)
        chosen = self.instance.project_id or 0
        project.queryset = Project.objects.filter(is_active=True) | Project.objects.filter(
            pk=chosen
        )
        project.empty_label = str(_("– alle –"))
        files = self.instance.files.all() if self.instance.pk else LetterTemplateFile.objects.none()
        removed = self.fields["removed_files"]
        assert isinstance(removed, forms.ModelMultipleChoiceField)
        if files:
            removed.queryset = files
        else:
            del self.fields["removed_files"]

    def clean_subject(self) -> str:
        return " ".join(str(self.cleaned_data["subject"]).split())

    def clean_text(self) -> str:
        text = clean_signature_html(self.cleaned_data["text"])
        if not html_to_text(text).strip():
            raise ValidationError(_("Bitte einen Text angeben."))
        return text

    def save(self, commit: bool = True) -> LetterTemplate:
        template = super().save(commit)
        for file in self.cleaned_data.get("removed_files") or ():
            file.delete()
        for upload in self.cleaned_data["new_files"]:
            attach_to_template(template=template, file=upload)
        return template

    def clean_new_files(self) -> list[UploadedFile[Any]]:
        uploads: list[UploadedFile[Any]] = self.cleaned_data["new_files"]
        for upload in uploads:
            try:
                check_upload(upload, 0)
            except NotPossible as refusal:
                raise ValidationError(str(refusal)) from refusal
        return uploads
