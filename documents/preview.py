"""A mail before it is sent, made fit for the screen."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from company.models import User
from documents.mail import ComposedMail
from documents.models import Document
from mailaccounts.senders import SenderChoice
from mailaccounts.signatures import choose_signature
from mailcore.html_body import clean_html, rewrite_images
from mailcore.messages import FilePart, Mailbox


@dataclass(frozen=True, slots=True)
class PreviewFile:
    filename: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class MailPreview:
    """What a person checks before sending; `html` is safe for a sandboxed frame."""

    sender: str
    to: str
    cc: str
    bcc: str
    subject: str
    html: str
    text: str
    files: tuple[PreviewFile, ...]
    account: str
    reason: str
    signature_source: str


@dataclass(frozen=True, slots=True)
class SignaturePreview:
    html: str
    source: str


def preview_mail(mail: ComposedMail) -> MailPreview:
    draft = mail.draft
    return MailPreview(
        sender=str(draft.from_),
        to=_listed(draft.to),
        cc=_listed(draft.cc),
        bcc=_listed(mail.bcc),
        subject=draft.subject,
        html=for_frame(draft.html, draft.files),
        text=draft.text,
        files=tuple(
            PreviewFile(file.filename, len(file.content))
            for file in draft.files
            if not file.content_id
        ),
        account=str(mail.choice.account),
        reason=mail.choice.reason,
        signature_source=mail.signature.source,
    )


def preview_signature(
    document: Document, user: User, choice: SenderChoice | None
) -> SignaturePreview:
    """The signature this sender's mail would get, and where it comes from."""
    signature = choose_signature(
        account=choice.account if choice else None,
        project=document.project,
        employee=user.find_employee(),
    )
    return SignaturePreview(for_frame(signature.html, signature.files), signature.source)


def _listed(mailboxes: Iterable[Mailbox]) -> str:
    return ", ".join(str(mailbox) for mailbox in mailboxes)


def for_frame(html: str, files: Iterable[FilePart]) -> str:
    """Cleaned, with the mail's own pictures as data: URIs; remote ones stay blocked.

    The typeface is that of a mail program that was not told any.
    """
    pictures = {file.content_id: file for file in files if file.content_id}

    def picture(content_id: str) -> str | None:
        file = pictures.get(content_id)
        if file is None:
            return None
        return f"data:{file.content_type};base64,{base64.b64encode(file.content).decode()}"

    shown = rewrite_images(clean_html(html).html, cid=picture, remote=None)
    return f'<div style="font-family: Arial, Helvetica, sans-serif">{shown}</div>' if shown else ""
