"""What the mail core hands across its boundary: frozen values, no behaviour beyond look-ups."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as it stood in a header. `email` is the addr-spec, lower-cased domain; may be ""."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email

    @property
    def is_disguised(self) -> bool:
        """The name is an address, too, but another one: many programs show the name alone."""
        return any(found.lower() != self.email.lower() for found in _ADDRESS.findall(self.name))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message, as a reference into its bytes. `path` is the part's place: "2.1.3"."""

    path: str
    filename: str
    content_type: str
    size: int  # bytes, decoded
    sha256: str  # of the decoded bytes, hex
    content_id: str = ""  # without angle brackets
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A message as far as it could be read. Every text is storable: no NUL, no lone surrogate."""

    message_id: str  # without angle brackets, never empty (derived from the bytes if missing)
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""
    from_: tuple[Mailbox, ...] = ()
    sender: Mailbox | None = None
    reply_to: tuple[Mailbox, ...] = ()
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    delivered_to: tuple[str, ...] = ()  # Delivered-To, X-Original-To, Envelope-To; lower-case
    return_path: str | None = None  # "" means the null sender <>
    date: datetime | None = None  # aware; Date, else Received, else None
    headers: tuple[tuple[str, str], ...] = ()  # decoded, in order, names as written
    text: str = ""  # from text/plain parts; made from the HTML if there are none
    html: str = ""  # raw, uncleaned
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()  # stable keywords: "bad-charset", "depth-limit", …
    delivery_actions: tuple[str, ...] = ()  # of an enclosed delivery report: "failed", "delayed", …

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def header_all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file to send. With a `content_id` it is a picture shown inside the HTML (cid:…)."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything `build` needs to make a message; nothing here has been checked yet."""

    from_: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    message_id: str = ""  # without angle brackets
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: datetime | None = None
    files: tuple[FilePart, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())  # further ones, e.g. Auto-Submitted
