"""Tells reports about a delivery (failed, delayed, delivered) from other mail."""

from __future__ import annotations

import re

from mailcore.messages import ParsedMessage

_BOUNCE_SENDERS = (
    *("mailer-daemon@", "postmaster@", "mdaemon@", "mail-daemon@", "maildaemon@"),
    "mail.delivery.system@",
)
_SUCCESSES = frozenset({"delivered", "relayed", "expanded"})  # RFC 3464, 2.3.3
_ROBOT_IN_FROM = re.compile(r"\b(mailer-daemon|postmaster)\b", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"unzustellbar|nicht zustellbar|zustellung fehlgeschlagen|zustellung.{0,40}fehlgeschlagen"
    r"|konnte nicht zugestellt werden|nicht zugestellt|unzustellbarkeit"
    r"|undeliver|delivery status notification|delivery (?:has )?fail|mail delivery (?:system|subsystem)"
    r"|failure notice|returned mail|mail delivery failed|delivery failure|non[- ]?delivery"
    r"|not (?:be )?delivered|delivery (?:problem|error)|failure delivery|(?:failed|rejected) mail"
    r"|mail (?:failed|rejected|system error)|permanent(?:ly)? (?:delivery )?fail|user unknown"
    r"|delivery (?:report|notification)\b.{0,20}fail|error during delivery|delivery notification: fail"
    r"|nicht ausgeliefert|zustell(?:ungs)?fehler|échec de la (?:remise|distribution)|не доставлено",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(
    r"verzögert|verzögerung|noch nicht zugestellt|delayed|\bdelay\b|still being retried"
    r"|warning: (?:could not send|message)|delivery status notification \(delay\)"
    r"|delivery warning|not yet been delivered",
    re.IGNORECASE,
)
REASON = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient)|mailbox (?:unavailable|full|not found)"
    r"|over quota|quota exceeded|does not exist|recipient (?:address )?rejected|address rejected"
    r"|(?:could ?n[o']t|can ?not|can't|unable to) (?:be delivered|deliver)|undeliverable"
    r"|permanent(?:ly)? (?:fatal |delivery )?(?:error|fail)|not (?:been )?delivered|did not reach"
    r"|did not receive|delivery (?:has )?failed|delivery failure|recipient name is not recognized"
    r"|nicht zugestellt|unzustellbar|empfänger unbekannt|unbekannter empfänger|postfach (?:ist )?voll"
    r"|invalid (?:recipient|address|mailbox)|not listed in|unknown or invalid"
    r"|host (?:or domain name )?not found|retry time(?:out)? (?:not reached|exceeded)",
    re.IGNORECASE,
)
_REASON_WINDOW = 20_000  # characters of a text in which a reason is looked for
_SUCCESS_SUBJECT = re.compile(
    r"erfolgreich zugestellt|zugestellt:|relayed|weitergeleitet:|\(success\)|successful mail delivery"
    r"|delivered:",
    re.IGNORECASE,
)


def is_bounce_sender(message: ParsedMessage) -> bool:
    """Whether a mail server speaks."""
    if any(one.email.lower().startswith(_BOUNCE_SENDERS) for one in message.from_):
        return True
    # „From: MAILER-DAEMON" has no address that could be read.
    has_address = any(one.email for one in message.from_)
    return not has_address and bool(_ROBOT_IN_FROM.search(message.header("From") or ""))


def is_null_sender(message: ParsedMessage) -> bool:
    """Whether the envelope had no sender; some systems write MAILER-DAEMON for it."""
    path = message.return_path
    return path is not None and (not path or path.lower().startswith("mailer-daemon@"))


def read_delivery_notice(message: ParsedMessage) -> str:
    """`failed`, `delayed`, `delivered` or "" for a message that reports no delivery."""
    content_type = (message.header("Content-Type") or "").lower()
    is_report = "multipart/report" in content_type and "delivery-status" in content_type
    has_part = any(one.content_type.endswith("/delivery-status") for one in message.attachments)
    is_failure_header = message.header("X-Failed-Recipients") is not None
    is_usual = has_bounce_subject(message) and (
        is_bounce_sender(message)
        or (is_null_sender(message) and bool(REASON.search(message.text[:_REASON_WINDOW])))
    )
    if not (is_report or has_part or is_failure_header or is_usual):
        return ""
    return judge_delivery(message.delivery_actions, message.subject)


def judge_delivery(actions: tuple[str, ...], subject: str) -> str:
    """The outcome a delivery report tells; one failed recipient makes it a failure (RFC 3464)."""
    if any(action != "delayed" and action not in _SUCCESSES for action in actions):
        return "failed"  # also „failure“ and „error“, as some servers write it
    if "delayed" in actions:
        return "delayed"
    if actions:
        return "delivered"
    if _DELAY_SUBJECT.search(subject):
        return "delayed"
    return "delivered" if _SUCCESS_SUBJECT.search(subject) else "failed"


def has_bounce_subject(message: ParsedMessage) -> bool:
    return bool(_BOUNCE_SUBJECT.search(message.subject) or _DELAY_SUBJECT.search(message.subject))
