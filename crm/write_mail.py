"""A mail to an address: checked, put together, queued; it then stands in the timeline with its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from company.models import Address, CompanySettings, ContactPerson, Employee, Project, User
from documents.errors import Problem
from documents.mail import ComposedMail, text_problems
from documents.variables import salutation_of
from mailaccounts.compose_body import compose_body
from mailaccounts.links import max_message_size
from mailaccounts.models import MailAccount
from mailaccounts.senders import NoAccountForSender, may_send_as
from mailaccounts.signatures import choose_signature, signature_values
from mailcore.build import build
from mailcore.errors import InvalidDraft
from mailcore.messages import Draft, FilePart, Mailbox
from mailcore.placeholders import fill
from outbox.enqueue import enqueue, with_identity
from outbox.models import OutgoingMessage

_FIELDS = {"from": "sender", "from_": "sender", "Subject": "subject"}  # of a Draft, in the form


class MailRefused(Exception):
    """The mail cannot be sent like this; every reason with the field it concerns."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class MailContent:
    """What a person wrote; `html` as typed: not cleaned, variables not filled in."""

    sender_email: str
    to: tuple[Mailbox, ...]
    subject: str
    html: str
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    project: Project | None = None
    files: tuple[FilePart, ...] = ()


def write_mail(
    *, address: Address, author: User, content: MailContent, once_key: str
) -> OutgoingMessage:
    """Queues the mail; the same `once_key` of the same author gives the message that exists.

    Raises MailRefused, having changed nothing.
    """
    mail = compose(address=address, author=author, content=content)
    undo = timedelta(seconds=author.undo_seconds)
    try:
        with transaction.atomic(durable=True):
            return enqueue(
                draft=mail.draft,
                raw=mail.raw,
                bcc=mail.bcc,
                account=mail.choice.account,
                origin=OutgoingMessage.Origin.LETTER,
                once_key=f"letter:{author.pk}:{once_key}",
                created_by=author,
                sender_reason=mail.choice.reason,
                address=address,
                send_at=timezone.now() + undo if undo else None,
            )
    except InvalidDraft as fault:
        raise _unfit(fault) from fault


def compose(*, address: Address, author: User, content: MailContent) -> ComposedMail:
    """The very mail, for the preview and for sending. Raises MailRefused with every reason."""
    employee = author.find_employee()
    values = mail_variables(address, content.to, content.project, employee)
    problems = [
        *_recipient_problems(content),
        *text_problems(subject=content.subject, html=content.html, known=values.keys()),
    ]
    try:
        choice = may_send_as(author, content.sender_email)
    except NoAccountForSender as refusal:
        raise MailRefused([*problems, Problem("sender", refusal.text)]) from refusal
    if problems:
        raise MailRefused(problems)
    signature = choose_signature(account=choice.account, project=content.project, employee=employee)
    template = content.project.mail_template.strip() if content.project else ""
    body = compose_body(
        text="",
        html=fill(content.html, values, escape=True),
        signature=signature,
        template=template or CompanySettings.load().mail_template.strip(),
    )
    draft = Draft(
        from_=Mailbox(choice.name, choice.email),
        to=content.to,
        cc=content.cc,
        subject=" ".join(fill(content.subject, values, escape=False).split()),
        text=body.text,
        html=body.html,
        files=(*body.files, *content.files),
    )
    try:
        fixed = with_identity(draft, timezone.now())
        raw = build(fixed)  # what is unfit is found where a person can still mend it
    except InvalidDraft as fault:
        raise _unfit(fault) from fault
    _refuse_too_large(choice.account, len(raw))
    return ComposedMail(fixed, raw, content.bcc, choice, signature)


def mail_variables(
    address: Address,
    to: Sequence[Mailbox],
    project: Project | None,
    employee: Employee | None,
) -> dict[str, str]:
    """Name of the variable (without braces) → text. {SIGNATUR} is none of them."""
    company = CompanySettings.load()
    person = find_person(address, to)
    greeting = project.greeting if project and project.greeting else company.greeting
    return {
        **signature_values(employee),
        "ANREDE": salutation_of(person, language=address.language),
        "NAME": person.name,
        "FIRMA": company.name,
        "KUNDENNUMMER": address.number,
        "PROJEKT": project.name if project else "",
        "GRUSS": greeting.strip(),
    }


def find_person(address: Address, to: Sequence[Mailbox]) -> ContactPerson | Address:
    """The contact person the mail goes to first, else the address."""
    if not to:
        return address
    known = ContactPerson.objects.filter(address=address, email__iexact=to[0].email)
    return known.first() or address


def _recipient_problems(content: MailContent) -> list[Problem]:
    if content.to or content.cc:
        return []
    return [Problem("to", _("Bitte einen Empfänger unter „An“ oder „CC“ angeben."))]


def _refuse_too_large(account: MailAccount, size: int) -> None:
    """The limit is what the server said at the last connection."""
    limit = max_message_size(account.pk)
    if limit and size > limit:
        text = _(
            "Die E-Mail ist mit ihren Anhängen %(size)s groß; der Mailserver von „%(account)s“ nimmt "
            "höchstens %(limit)s an."
        )
        words = {"size": filesizeformat(size), "limit": filesizeformat(limit), "account": account}
        raise MailRefused([Problem("uploads", text % words)])


def _unfit(fault: InvalidDraft) -> MailRefused:
    text = _("Diese Angabe kann so nicht verschickt werden.")
    return MailRefused([Problem(_FIELDS.get(fault.field, fault.field), text)])
