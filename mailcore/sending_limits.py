"""How much the usual providers let one mailbox send, so that they are not provoked in the first place.

Where the provider publishes numbers they stand here with their source, else cautious ones that an admin
can raise. A provider that slows us down is obeyed in any case (smtp_replies.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SendingLimits:
    """What to begin with; None = the provider names none."""

    provider: str
    hosts: tuple[str, ...]  # SMTP hosts and, with a leading dot, all below them
    connections: int = 1
    messages_per_minute: int | None = None
    recipients_per_day: int | None = None


_ALL = (
    # support.google.com/a/answer/166852: 2,000 messages a day, 500 for trial accounts and gmail.com.
    SendingLimits("Google", ("smtp.gmail.com",), connections=3, recipients_per_day=2_000),
    # learn.microsoft.com, Exchange Online limits: 30 messages a minute, 10,000 recipients a day. More than
    # three connections at once are answered with 432 4.3.2 (STOREDRV.ClientSubmit).
    SendingLimits("Microsoft 365", ("smtp.office365.com",), 3, 30, 10_000),
    # ionos.com/help, „mass mailing limits“: 500 an hour for contracts older than 30 days.
    SendingLimits("IONOS", (".ionos.de", ".1und1.de", ".kundenserver.de"), 2, 8),
    # support.apple.com/102198: 1,000 messages, 1,000 recipients a day; the pace is a cautious one.
    SendingLimits("iCloud", (".mail.me.com",), 1, 20, 1_000),
    # These publish no fixed numbers; they answer bursts with 450/451, so all of it is cautious.
    SendingLimits("Outlook.com", ("smtp-mail.outlook.com",), 1, 30, 1_000),
    SendingLimits("Strato", (".strato.de", ".rzone.de"), 1, 30),
    SendingLimits("GMX", (".gmx.net",), 1, 20, 500),
    SendingLimits("WEB.DE", (".web.de",), 1, 20, 500),
    SendingLimits("T-Online", (".t-online.de",), 1, 20, 1_000),
    SendingLimits("Yahoo", (".mail.yahoo.com",), 1, 20, 500),
)
_FREE_GOOGLE = ("gmail.com", "googlemail.com")


def limits_of(host: str, address: str = "") -> SendingLimits | None:
    """What the provider of this SMTP host allows the mailbox; None where nothing is known."""
    name = host.strip().rstrip(".").lower()
    for limits in _ALL:
        if any(name == one or (one[0] == "." and name.endswith(one)) for one in limits.hosts):
            if limits.provider == "Google" and address.lower().endswith(_FREE_GOOGLE):
                return SendingLimits("Google", limits.hosts, 1, None, 500)
            return limits
    return None
