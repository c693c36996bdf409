"""What an address wants of a kind of document, for the „abschicken“ dialog."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from documents.models import DeliveryPreference, Document
from mailcore.messages import Mailbox

Recipients = Sequence[tuple[str, Mailbox]]


def find_preference(document: Document) -> DeliveryPreference | None:
    """The address's preference for this kind of document."""
    return DeliveryPreference.objects.filter(
        address=document.address_id, kind=document.kind_id
    ).first()


def put_preferred_first(
    recipients: Recipients, preference: DeliveryPreference | None, name: str
) -> Recipients:
    """The preferred recipient before all others; one whom nobody else names gets this name."""
    if preference is None or not preference.recipient_email:
        return recipients
    wanted = preference.recipient_email.lower()
    known = [entry for entry in recipients if entry[1].email.lower() == wanted]
    first = known[:1] or [("preference", Mailbox(name, preference.recipient_email))]
    return [*first, *(entry for entry in recipients if entry not in first)]


def describe_preference(preference: DeliveryPreference) -> str:
    """„an rechnung@huber.de, CC chef@huber.de, Versandweg Fax, Faxnummer 0821 1“."""
    parts = (
        (_("an %(value)s"), preference.recipient_email),
        (_("CC %(value)s"), preference.cc),
        (_("Versandweg %(value)s"), preference.get_channel_display()),
        (_("Faxnummer %(value)s"), preference.fax),
    )
    return ", ".join(text % {"value": value} for text, value in parts if value)
