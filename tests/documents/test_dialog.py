"""The „abschicken“ dialog beyond the mail: files in order, „Sammelpdf“, templates, memory, repair."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from company.models import User
from documents import print_jobs
from documents.freeze import read_pdf
from documents.models import Dispatch, Document, DocumentFile, Printer
from documents.settle import settle_dispatches
from mailaccounts.models import AccountLink, MailAccount
from mailcore.parse import parse, read_part
from mailstore.blobs import delete_blob, get_blob, put_blob
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.documents.printing import folder_printer
from tests.documents.sending import Office, make_invoice, make_office
from tests.documents.test_letter_templates import make_template

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def staff(client: Client, office: Office) -> Client:
    client.force_login(office.user)
    return client


def make_pdf(*pages: str) -> bytes:
    pdf = FPDF()
    pdf.set_font("helvetica")
    for text in pages:
        pdf.add_page()
        pdf.cell(text=text)
    return bytes(pdf.output())


def make_locked_pdf() -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(make_pdf("geheim"))))
    writer.encrypt("geheim", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def attach(document: Document, name: str, content: bytes) -> DocumentFile:
    kind = "application/pdf" if name.endswith(".pdf") else "text/plain"
    return document.files.create(
        name=name, content_type=kind, sha256=put_blob(content), size=len(content)
    )


def values_of(**values: Any) -> dict[str, Any]:
    return {
        "press": "druck-1",
        "is_manual": "on",
        "manual_recipient": "hans@huber.example",
        "subject": "Rechnung {NUMMER}",
        "text": "<p>Guten Tag</p>",
        "by_mail": "on",
        "sender": "firma",
        **values,
    }


def url_of(document: Document, name: str = "dispatch", *more: str) -> str:
    return reverse(f"documents:{name}", args=[document.pk, *more])


def sent_files() -> list[tuple[str, bytes]]:
    outgoing = OutgoingMessage.objects.get()
    raw = read_raw(outgoing.message)
    return [(one.filename, read_part(raw, one.path)) for one in parse(raw).attachments]


def words_of(pdf: bytes) -> list[str]:
    return [page.extract_text().strip() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_files_go_out_ticked_and_in_the_order_of_the_list(staff: Client) -> None:
    document = make_invoice()
    keys = {
        name: f"datei-{attach(document, name, content).pk}"
        for name, content in (("a.txt", b"a"), ("b.txt", b"b"), ("c.txt", b"c"))
    }
    dialog = staff.get(url_of(document), headers=HTMX).content.decode()
    assert all(f'value="{key}" checked' in dialog for key in keys.values())
    order = [keys["c.txt"], "beleg", keys["b.txt"], keys["a.txt"]]
    chosen = values_of(order=order, attach=[keys["a.txt"], keys["c.txt"]])
    assert staff.post(url_of(document), chosen, headers=HTMX).status_code == 200
    assert sent_files() == [
        ("c.txt", b"c"),
        (document.file_name, read_pdf(document)),
        ("a.txt", b"a"),
    ]


def test_a_combined_pdf_has_all_pages_in_order_and_is_kept_as_sent(
    staff: Client, tmp_path: Path
) -> None:
    own = make_pdf("Rechnung Seite 1")
    document = make_invoice(own_pdf_sha256=put_blob(own))
    terms = attach(document, "AGB.pdf", make_pdf("AGB 1", "AGB 2"))
    plan = attach(document, "Plan.pdf", make_pdf("Plan"))
    note = attach(document, "Notiz.txt", b"Notiz")
    keys = [f"datei-{plan.pk}", f"datei-{note.pk}", "beleg", f"datei-{terms.pk}"]
    printer = folder_printer(tmp_path)
    chosen = values_of(
        order=keys, attach=keys, combines="on", by_printer="on", printer=str(printer.pk)
    )
    assert staff.post(url_of(document), chosen, headers=HTMX).status_code == 200
    (name, combined), (other, _content) = sent_files()
    assert (name, other) == (f"RE{document.number}-mit-Anlagen.pdf", "Notiz.txt")
    assert words_of(combined) == ["Plan", "Rechnung Seite 1", "AGB 1", "AGB 2"]
    mail, paper = Dispatch.objects.order_by("pk")
    assert mail.pdf_sha256 == paper.pdf_sha256 == hashlib.sha256(combined).hexdigest()
    print_jobs.run_jobs(printer.pk)
    (printed,) = tmp_path.iterdir()
    assert printed.read_bytes() == combined
    shown = staff.get(url_of(document, "sent_pdf", str(mail.pk)))
    assert shown.content == combined
    document.refresh_from_db()
    assert get_blob(document.pdf_sha256) == own  # the document itself stays what it is


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (make_locked_pdf(), "mit einem Kennwort geschützt"),
        (b"%PDF-1.4 kaputt", "ist beschädigt"),
        (b"%PDF-1.7\n" + bytes(5000), "ist beschädigt"),
    ],
)
def test_a_pdf_that_cannot_be_combined_is_named_at_its_line(
    staff: Client, content: bytes, said: str
) -> None:
    document = make_invoice(own_pdf_sha256=put_blob(make_pdf("Rechnung")))
    file = attach(document, "Anlage.pdf", content)
    keys = ["beleg", f"datei-{file.pk}"]
    refused = staff.post(
        url_of(document), values_of(order=keys, attach=keys, combines="on"), headers=HTMX
    )
    assert refused.status_code == 422
    assert "attachments" in refused.context["form"].errors
    (line,) = [one for one in refused.context["form"].offered if not one.is_own]
    assert said in line.problem
    assert not OutgoingMessage.objects.exists()
    document.refresh_from_db()
    assert not document.is_frozen
    apart = staff.post(url_of(document), values_of(order=keys, attach=keys), headers=HTMX)
    assert apart.status_code == 200  # on its own it goes as it is
    assert sent_files()[1] == ("Anlage.pdf", content)


def test_a_vanished_file_is_refused_unless_it_is_unticked(staff: Client) -> None:
    document = make_invoice()
    file = attach(document, "weg.txt", b"bald weg")
    delete_blob(file.sha256)
    keys = ["beleg", f"datei-{file.pk}"]
    refused = staff.post(url_of(document), values_of(order=keys, attach=keys), headers=HTMX)
    assert refused.status_code == 422
    assert "„weg.txt“ ist nicht mehr vorhanden." in refused.content.decode()
    assert not Dispatch.objects.exists()
    assert staff.post(url_of(document), values_of(order=keys), headers=HTMX).status_code == 200


def test_a_vanished_pdf_of_the_document_is_refused_too(staff: Client) -> None:
    sha256 = put_blob(b"%PDF-1.4 eigenes")
    document = make_invoice(own_pdf_sha256=sha256)
    delete_blob(sha256)
    refused = staff.post(url_of(document), values_of(), headers=HTMX)
    assert refused.status_code == 422
    assert "Das PDF des Belegs fehlt im Speicher" in refused.content.decode()


def test_uploads_in_the_dialog_stay_with_the_document_and_keep_the_order(staff: Client) -> None:
    document = make_invoice()
    first = attach(document, "a.txt", b"a")
    order = [f"datei-{first.pk}", "beleg"]
    files = [SimpleUploadedFile("neu.pdf", b"%PDF-neu"), SimpleUploadedFile("leer.txt", b"")]
    page = staff.post(
        url_of(document, "dispatch_files"),
        values_of(order=order, attachments=files),
        headers=HTMX,
    )
    assert page.status_code == 422  # one of them
    assert "„leer.txt“ ist leer." in page.content.decode()
    names = [(one.name, one.is_ticked) for one in page.context["form"].offered]
    assert names == [("a.txt", False), (document.file_name, True), ("neu.pdf", True)]
    detail = staff.get(url_of(document, "detail")).content.decode()
    assert "neu.pdf" in detail
    file = document.files.get(name="neu.pdf")
    assert staff.get(reverse("documents:file", args=[file.pk])).content == b"%PDF-neu"
    staff.post(reverse("documents:remove_file", args=[file.pk]))
    assert [one.name for one in document.files.all()] == ["a.txt"]


def test_files_are_kept_on_the_documents_page(staff: Client) -> None:
    document = make_invoice()
    upload = SimpleUploadedFile("../Übersicht März.txt", b"hallo")
    for _ in range(2):
        upload.seek(0)
        staff.post(url_of(document, "attach"), {"attachments": upload})
    (file,) = document.files.all()
    assert (file.name, file.size, file.created_by) == ("Übersicht März.txt", 5, User.objects.get())
    wrong = staff.post(
        url_of(document, "attach"), {"attachments": SimpleUploadedFile("x.pdf", b"MZ")}, follow=True
    )
    assert "keine PDF-Datei" in wrong.content.decode()
    shown = staff.get(reverse("documents:file", args=[file.pk]))
    assert shown.headers["Content-Type"] == "application/octet-stream"
    assert shown.headers["Content-Disposition"].startswith("attachment")


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
        values_of(wanted_template=str(other.pk), subject="von Hand", order=["beleg"]),
        headers=HTMX,
    )
    page = loaded.content.decode()
    assert "Text Andere" in page
    assert "Betreff Andere" in page
    assert "AGB.pdf" in page
    assert "hx-confirm" not in page
    keys = ["beleg", f"vorlage-{other.files.get().pk}"]
    sent = values_of(template=str(other.pk), order=keys, attach=keys)
    assert staff.post(url_of(document), sent, headers=HTMX).status_code == 200
    assert sent_files()[1] == ("AGB.pdf", b"%PDF-agb")
    edited = staff.post(url_of(document), values_of(is_edited="1", subject=""), headers=HTMX)
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
    chosen = values_of(by_printer="on", printer=str(printer.pk), combines="on", sender="benutzer")
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
    chosen = values_of(by_printer="on", printer=str(printer.pk), by_phone="on", note="Bescheid")
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
    mended = values_of(press=press, manual_recipient="h.huber@huber.example")
    staff.post(url_of(document), mended, headers=HTMX)
    assert Dispatch.objects.count() == 4
    assert OutgoingMessage.objects.count() == 2


def test_a_paused_account_is_said_and_the_mail_waits(staff: Client) -> None:
    MailAccount.objects.update(paused_at="2026-11-28T10:00:00Z")
    document = make_invoice()
    assert "ist pausiert" in staff.get(url_of(document), headers=HTMX).content.decode()
    page = staff.post(url_of(document), values_of(), headers=HTMX).content.decode()
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
    response = staff.post(url_of(document), values_of(by_phone="on", **changed), headers=HTMX)
    assert response.status_code == 422
    assert said in " ".join(map(str, response.context["form"].errors[field]))
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Dispatch.objects.exists()
    assert not OutgoingMessage.objects.exists()
    document.refresh_from_db()
    assert not document.is_frozen


def test_a_line_break_in_the_subject_goes_nowhere(staff: Client) -> None:
    document = make_invoice()
    injected = values_of(subject="Rechnung\r\nBcc: x@y.example")
    assert staff.post(url_of(document), injected, headers=HTMX).status_code == 200
    outgoing = OutgoingMessage.objects.get()
    assert outgoing.message.subject == "Rechnung Bcc: x@y.example"
    assert [one.email for one in outgoing.recipients.all()] == ["hans@huber.example"]


def test_a_mail_is_called_back_while_its_undo_time_runs(staff: Client) -> None:
    User.objects.update(undo_seconds=30)
    document = make_invoice()
    page = staff.post(url_of(document), values_of(), headers=HTMX).content.decode()
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


def test_a_mail_larger_than_the_server_takes_is_refused_before_it_leaves(
    staff: Client, office: Office
) -> None:
    document = make_invoice()
    file = attach(document, "gross.txt", bytes(200_000))
    out = AccountLink.Direction.OUTGOING
    AccountLink.objects.create(account=office.account, direction=out, max_message_size=100_000)
    keys = ["beleg", f"datei-{file.pk}"]
    refused = staff.post(url_of(document), values_of(order=keys, attach=keys), headers=HTMX)
    assert refused.status_code == 422
    (said,) = refused.context["form"].errors["attachments"]
    assert "nimmt höchstens 97,7" in said
    assert not OutgoingMessage.objects.exists()
    assert staff.post(url_of(document), values_of(order=keys), headers=HTMX).status_code == 200
