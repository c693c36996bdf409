"""What a person chose at the last „abschicken“ of a kind, offered again at the next."""

from __future__ import annotations

from dataclasses import dataclass

from company.models import User
from documents.dispatch_content import Channel, DispatchContent
from documents.models import DispatchChoice, DocumentKind

_NONE = frozenset({Channel.MAIL})


@dataclass(frozen=True, slots=True)
class Recalled:
    """Where nothing is known: e-mail, and the device last used with any kind of document."""

    channels: frozenset[Channel] = _NONE
    sender: str = ""
    printer_id: int | None = None
    fax_id: int | None = None
    combines: bool = False


def remember_choice(
    *, user: User, kind: DocumentKind, content: DispatchContent, sender: str
) -> None:
    """Keeps the choices of a dispatch that went out; a device or sender not used stays as it was."""
    chosen: dict[str, object] = {
        "channels": sorted(content.channels),
        "combines": content.combines,
    }
    if Channel.MAIL in content.channels:
        chosen["sender"] = sender
    if Channel.PRINTER in content.channels:
        chosen["printer"] = content.printer
    if Channel.FAX in content.channels:
        chosen["fax"] = content.fax
    DispatchChoice.objects.update_or_create(user=user, kind=kind, defaults=chosen)


def recall_choice(user: User, kind: DocumentKind) -> Recalled:
    choices = list(DispatchChoice.objects.filter(user=user))  # the latest first
    of_kind = next((one for one in choices if one.kind_id == kind.pk), None)
    printer_id = next((one.printer_id for one in choices if one.printer_id), None)
    fax_id = next((one.fax_id for one in choices if one.fax_id), None)
    if of_kind is None:
        return Recalled(printer_id=printer_id, fax_id=fax_id)
    known = frozenset(Channel(one) for one in of_kind.channels if one in Channel.values)
    return Recalled(
        channels=known or _NONE,
        sender=of_kind.sender,
        printer_id=of_kind.printer_id or printer_id,
        fax_id=of_kind.fax_id or fax_id,
        combines=of_kind.combines,
    )
