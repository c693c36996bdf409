"""What a person fills in when „abschicken“ is pressed."""

from __future__ import annotations

from dataclasses import dataclass

from documents.models import Dispatch, Printer
from mailcore.messages import FilePart, Mailbox

Channel = Dispatch.Channel


@dataclass(frozen=True, slots=True)
class DispatchContent:
    """Channels and what goes through them. Sender to files concern the mail alone."""

    channels: frozenset[Channel]
    sender_email: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    subject: str = ""
    html: str = ""  # as typed: not cleaned, variables not filled in
    files: tuple[FilePart, ...] = ()  # beside the document's own PDF, in this order
    place: int = 0  # how many of them stand before that PDF
    note: str = ""  # what was said on the phone, how it went otherwise
    printer: Printer | None = None
    fax: Printer | None = None
    fax_number: str = ""  # as typed
    combines: bool = False  # „Sammelpdf“: the document and the PDFs among the files become one
