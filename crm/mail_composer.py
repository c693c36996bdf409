"""A mail being written at the page of an address: what it starts with, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from company.models import Address, Project, User
from crm.mail_form import MailForm
from crm.write_mail import find_person, mail_variables
from documents.german_format import format_date
from documents.letter_templates import fill_template, templates_for_mail
from documents.models import LetterTemplate, LetterTemplateFile
from documents.variables import NAMES, salutation_of
from mailaccounts.senders import NoAccountForSender, choose_account, identities_for
from mailaccounts.signatures import Signature, choose_signature
from mailcore.messages import Mailbox
from mailstore.models import StoredAttachment
from outbox.models import OutgoingMessage
from tickets.composer_form import join_mailboxes, read_recipients

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.http import QueryDict
    from django.utils.datastructures import MultiValueDict

_TYPED = ("sender", "to", "cc", "bcc", "project", "subject", "text")


@dataclass(frozen=True, slots=True)
class MailComposer:
    """What the composer's template shows."""

    form: MailForm
    signature: Signature
    keepable: tuple[tuple[StoredAttachment, bool], ...]  # files of the mail called back
    template_files: tuple[tuple[LetterTemplateFile, bool], ...]  # of the template that was loaded


def open_composer(
    address: Address, user: User, to: tuple[Mailbox, ...], *, restored: dict[str, Any] | None = None
) -> MailComposer:
    """A fresh composer to these people, or what stood in a mail that was called back."""
    identities = identities_for(user)
    initial: dict[str, Any] = {
        "sender": identities[0].email if identities else "",
        "to": join_mailboxes(to),
        "text": _opening(address, user, to),
        "once_key": uuid4().hex,
    } | (restored or {})
    kept = keepable_files(address, user, initial.get("kept", []))
    templates = templates_for_mail(address)
    form = MailForm(initial=initial, user=user, keepable=kept, templates=templates)
    return _composer(form, user, initial["sender"], initial.get("project"), kept)


def read_composer(
    address: Address, user: User, data: QueryDict, files: MultiValueDict[str, UploadedFile[Any]]
) -> MailComposer:
    """The composer as it was sent; ask its form whether it is valid."""
    kept = keepable_files(address, user, _keys(data))
    form = MailForm(data, files, user=user, keepable=kept, templates=templates_for_mail(address))
    return _composer(form, user, data.get("sender", ""), data.get("project"), kept)


def load_template(address: Address, user: User, data: QueryDict) -> MailComposer:
    """The composer as it was sent, with subject, text and files of the template `wanted_template`.

    Of none: the text a fresh composer begins with, and the subject that was typed.
    """
    templates = templates_for_mail(address)
    wanted = data.get("wanted_template", "")
    template = next((one for one in templates if str(one.pk) == wanted), None)
    changed = data.copy()
    changed["template"] = str(template.pk) if template else ""
    changed["is_edited"] = ""
    people = _readable(data.get("to", ""))
    if template is None:
        changed["text"] = _opening(address, user, people)
    else:
        values = _template_values(address, user, people, template)
        changed["subject"], changed["text"] = fill_template(template, values)
        changed.setlist("template_files", [str(file.pk) for file in template.files.all()])
    # Only now shown, not checked: a form without data has no errors.
    shown: dict[str, Any] = {name: changed.get(name, "") for name in MailForm.base_fields}
    shown["template_files"] = changed.getlist("template_files")
    kept = keepable_files(address, user, _keys(data))
    form = MailForm(initial=shown, user=user, keepable=kept, templates=templates)
    return _composer(form, user, shown["sender"], shown["project"], kept)


def remember(outgoing: OutgoingMessage, form: MailForm) -> dict[str, Any]:
    """What brings the composer back after „Rückgängig“, storable in a session."""
    return {"pk": outgoing.pk} | {name: form.data.get(name, "") for name in _TYPED}


def restore(outgoing: OutgoingMessage, kept: dict[str, Any]) -> dict[str, Any]:
    """First values of the composer of a mail that was called back, with its files."""
    files = outgoing.message.attachments.exclude(is_inline=True, content_id__gt="")
    return {name: kept[name] for name in _TYPED} | {"kept": [file.pk for file in files]}


def preview_signature(user: User, sender: str, project: str | None) -> Signature:
    """The signature that will stand under a mail from this sender in this project."""
    try:
        account = choose_account(sender).account if sender else None
    except NoAccountForSender:
        account = None
    is_key = bool(project) and str(project).isascii() and str(project).isdigit()
    chosen = Project.objects.filter(pk=int(str(project)[:18])).first() if is_key else None
    return choose_signature(account=account, project=chosen, employee=user.find_employee())


def keepable_files(address: Address, user: User, keys: list[Any]) -> QuerySet[StoredAttachment]:
    """Files of this person's own mails to the address: those may go along again."""
    if not keys:
        return StoredAttachment.objects.none()
    own = OutgoingMessage.objects.filter(
        created_by=user, address=address, origin=OutgoingMessage.Origin.LETTER
    )
    return StoredAttachment.objects.filter(pk__in=keys[:100], message__in=own.values("message_id"))


def _opening(address: Address, user: User, to: tuple[Mailbox, ...]) -> str:
    """Salutation, room to write, greeting."""
    values = mail_variables(address, to, None, None)
    greeting = escape(values["GRUSS"]).replace("\n", "<br>")
    closing = f"<p>{greeting}</p>" if greeting else ""
    return f"<p>{escape(values['ANREDE'])},</p><p><br></p>{closing}"


def _template_values(
    address: Address, user: User, to: tuple[Mailbox, ...], template: LetterTemplate
) -> dict[str, str]:
    """Those of a mail; what only a document has is empty."""
    language = template.language or address.language
    return {
        **dict.fromkeys(NAMES, ""),
        **mail_variables(address, to, template.project, user.find_employee()),
        "ANREDE": salutation_of(find_person(address, to), language=language),
        "SPRACHE": address.language,
        "DATUM": format_date(timezone.localdate()),
    }


def _readable(text: str) -> tuple[Mailbox, ...]:
    """The recipients as far as they are ones yet."""
    try:
        return read_recipients(text)
    except ValidationError:
        return ()


def _keys(data: QueryDict) -> list[str]:
    return [key for key in data.getlist("kept") if key.isascii() and key.isdigit()]


def _composer(
    form: MailForm,
    user: User,
    sender: str,
    project: str | None,
    kept: QuerySet[StoredAttachment],
) -> MailComposer:
    files = tuple((file, True) for file in kept)
    loaded = str(form["template"].value() or "")
    template = next((one for one in form.templates if str(one.pk) == loaded), None)
    ticked = {str(key) for key in form["template_files"].value() or ()}
    offered = template.files.all() if template else ()
    of_template = tuple((file, str(file.pk) in ticked) for file in offered)
    return MailComposer(form, preview_signature(user, sender, project), files, of_template)
