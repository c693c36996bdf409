"""Tells reports about a delivery (failed, delayed, delivered) from other mail."""

from __future__ import annotations

import re

from mailcore.messages import ParsedMessage

_BOUNCE_SENDERS = ("mailer-daemon@", "postmaster@")
_ROBOT_IN_FROM = re.compile(r"\b(mailer-daemon|postmaster)\b", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"unzustellbar|nicht zustellbar|zustellung fehlgeschlagen|zustellung.{0,40}fehlgeschlagen"
    r"|konnte nicht zugestellt werden|nicht zugestellt|unzustellbarkeit"
    r"|undeliver|delivery status notification|delivery (?:has )?fail|mail delivery (?:system|subsystem)"
    r"|failure notice|returned mail|mail delivery failed|delivery failure|non[- ]?delivery"
    r"|message not delivered|could not be delivered|delivery problem",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(
    r"verzögert|verzögerung|noch nicht zugestellt|delayed|\bdelay\b|still being retried"
    r"|warning: (?:could not send|message)|delivery status notification \(delay\)",
    re.IGNORECASE,
)
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


def read_delivery_notice(message: ParsedMessage) -> str:
    """`failed`, `delayed`, `delivered` or "" for a message that reports no delivery."""
    content_type = (message.header("Content-Type") or "").lower()
    is_report = "multipart/report" in content_type and "delivery-status" in content_type
    has_part = any(one.content_type.endswith("/delivery-status") for one in message.attachments)
    is_failure_header = message.header("X-Failed-Recipients") is not None
    is_usual = is_bounce_sender(message) and has_bounce_subject(message)
    if not (is_report or has_part or is_failure_header or is_usual):
        return ""
    return judge_delivery(message.delivery_actions, message.subject)


def judge_delivery(actions: tuple[str, ...], subject: str) -> str:
    """The outcome a delivery report tells; one failed recipient makes it a failure (RFC 3464)."""
    if "failed" in actions:
        return "failed"
    if "delayed" in actions:
        return "delayed"
    if actions:
        return "delivered"  # delivered, relayed, expanded
    if _DELAY_SUBJECT.search(subject):
        return "delayed"
    return "delivered" if _SUCCESS_SUBJECT.search(subject) else "failed"


def has_bounce_subject(message: ParsedMessage) -> bool:
    return bool(_BOUNCE_SUBJECT.search(message.subject) or _DELAY_SUBJECT.search(message.subject))
