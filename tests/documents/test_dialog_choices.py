"""The „abschicken“ dialog: templates, what it remembers, what it refuses, calling back and repair."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from company.models import User
from documents.models import Dispatch, Document, Printer
from documents.settle import settle_dispatches
from mailaccounts.models import MailAccount
from mailstore.blobs import put_blob
from outbox.models import OutgoingMessage
from tests.documents.dialog import sent_files, url_of
from tests.documents.printing import folder_printer
from tests.documents.screens import HTMX, dispatch_values
from tests.documents.sending import Office, make_invoice
from tests.documents.test_letter_templates import make_template

pytestmark = pytest.mark.django_db


def test_the_fitting_template_is_there_and_another_one_is_loaded(staff: Client) -> None:
    document = make_invoice()
    best = make_template("Beste", language="de", text="<p>Guten Tag {NAME}</p>")
    other = make_template("Andere")
    other.files.create(
        name="AGB.pdf", content_type="application/pdf", sha256=put_blob(b"%PDF-agb"), size=8
    )
    dialog = staff.get(url_of(document), headers=HTMX)
    assert dialog.context["form"]["template"].value() == best.pk
    assert "Guten Tag Hans Huber" in dialog.content.decode()
    assert "AGB.pdf" not in dialog.content.decode()
    loaded = staff.post(
        url_of(document, "load_template"),
        dispatch_values(wanted_template=str(other.pk), subject="von Hand", order=["beleg"]),
        headers=HTMX,
    )
    page = loaded.content.decode()
    assert "Text Andere" in page
    assert "Betreff Andere" in page
    assert "AGB.pdf" in page
    assert "hx-confirm" not in page
    keys = ["beleg", f"vorlage-{other.files.get().pk}"]
    sent = dispatch_values(template=str(other.pk), order=keys, attach=keys)
    assert staff.post(url_of(document), sent, headers=HTMX).status_code == 200
    assert sent_files()[1] == ("AGB.pdf", b"%PDF-agb")
    edited = staff.post(url_of(document), dispatch_values(is_edited="1", subject=""), headers=HTMX)
    assert "hx-confirm" in edited.content.decode()


def test_choices_are_offered_again_and_the_addresss_wish_comes_first(
    staff: Client, office: Office, tmp_path: Path
) -> None:
    folder_printer(tmp_path, "A")
    printer = folder_printer(tmp_path, "B")
    document = make_invoice()

    def offered(of: Document) -> tuple[bool, bool, str, bool]:
        form = staff.get(url_of(of), headers=HTMX).context["form"]
        return (
            bool(form["by_mail"].value()),
            bool(form["by_printer"].value()),
            str(form["printer"].value() or ""),
            bool(form["combines"].value()),
        )

    assert offered(document) == (True, False, "", False)
    chosen = dispatch_values(
        by_printer="on", printer=str(printer.pk), combines="on", sender="benutzer"
    )
    assert staff.post(url_of(document), chosen, headers=HTMX).status_code == 200
    another = make_invoice()
    assert offered(another) == (True, True, str(printer.pk), True)
    form = staff.get(url_of(another), headers=HTMX).context["form"]
    assert form["sender"].value() == "benutzer"
    offer = another
    offer.address.delivery_preferences.create(kind=offer.kind, channel="phone")
    assert offered(offer)[:3] == (False, False, str(printer.pk))
    Printer.objects.update(is_active=False)
    offer.address.delivery_preferences.all().delete()
    assert offered(offer)[:2] == (True, False)


def test_what_failed_is_ticked_again_with_the_reason_and_goes_out_as_another_press(
    staff: Client, tmp_path: Path
) -> None:
    document = make_invoice()
    printer = folder_printer(tmp_path)
    chosen = dispatch_values(
        by_printer="on", printer=str(printer.pk), by_phone="on", note="Bescheid"
    )
    done = staff.post(url_of(document), chosen, headers=HTMX)
    assert 'id="dispatch-content"' in done.content.decode()  # the form stays behind the results
    OutgoingMessage.objects.update(
        state=OutgoingMessage.State.FAILED, last_reply="550 5.1.1 Postfach unbekannt"
    )
    settle_dispatches()
    results = staff.get(url_of(document, "results", "druck-1"), headers=HTMX).content.decode()
    repair = url_of(document, "repair", "druck-1")
    assert repair in results
    again = staff.post(repair, chosen, headers=HTMX)
    form = again.context["form"]
    assert again.status_code == 200
    assert "E-Mail: 550 5.1.1 Postfach unbekannt" in again.content.decode()
    ticked = [name for name in form.fields if name.startswith("by_") and form[name].value()]
    assert ticked == ["by_mail"]
    press = form["press"].value()
    assert press != "druck-1"
    mended = dispatch_values(press=press, manual_recipient="h.huber@huber.example")
    staff.post(url_of(document), mended, headers=HTMX)
    assert Dispatch.objects.count() == 4
    assert OutgoingMessage.objects.count() == 2


def test_a_paused_account_is_said_and_the_mail_waits(staff: Client) -> None:
    MailAccount.objects.update(paused_at="2026-11-28T10:00:00Z")
    document = make_invoice()
    assert "ist pausiert" in staff.get(url_of(document), headers=HTMX).content.decode()
    page = staff.post(url_of(document), dispatch_values(), headers=HTMX).content.decode()
    assert "ist pausiert. Die E-Mail wartet" in page
    assert OutgoingMessage.objects.get().state == OutgoingMessage.State.QUEUED


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"manual_recipient": ""}, "manual_recipient", "Empfänger"),
        ({"manual_recipient": "a@b.example\r\nBcc: x@y.example"}, "manual_recipient", "gültige"),
        ({"cc": "A\r\nBcc: x@y.example <a@b.example>"}, "cc", "gültige"),
        ({"text": " "}, "text", "Text"),
        ({"subject": "{UNSINN}"}, "subject", "{UNSINN}"),
        ({"by_printer": "on"}, "printer", "Bitte einen Drucker wählen."),
        ({"by_printer": "on", "printer": "4711"}, "printer", "Auswahl"),
        ({"by_fax": "on", "fax_number": "12"}, "fax_number", "keine Faxnummer"),
        ({"by_fax": "on"}, "fax_number", "Bitte eine Faxnummer angeben."),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_is_half_sent(
    staff: Client, changed: dict[str, str], field: str, said: str
) -> None:
    document = make_invoice()
    response = staff.post(url_of(document), dispatch_values(by_phone="on", **changed), headers=HTMX)
    assert response.status_code == 422
    assert said in " ".join(map(str, response.context["form"].errors[field]))
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Dispatch.objects.exists()
    assert not OutgoingMessage.objects.exists()
    document.refresh_from_db()
    assert not document.is_frozen


def test_a_line_break_in_the_subject_goes_nowhere(staff: Client) -> None:
    document = make_invoice()
    injected = dispatch_values(subject="Rechnung\r\nBcc: x@y.example")
    assert staff.post(url_of(document), injected, headers=HTMX).status_code == 200
    outgoing = OutgoingMessage.objects.get()
    assert outgoing.message.subject == "Rechnung Bcc: x@y.example"
    assert [one.email for one in outgoing.recipients.all()] == ["hans@huber.example"]


def test_a_mail_is_called_back_while_its_undo_time_runs(staff: Client) -> None:
    User.objects.update(undo_seconds=30)
    document = make_invoice()
    page = staff.post(url_of(document), dispatch_values(), headers=HTMX).content.decode()
    undo = url_of(document, "undo", "druck-1")
    assert undo in page
    outgoing = OutgoingMessage.objects.get()
    assert outgoing.state == OutgoingMessage.State.SCHEDULED
    results = staff.post(undo, headers=HTMX).content.decode()
    outgoing.refresh_from_db()
    assert outgoing.state == OutgoingMessage.State.CANCELLED
    assert "abgebrochen" in results
    assert url_of(document, "repair", "druck-1") in results
    assert undo not in results
    document.refresh_from_db()
    assert document.state == Document.State.RELEASED
    OutgoingMessage.objects.update(state=OutgoingMessage.State.SENT, sent_at=outgoing.created_at)
    staff.post(undo, headers=HTMX)
    outgoing.refresh_from_db()
    assert outgoing.state == OutgoingMessage.State.SENT  # too late
