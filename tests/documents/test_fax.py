"""„per Fax“: numbers in one form, by a mail gateway or by a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from documents import print_jobs
from documents.dispatch_content import Channel
from documents.errors import DispatchRefused
from documents.fax_number import BadFaxNumber, read_fax_number, spell_fax_number
from documents.models import Dispatch, Document, Printer
from documents.settle import settle_dispatches
from mailcore.parse import parse, read_part
from outbox.deliver import deliver_account
from tests.documents.printing import folder_printer, make_lp, make_printer
from tests.documents.sending import make_invoice, make_office, send, state_of
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0821 / 123-456", "+49821123456"),
        ("(0821) 123456", "+49821123456"),
        ("+49 (0) 821 123456", "+49821123456"),
        ("0049 (0)821 123456", "+49821123456"),
        ("0049821123456", "+49821123456"),
        ("+490821123456", "+49821123456"),
        ("+49 821.123–456", "+49821123456"),
        ("+43 1 234567", "+431234567"),
        ("0041 44 1234567", "+41441234567"),
    ],
)
def test_numbers_as_people_write_them(typed: str, number: str) -> None:
    assert read_fax_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    ["", "123456", "0821", "0821 12a456", "+49", "+0821123456", "0821 123\n456;x", "1" * 30],
)
def test_what_no_device_could_dial_is_refused(typed: str) -> None:
    with pytest.raises(BadFaxNumber):
        read_fax_number(typed)


@pytest.mark.parametrize(
    ("number", "spelling", "spelt"),
    [
        ("+49821123456", "plus", "+49821123456"),
        ("+49821123456", "zeros", "0049821123456"),
        ("+49821123456", "national", "0821123456"),
        ("+431234567", "national", "00431234567"),
    ],
)
def test_every_device_has_its_spelling(number: str, spelling: str, spelt: str) -> None:
    assert spell_fax_number(number, spelling) == spelt


def gateway(**values: Any) -> Printer:
    defaults = {"fax_address": "{FAX}@fax.example", "fax_subject": "Fax {BELEG} {NUMMER} an {FAX}"}
    return make_printer("Gateway", kind="fax_mail", is_fax=True, **{**defaults, **values})


def test_the_gateway_gets_a_mail_with_the_very_pdf(smtp_sink: Sink) -> None:
    office = make_office(smtp_port=smtp_sink.port)
    document = make_invoice(number="400042")
    device = gateway(number_format="zeros")
    (row,) = send(office, document, Channel.FAX, fax=device, fax_number="0821 123456")
    assert row.recipient == "Hans Huber, +49821123456"
    deliver_account(office.account.pk)
    settle_dispatches()
    (received,) = smtp_sink.received
    assert received.recipients == ("0049821123456@fax.example",)
    mail = parse(received.raw)
    assert mail.subject == "Fax Rechnung 400042 an 0049821123456"
    (attachment,) = mail.attachments
    document.refresh_from_db()
    assert attachment.sha256 == document.pdf_sha256
    assert read_part(received.raw, attachment.path).startswith(b"%PDF-")
    row.refresh_from_db()
    assert (row.state, state_of(document)) == (Dispatch.State.DONE, Document.State.SENT)
    assert row.outgoing is not None
    assert row.outgoing.address is None  # what the gateway answers is no letter of the customer's


def test_a_device_gets_number_and_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = make_office()
    lp = make_lp(tmp_path, monkeypatch)
    device = make_printer("Faxgerät", is_fax=True, number_format="national")
    send(office, make_invoice(), Channel.FAX, fax=device, fax_number="+49 821 123456")
    print_jobs.run_jobs(device.pk)
    assert "phone=0821123456" in lp.arguments
    folder = folder_printer(tmp_path, "Faxordner", is_fax=True)
    (row,) = send(office, make_invoice(), Channel.FAX, fax=folder, fax_number="0821 123456")
    print_jobs.run_jobs(folder.pk)
    row.refresh_from_db()
    assert row.result.startswith("abgelegt als FAX_+49821123456_RE")


@pytest.mark.parametrize(
    ("number", "device", "field", "said"),
    [
        ("", {}, "fax_number", "Bitte eine Faxnummer angeben."),
        ("12345", {}, "fax_number", "„12345“ ist keine Faxnummer"),
        ("0821 123456", {"is_active": False}, "fax", "Faxgerät wählen"),
        ("0821 123456", {"fax_address": "{FAX}"}, "fax", "nicht richtig eingerichtet"),
        ("0821 123456", {"sender_email": "wer@woanders.example"}, "fax", "wer@woanders.example"),
    ],
)
def test_a_fax_that_cannot_go_stops_everything(
    number: str, device: dict[str, Any], field: str, said: str
) -> None:
    office = make_office()
    with pytest.raises(DispatchRefused) as refusal:
        send(
            office,
            make_invoice(),
            Channel.MAIL,
            Channel.FAX,
            fax=gateway(**device),
            fax_number=number,
        )
    (problem,) = refusal.value.problems
    assert problem.field == field
    assert said in problem.text
    assert not Dispatch.objects.exists()
