"""„Geschäftsbriefvorlagen“: which of them fit a document, and the text they give.

The order: the document's language and project, the language for every project, the project for every
language, neither; last the text that the kind of document brings along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from company.models import Address
from documents.models import Document, LetterTemplate
from documents.variables import salutation_line
from mailcore.conditions import (
    BadCondition,
    check_conditions,
    fill_conditional,
    unknown_variables,
)
from mailcore.placeholders import fill


def fitting_templates(document: Document) -> list[LetterTemplate]:
    """The active templates for this document, the best one first."""
    fitting = _in_language(document.address.language).filter(
        Q(project=None) | Q(project=document.project_id), kind=document.kind_id
    )

    def rank(template: LetterTemplate) -> tuple[bool, bool, str, int]:
        return not template.language, template.project_id is None, template.name, template.pk

    return sorted(fitting, key=rank)


def templates_for_mail(address: Address) -> list[LetterTemplate]:
    """The active templates of letters for a mail to this address, those of a project behind the others."""
    of_letters = _in_language(address.language).filter(kind__is_letter=True)
    return list(of_letters.select_related("project").order_by("project__name", "name", "pk"))


def _in_language(language: str) -> QuerySet[LetterTemplate]:
    fitting = Q(language="") | Q(language=language)
    return LetterTemplate.objects.filter(fitting, is_active=True)


def suggested_text(
    document: Document, template: LetterTemplate | None, variables: Mapping[str, str]
) -> tuple[str, str]:
    """Subject and HTML text with the variables filled in; without a template those of the kind."""
    if template is None:
        return _text_of_kind(document, variables)
    values = {**variables, "ANREDE": salutation_line(document, language=template.language)}
    return fill_template(template, values)


def fill_template(template: LetterTemplate, values: Mapping[str, str]) -> tuple[str, str]:
    """Its subject and HTML text; a variable that is not in `values` stays as it is."""
    try:
        subject = fill_conditional(template.subject, values, escape=False)
        text = fill_conditional(template.text, values, escape=True)
    except BadCondition:  # saved before conditions were checked: shown as it is, to be mended
        subject, text = template.subject, template.text
    return " ".join(subject.split()), text


def _text_of_kind(document: Document, variables: Mapping[str, str]) -> tuple[str, str]:
    subject = " ".join(fill(document.kind.mail_subject, variables, escape=False).split())
    text = fill(document.kind.mail_text, variables, escape=False).strip()
    paragraphs = [escape(part).replace("\n", "<br>") for part in text.split("\n\n") if part.strip()]
    return subject, "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def template_problem(text: str, known: Collection[str]) -> str:
    """What keeps this subject or text from being a template, in German; "" if nothing."""
    if names := unknown_variables(text, known):
        listed = ", ".join(f"{{{name}}}" for name in names)
        return _("Diese Variable gibt es nicht: %(names)s.") % {"names": listed}
    try:
        check_conditions(text)
    except BadCondition as fault:
        said = (
            _("Zu einer Bedingung fehlt {%(word)s}: {IF}Bedingung{THEN}Text{ELSE}Text{ENDIF}.")
            if fault.is_missing
            else _("{%(word)s} gehört zu keiner Bedingung: {IF}Bedingung{THEN}Text{ENDIF}.")
        )
        return said % {"word": fault.keyword}
    return ""
