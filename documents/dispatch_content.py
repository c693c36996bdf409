"""What a person fills in when „abschicken“ is pressed."""

from __future__ import annotations

from dataclasses import dataclass

from documents.models import Dispatch
from mailcore.messages import FilePart, Mailbox

Channel = Dispatch.Channel


@dataclass(frozen=True, slots=True)
class DispatchContent:
    """Channels and what goes through them. All but `channels` and `note` concern the mail alone."""

    channels: frozenset[Channel]
    sender_email: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    subject: str = ""
    html: str = ""  # as typed: not cleaned, variables not filled in
    files: tuple[FilePart, ...] = ()  # beside the document's own PDF, in this order
    note: str = ""  # what was said on the phone, how it went otherwise
