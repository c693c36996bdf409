"""What a hard mail must be read as; the tables stand in test_hard_mails and hard_mail_combinations."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.messages import Mailbox

HANS = Mailbox("Hans Huber", "hans@kunde.example")
CONTENT = b"Inhalt"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is None is not looked at."""

    text: str | None = None
    html: str | None = None
    subject: str = "Test"
    from_: tuple[Mailbox, ...] = (HANS,)
    to: tuple[str, ...] | None = None
    files: tuple[tuple[str, str], ...] = ()  # path and name
    content: bytes | None = None  # of the first file
    defects: tuple[str, ...] = ()
