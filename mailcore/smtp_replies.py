"""What an SMTP server's answer means for a message: the table of mail-rules, as pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailcore.errors import LOGIN_KINDS, Kind, MailError, Step


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    TEMPORARY = "temporary"  # try again later
    ACCOUNT = "account"  # the account's fault: pause it, keep the queue
    THROTTLE = "throttle"  # too fast: hold the account, no attempt is counted
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"  # the message may or may not have been accepted


@dataclass(frozen=True, slots=True)
class RecipientReply:
    """What became of one recipient in the end; after a refused message its answer, not RCPT's 250."""

    address: str
    code: int  # 0 where the server did not answer
    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SendReport:
    """One message's fate. `recipients` has every address asked for, in that order."""

    recipients: tuple[RecipientReply, ...]
    reply_code: int
    reply_text: str
    step: Step  # where it ended
    verdict: Verdict
    kind: Kind | None = None  # how the connection failed, where it did


def readable(text: str) -> str:
    """A server's words as they can be stored and shown: one of them is German in Latin-1."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        words = raw.decode()
    except UnicodeDecodeError:
        words = raw.decode("cp1252", "replace")
    return words.replace("\0", "")


_ACCOUNT_CODES = {530, 534, 535, 538}
_ACCOUNT_WORDS = re.compile(r"(?<![\d.])5\.7\.(?:57|60)(?![\d.])|sendasdenied", re.IGNORECASE)
_LIMIT_WORDS = re.compile(
    r"rate|limit|too (?:many|fast|much)|throttl|exceeded .{0,40}(?:hour|day|minute)", re.IGNORECASE
)
_ENHANCED_4_7 = re.compile(r"(?<![\d.])4\.7\.\d")
# One message has too many recipients (RFC 3463 4.5.3), or somebody's mailbox is full (4.2.2): the
# words „too many" and „limit" in such answers say nothing about our speed.
_NO_LIMIT_OF_OURS = re.compile(r"(?<![\d.])4\.(?:5\.3|2\.\d)(?![\d.])")


def classify_reply(code: int, text: str, step: Step) -> Verdict:
    """The verdict on a complete answer. Lost connections have none: see SmtpSession.send.

    At RCPT the verdict is that recipient's. An answer before the login's end never condemns the
    message: it says something about the connection (temporary) or the account.
    """
    if 200 <= code < 300:
        return Verdict.ACCEPTED
    if code in _ACCOUNT_CODES or _ACCOUNT_WORDS.search(text):
        return Verdict.ACCOUNT
    if _is_throttled(code, text):
        return Verdict.THROTTLE
    if 400 <= code < 500:
        return Verdict.TEMPORARY
    if step in (Step.RESOLVE, Step.CONNECT, Step.TLS, Step.GREETING):
        return Verdict.TEMPORARY
    if step is Step.LOGIN:
        return Verdict.ACCOUNT
    if 500 <= code < 600:
        return Verdict.PERMANENT
    # No SMTP answer at all: after the message went out, nobody knows what it meant.
    return Verdict.UNCERTAIN if step is Step.BODY else Verdict.TEMPORARY


def _is_throttled(code: int, text: str) -> bool:
    if code == 432:
        return True
    if not 400 <= code < 500 or _NO_LIMIT_OF_OURS.search(text):
        return False
    may_be = code in (450, 451, 452) or _ENHANCED_4_7.search(text) is not None
    return may_be and _LIMIT_WORDS.search(text) is not None


_ACCOUNT_KINDS = LOGIN_KINDS | {Kind.SENDER_REFUSED}


def classify_error(error: MailError) -> Verdict:
    """The verdict on a connection that could not be opened or was lost."""
    if error.step is Step.BODY:
        return Verdict.UNCERTAIN
    if error.code:
        return classify_reply(error.code, error.detail, error.step)
    if error.kind in _ACCOUNT_KINDS:
        return Verdict.ACCOUNT
    return Verdict.THROTTLE if error.kind is Kind.RATE_LIMITED else Verdict.TEMPORARY


# Which of several recipients' verdicts decides what happens to the message as a whole.
_PRECEDENCE = (
    Verdict.UNCERTAIN,
    Verdict.ACCEPTED,
    Verdict.ACCOUNT,
    Verdict.THROTTLE,
    Verdict.TEMPORARY,
    Verdict.PERMANENT,
)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The message's verdict: one accepted recipient makes it accepted."""
    return min(verdicts, key=_PRECEDENCE.index, default=Verdict.PERMANENT)
