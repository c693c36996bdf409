"""What the provider allows an account to send, offered beside the fields of its SMTP block."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailaccounts.models import MailAccount
from mailcore.sending_limits import SendingLimits, limits_of


@dataclass(frozen=True, slots=True)
class LimitHint:
    """`fill`: field ids and values as JSON for data-fill; "" where they stand in the fields already."""

    text: str
    fill: str


def limit_values(limits: SendingLimits) -> dict[str, str | bool]:
    """The fields of the SMTP block and what to put into them."""
    return {
        "id_smtp-max_connections": str(limits.connections),
        "id_smtp-messages_per_minute": str(limits.messages_per_minute or ""),
        "id_smtp-recipients_per_day": str(limits.recipients_per_day or ""),
    }


def limit_hint(account: MailAccount) -> LimitHint | None:
    """For the server the account has; None where nothing is known of it."""
    limits = limits_of(account.smtp_host, account.email)
    if limits is None:
        return None
    is_filled = (
        account.max_connections,
        account.messages_per_minute,
        account.recipients_per_day,
    ) == (limits.connections, limits.messages_per_minute, limits.recipients_per_day)
    text = _("Empfohlen für %(provider)s: %(limits)s.") % {
        "provider": limits.provider,
        "limits": ", ".join(_words(limits)),
    }
    return LimitHint(text, "" if is_filled else json.dumps(limit_values(limits)))


def _words(limits: SendingLimits) -> list[str]:
    words = [
        ngettext("%(n)d Verbindung", "%(n)d gleichzeitige Verbindungen", limits.connections)
        % {"n": limits.connections}
    ]
    if limits.messages_per_minute:
        words.append(_("%(n)s Nachrichten je Minute") % {"n": limits.messages_per_minute})
    if limits.recipients_per_day:
        count = number_format(limits.recipients_per_day, force_grouping=True)
        words.append(_("%(n)s Empfänger je Tag") % {"n": count})
    return words
