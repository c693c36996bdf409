"""The mail of a document, exactly as it would be sent: for the preview and for the dispatch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from company.models import CompanySettings, Project, User
from documents.dispatch_content import DispatchContent
from documents.errors import DispatchRefused, Problem
from documents.models import Document
from documents.totals import add_up
from documents.variables import document_variables
from mailaccounts.compose_body import compose_body
from mailaccounts.links import max_message_size
from mailaccounts.models import MailAccount
from mailaccounts.senders import NoAccountForSender, SenderChoice, may_send_as
from mailaccounts.signatures import Signature, choose_signature
from mailcore.build import build
from mailcore.errors import InvalidDraft
from mailcore.html_text import html_to_text
from mailcore.messages import Draft, FilePart, Mailbox
from mailcore.placeholders import fill, unknown
from mailcore.recipients import split_address
from outbox.enqueue import with_identity

MAX_SUBJECT = 250
# Base64 adds a third; most servers refuse mail beyond 25 to 50 MB.
MAX_FILES_BYTES = 18_000_000


@dataclass(frozen=True, slots=True)
class ComposedMail:
    """A mail that may be queued as it is."""

    draft: Draft  # with its Message-ID and date
    raw: bytes  # of the draft, built once
    bcc: tuple[Mailbox, ...]
    choice: SenderChoice
    signature: Signature


def variables_of(document: Document, user: User) -> dict[str, str]:
    """The {VARIABLES} of this document in a mail that the user writes."""
    return document_variables(
        document,
        company=CompanySettings.load(),
        employee=user.find_employee(),
        totals=add_up(document.positions.all()),
    )


def compose_mail(
    *, document: Document, user: User, content: DispatchContent, files: tuple[FilePart, ...]
) -> ComposedMail:
    """Checks everything and puts the mail together. Raises DispatchRefused with every reason.

    `files`: what the mail carries, the document's PDF among them.
    """
    variables = variables_of(document, user)
    subject = " ".join(fill(content.subject, variables, escape=False).split())
    html = fill(content.html, variables, escape=True)
    problems = [
        *_recipient_problems(content),
        *text_problems(subject=content.subject, html=content.html, known=variables.keys()),
        *_file_problems(files),
    ]
    try:
        choice = may_send_as(user, content.sender_email)
    except NoAccountForSender as refusal:
        raise DispatchRefused([*problems, Problem("sender", refusal.text)]) from refusal
    if problems:
        raise DispatchRefused(problems)
    signature = choose_signature(
        account=choice.account, project=document.project, employee=user.find_employee()
    )
    body = compose_body(
        text="", html=html, signature=signature, template=_mail_template(document.project)
    )
    cc, bcc = _with_company_copies(content)
    draft = Draft(
        from_=Mailbox(choice.name, choice.email),
        to=content.to,
        cc=cc,
        subject=subject,
        text=body.text,
        html=body.html,
        files=(*body.files, *files),
    )
    fixed, raw = fix(draft)
    _refuse_too_large(choice.account, len(raw))
    return ComposedMail(fixed, raw, bcc, choice, signature)


def _refuse_too_large(account: MailAccount, size: int) -> None:
    """The limit is what the server said at the last connection."""
    limit = max_message_size(account.pk)
    if limit and size > limit:
        text = _(
            "Die E-Mail ist mit ihren Anhängen %(size)s groß; der Mailserver von „%(account)s“ nimmt "
            "höchstens %(limit)s an."
        )
        words = {"size": filesizeformat(size), "limit": filesizeformat(limit), "account": account}
        raise DispatchRefused([Problem("files", text % words)])


def _mail_template(project: Project | None) -> str:
    own = project.mail_template.strip() if project else ""
    return own or CompanySettings.load().mail_template.strip()


def company_copies() -> tuple[tuple[Mailbox, ...], tuple[Mailbox, ...]]:
    """(CC, BCC) that the Grundeinstellungen add to every document's mail."""
    company = CompanySettings.load()
    copies = (company.copy_recipient_1, company.copy_recipient_2)
    cc = tuple(Mailbox("", email) for email in copies if email)
    return cc, (Mailbox("", company.bcc_recipient),) if company.bcc_recipient else ()


def _with_company_copies(
    content: DispatchContent,
) -> tuple[tuple[Mailbox, ...], tuple[Mailbox, ...]]:
    cc, bcc = company_copies()
    taken = {mailbox.email.lower() for mailbox in (*content.to, *content.cc)}
    return (
        (*content.cc, *(mailbox for mailbox in cc if mailbox.email.lower() not in taken)),
        (*content.bcc, *bcc),
    )


def _recipient_problems(content: DispatchContent) -> list[Problem]:
    problems = []
    if not content.to:
        problems.append(Problem("to", _("Bitte einen Empfänger angeben.")))
    for field, mailboxes in (("to", content.to), ("cc", content.cc), ("bcc", content.bcc)):
        for mailbox in mailboxes:
            if split_address(mailbox.email) is None:
                text = _("„%(email)s“ ist keine gültige E-Mail-Adresse.")
                problems.append(Problem(field, text % {"email": mailbox.email}))
    return problems


def text_problems(*, subject: str, html: str, known: Collection[str]) -> list[Problem]:
    """What is wrong with subject and text as typed; `known`: names of the variables there are."""
    problems = []
    if not subject.strip():
        problems.append(Problem("subject", _("Bitte einen Betreff angeben.")))
    if len(subject) > MAX_SUBJECT:
        text = _("Der Betreff ist zu lang (höchstens %(count)s Zeichen).")
        problems.append(Problem("subject", text % {"count": MAX_SUBJECT}))
    if not html_to_text(html).strip():
        problems.append(Problem("text", _("Bitte einen Text angeben.")))
    for field, names in (
        ("subject", unknown(subject, known)),
        ("text", unknown(html, {*known, "SIGNATUR"})),
    ):
        if names:
            listed = ", ".join(f"{{{name}}}" for name in names)
            text = _("Diese Variable gibt es nicht: %(names)s. Bitte ersetzen oder löschen.")
            problems.append(Problem(field, text % {"names": listed}))
    return problems


def _file_problems(files: tuple[FilePart, ...]) -> list[Problem]:
    if sum(len(file.content) for file in files) <= MAX_FILES_BYTES:
        return []
    return [Problem("files", _("Die Anhänge sind zusammen größer als 18 MB."))]


def fix(draft: Draft) -> tuple[Draft, bytes]:
    """The mail as it will leave: what cannot be built is found here, where a person can still mend it."""
    fields = {"from_": "sender", "from": "sender", "to": "to", "cc": "cc", "subject": "subject"}
    try:
        fixed = with_identity(draft, timezone.now())
        return fixed, build(fixed)
    except InvalidDraft as fault:
        text = _("Diese Angabe kann so nicht verschickt werden.")
        raise DispatchRefused([Problem(fields.get(fault.field, ""), text)]) from fault
