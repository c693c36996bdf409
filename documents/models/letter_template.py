from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import Project, User
from documents.models.document import DocumentKind


class LetterTemplate(models.Model):
    """A „Geschäftsbriefvorlage“: subject and text of a document's mail.

    An empty language or project stands for all of them; documents/letter_templates.py has the order.
    """

    name = models.CharField(_("Bezeichnung"), max_length=80)
    kind = models.ForeignKey(
        DocumentKind,
        verbose_name=_("Belegart"),
        on_delete=models.CASCADE,
        related_name="letter_templates",
    )
    language = models.CharField(_("Sprache"), max_length=2, choices=User.Language, blank=True)
    project = models.ForeignKey(
        Project,
        verbose_name=_("Projekt"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    subject = models.CharField(_("Betreff"), max_length=200)
    text = models.TextField(_("Text"))  # HTML with variables and conditions
    is_active = models.BooleanField(_("aktiv"), default=True)

    class Meta:
        verbose_name = _("Geschäftsbriefvorlage")
        verbose_name_plural = _("Geschäftsbriefvorlagen")
        ordering = ["kind__order", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name"],
                name="letter_template_name_once",
                violation_error_message=_("So heißt schon eine andere Vorlage dieser Belegart."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuses unknown variables and unfinished conditions, naming them."""
        # Both read models themselves.
        from documents.letter_templates import template_problem
        from documents.variables import NAMES

        for field, known in (("subject", NAMES), ("text", (*NAMES, "SIGNATUR"))):
            if problem := template_problem(getattr(self, field), known):
                raise ValidationError({field: problem})
