"""Files in the „abschicken“ dialog: their order, the „Sammelpdf“, what is missing or too large."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from company.models import User
from documents import print_jobs
from documents.freeze import read_pdf
from documents.models import Dispatch
from mailaccounts.models import AccountLink
from mailstore.blobs import delete_blob, get_blob, put_blob
from outbox.models import OutgoingMessage
from tests.documents.dialog import attach, make_locked_pdf, make_pdf, sent_files, url_of, words_of
from tests.documents.printing import folder_printer
from tests.documents.screens import HTMX, dispatch_values
from tests.documents.sending import Office, make_invoice

pytestmark = pytest.mark.django_db


def test_files_go_out_ticked_and_in_the_order_of_the_list(staff: Client) -> None:
    document = make_invoice()
    keys = {
        name: f"datei-{attach(document, name, content).pk}"
        for name, content in (("a.txt", b"a"), ("b.txt", b"b"), ("c.txt", b"c"))
    }
    dialog = staff.get(url_of(document), headers=HTMX).content.decode()
    assert all(f'value="{key}" checked' in dialog for key in keys.values())
    order = [keys["c.txt"], "beleg", keys["b.txt"], keys["a.txt"]]
    chosen = dispatch_values(order=order, attach=[keys["a.txt"], keys["c.txt"]])
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
    chosen = dispatch_values(
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
        url_of(document), dispatch_values(order=keys, attach=keys, combines="on"), headers=HTMX
    )
    assert refused.status_code == 422
    assert "attachments" in refused.context["form"].errors
    (line,) = [one for one in refused.context["form"].offered if not one.is_own]
    assert said in line.problem
    assert not OutgoingMessage.objects.exists()
    document.refresh_from_db()
    assert not document.is_frozen
    apart = staff.post(url_of(document), dispatch_values(order=keys, attach=keys), headers=HTMX)
    assert apart.status_code == 200  # on its own it goes as it is
    assert sent_files()[1] == ("Anlage.pdf", content)


def test_a_vanished_file_is_refused_unless_it_is_unticked(staff: Client) -> None:
    document = make_invoice()
    file = attach(document, "weg.txt", b"bald weg")
    delete_blob(file.sha256)
    keys = ["beleg", f"datei-{file.pk}"]
    refused = staff.post(url_of(document), dispatch_values(order=keys, attach=keys), headers=HTMX)
    assert refused.status_code == 422
    assert "„weg.txt“ ist nicht mehr vorhanden." in refused.content.decode()
    assert not Dispatch.objects.exists()
    assert (
        staff.post(url_of(document), dispatch_values(order=keys), headers=HTMX).status_code == 200
    )


def test_a_vanished_pdf_of_the_document_is_refused_too(staff: Client) -> None:
    sha256 = put_blob(b"%PDF-1.4 eigenes")
    document = make_invoice(own_pdf_sha256=sha256)
    delete_blob(sha256)
    refused = staff.post(url_of(document), dispatch_values(), headers=HTMX)
    assert refused.status_code == 422
    assert "Das PDF des Belegs fehlt im Speicher" in refused.content.decode()


def test_uploads_in_the_dialog_stay_with_the_document_and_keep_the_order(staff: Client) -> None:
    document = make_invoice()
    first = attach(document, "a.txt", b"a")
    order = [f"datei-{first.pk}", "beleg"]
    files = [SimpleUploadedFile("neu.pdf", b"%PDF-neu"), SimpleUploadedFile("leer.txt", b"")]
    page = staff.post(
        url_of(document, "dispatch_files"),
        dispatch_values(order=order, attachments=files),
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


def test_a_mail_larger_than_the_server_takes_is_refused_before_it_leaves(
    staff: Client, office: Office
) -> None:
    document = make_invoice()
    file = attach(document, "gross.txt", bytes(200_000))
    out = AccountLink.Direction.OUTGOING
    AccountLink.objects.create(account=office.account, direction=out, max_message_size=100_000)
    keys = ["beleg", f"datei-{file.pk}"]
    refused = staff.post(url_of(document), dispatch_values(order=keys, attach=keys), headers=HTMX)
    assert refused.status_code == 422
    (said,) = refused.context["form"].errors["attachments"]
    assert "nimmt höchstens 97,7" in said
    assert not OutgoingMessage.objects.exists()
    assert (
        staff.post(url_of(document), dispatch_values(order=keys), headers=HTMX).status_code == 200
    )
