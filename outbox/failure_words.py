"""Why a mail of ours did not arrive, for those who wrote it: one sentence in plain words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.remedies import explain
from outbox.models import OutgoingMessage, Recipient

_State = OutgoingMessage.State
_SHOWN = 5  # recipients named


def missed_recipients(outgoing: OutgoingMessage) -> tuple[Recipient, ...]:
    """Who has not got it, as far as that is known; everybody where nobody knows."""
    refused = (Recipient.State.REFUSED, Recipient.State.BOUNCED)
    everybody = tuple(outgoing.recipients.all())
    return tuple(one for one in everybody if one.state in refused) or everybody


def name_recipients(recipients: tuple[Recipient, ...]) -> str:
    names = ", ".join(one.email for one in recipients[:_SHOWN])
    more = len(recipients) - _SHOWN
    return f"{names} " + _("und %(n)d weitere") % {"n": more} if more > 0 else names


def failure_reason(outgoing: OutgoingMessage, recipients: tuple[Recipient, ...]) -> str:
    """The reason in the current language, with the server's own words behind it."""
    if outgoing.state == _State.UNCERTAIN:
        return _("Die Verbindung zum Server brach ab, bevor er die Annahme bestätigt hat.")
    words = next((one.reply for one in recipients if one.reply), outgoing.last_reply)
    if outgoing.state == _State.FAILED:
        text = explain(outgoing.error_kind).happened
    elif outgoing.state == _State.BOUNCED:
        text = _("Die E-Mail ist als unzustellbar zurückgekommen.")
    else:
        text = _("Der Server hat die Adresse abgelehnt.")
    return f"{text} ({words})" if words else text
