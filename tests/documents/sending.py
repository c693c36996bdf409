"""What the tests of dispatching share: a company that can send, a released invoice, a content."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from company.models import User
from documents.dispatch import dispatch
from documents.dispatch_content import Channel, DispatchContent
from documents.models import Dispatch, Document
from documents.release import release
from mailaccounts.models import MailAccount
from mailcore.messages import Mailbox
from tests.factories import (
    make_account,
    make_address,
    make_contact,
    make_document,
    make_employee,
    make_user,
    set_company,
)

_presses = itertools.count(1)
HANS = Mailbox("Hans Huber", "hans@huber.example")


@dataclass(frozen=True)
class Office:
    """Petra in accounting, who sends as rechnung@firma.example or as herself."""

    user: User
    account: MailAccount


def make_office(**account: Any) -> Office:
    user = make_user(
        "petra",
        email="petra@firma.example",
        first_name="Petra",
        last_name="Klein",
        undo_seconds=0,
    )
    make_employee("Petra Klein", user=user, email="petra@firma.example", phone="0821 20")
    set_company(name="Musterfirma GmbH", email="rechnung@firma.example", city="Augsburg")
    account.setdefault("allowed", ("@firma.example",))
    return Office(user, make_account("rechnung@firma.example", description="Rechnungen", **account))


def make_invoice(*, is_released: bool = True, **values: Any) -> Document:
    if "address" not in values:
        values["address"] = make_address("Huber & Söhne GmbH", email="info@huber.example")
        values["contact"] = make_contact(values["address"], "Hans Huber", salutation="Herr")
    document = make_document("rechnung", **values)
    if is_released:
        release(document=document)
    return document


def make_content(*channels: Channel, **values: Any) -> DispatchContent:
    return DispatchContent(
        **{
            "channels": frozenset(channels or (Channel.MAIL,)),
            "sender_email": "rechnung@firma.example",
            "to": (HANS,),
            "subject": "Ihre Rechnung {NUMMER} von {FIRMA}",
            "html": "<p>{ANREDE},</p><p>im Anhang die Rechnung über {BETRAG}.</p>",
            **values,
        }
    )


def send(
    office: Office, document: Document, *channels: Channel, press: str = "", **values: Any
) -> tuple[Dispatch, ...]:
    return dispatch(
        document=document,
        user=office.user,
        content=make_content(*channels, **values),
        press=press or f"druck-{next(_presses)}",
    )


def state_of(document: Document) -> str:
    return Document.objects.get(pk=document.pk).state
