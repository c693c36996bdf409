from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from documents.models.document import Document
from documents.models.letter_template import LetterTemplate


class AttachedFile(models.Model):
    """A file in the blob store, kept with its owner and offered whenever that is dispatched."""

    name = models.CharField(_("Dateiname"), max_length=200)
    content_type = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()  # bytes
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_pdf(self) -> bool:
        return self.content_type == "application/pdf"


class DocumentFile(AttachedFile):
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="files")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta(AttachedFile.Meta):
        verbose_name = _("Datei zum Beleg")
        constraints = [
            models.UniqueConstraint(
                fields=["document", "name", "sha256"], name="document_file_once"
            )
        ]


class LetterTemplateFile(AttachedFile):
    template = models.ForeignKey(LetterTemplate, on_delete=models.CASCADE, related_name="files")

    class Meta(AttachedFile.Meta):
        verbose_name = _("Anhang der Vorlage")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "name", "sha256"], name="template_file_once"
            )
        ]
