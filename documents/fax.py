"""„per Fax“: by a gateway that takes e-mail, or by a device that is addressed like a printer."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from documents.dispatch_content import DispatchContent
from documents.errors import DispatchRefused, Problem
from documents.fax_number import BadFaxNumber, read_fax_number, spell_fax_number
from documents.mail import ComposedMail, fix
from documents.models import Document, Printer
from documents.parcel import Parcel
from documents.senders import company_address
from mailaccounts.senders import NoAccountForSender, choose_account
from mailaccounts.signatures import Signature
from mailcore.messages import Draft, Mailbox
from mailcore.placeholders import fill
from mailcore.recipients import split_address

VARIABLES = ("FAX", "BELEG", "NUMMER")


@dataclass(frozen=True, slots=True)
class PreparedFax:
    """`mail` is what the gateway gets; None for a device that takes the PDF itself."""

    device: Printer
    number: str  # E.164
    mail: ComposedMail | None


def prepare_fax(document: Document, content: DispatchContent, parcel: Parcel) -> PreparedFax:
    """Checks number and device. Raises DispatchRefused."""
    problems = []
    number = ""
    try:
        number = read_fax_number(content.fax_number)
    except BadFaxNumber:
        problems.append(Problem("fax_number", _bad_number(content.fax_number)))
    device = content.fax
    if device is None or not device.is_fax or not device.is_active:
        problems.append(Problem("fax", _("Bitte ein Faxgerät wählen.")))
    if device is None or problems:
        raise DispatchRefused(problems)
    if device.kind != Printer.Kind.FAX_MAIL:
        return PreparedFax(device, number, None)
    return PreparedFax(device, number, _gateway_mail(document, device, number, parcel))


def _bad_number(typed: str) -> str:
    if not typed.strip():
        return _("Bitte eine Faxnummer angeben.")
    text = _(
        "„%(number)s“ ist keine Faxnummer. Bitte mit Vorwahl angeben, z. B. 0821 123456 oder "
        "+43 1 234567."
    )
    return text % {"number": typed.strip()}


def _gateway_mail(document: Document, device: Printer, number: str, parcel: Parcel) -> ComposedMail:
    values = {
        "FAX": spell_fax_number(number, device.number_format),
        "BELEG": document.kind.name,
        "NUMMER": document.number,
    }
    address = fill(device.fax_address, values, escape=False).strip()
    if split_address(address) is None:
        text = _("Das Fax-Gateway ist nicht richtig eingerichtet: „%(email)s“ ist keine Adresse.")
        raise DispatchRefused([Problem("fax", text % {"email": address})])
    try:
        choice = choose_account(device.sender_email or company_address(document.project))
    except NoAccountForSender as refusal:
        raise DispatchRefused([Problem("fax", refusal.text)]) from refusal
    draft = Draft(
        from_=Mailbox(choice.name, choice.email),
        to=(Mailbox("", address),),
        subject=" ".join(fill(device.fax_subject, values, escape=False).split()),
        text="",
        files=(parcel.paper,),
    )
    fixed, raw = fix(draft)
    return ComposedMail(fixed, raw, (), choice, Signature("", "", ""))
