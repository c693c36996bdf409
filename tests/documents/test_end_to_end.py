"""From the button to the server and back: what arrives, and what the document says then."""

from __future__ import annotations

import hashlib

import pytest

from archive.models import ArchiveEntry
from documents.freeze import read_pdf
from documents.models import Document
from documents.tasks import settle_dispatches
from mailcore.messages import FilePart
from mailcore.parse import parse, read_part
from mailstore.read import read_raw
from outbox.deliver import deliver_account
from outbox.sent_copy import file_sent_copies
from tests.documents.sending import make_invoice, make_office, send, state_of
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import Sink

pytestmark = pytest.mark.django_db


def test_the_pdf_arrives_byte_for_byte_and_the_document_is_sent(smtp_sink: Sink) -> None:
    office = make_office(smtp_port=smtp_sink.port)
    document = make_invoice(number="400042")
    extra = FilePart("Übersicht Größen – März.pdf", "application/pdf", b"%PDF-1.4 \xff\x00 Rest")
    send(office, document, files=(extra,))
    settle_dispatches()
    assert state_of(document) == Document.State.RELEASED
    deliver_account(office.account.pk)
    settle_dispatches()
    assert state_of(document) == Document.State.SENT

    (received,) = smtp_sink.received
    assert received.recipients == ("hans@huber.example",)
    mail = parse(received.raw)
    assert [one.filename for one in mail.attachments] == [
        "RE400042.pdf",
        "Übersicht Größen – März.pdf",
    ]
    arrived = read_part(received.raw, mail.attachments[0].path)
    document.refresh_from_db()
    assert arrived == read_pdf(document)
    assert hashlib.sha256(arrived).hexdigest() == document.pdf_sha256
    assert read_part(received.raw, mail.attachments[1].path) == extra.content


def test_a_refused_recipient_leaves_the_document_unsent(smtp_sink: Sink) -> None:
    office = make_office(smtp_port=smtp_sink.port)
    document = make_invoice()
    smtp_sink.on_recipient["hans@huber.example"] = "550 5.1.1 Postfach unbekannt"
    send(office, document)
    deliver_account(office.account.pk)
    settle_dispatches()
    assert state_of(document) == Document.State.RELEASED
    (row,) = document.dispatches.all()
    assert row.state == "failed"


@pytest.mark.dovecot
def test_the_same_pdf_lies_in_document_mail_sent_folder_and_archive(
    smtp_sink: Sink, dovecot: Dovecot, mailbox: str
) -> None:
    office = make_office(
        smtp_port=smtp_sink.port,
        username=mailbox,
        imap_host="127.0.0.1",
        imap_port=dovecot.imap_port,
        copy_to_sent=True,
        archive_enabled=True,
    )
    document = make_invoice()
    (row,) = send(office, document)
    deliver_account(office.account.pk)
    assert file_sent_copies(office.account.pk).filed == 1
    (received,) = smtp_sink.received
    (filed,) = dovecot.messages(mailbox, "Sent")
    (entry,) = ArchiveEntry.objects.all()
    assert entry.message is not None
    document.refresh_from_db()
    for raw in (received.raw, filed, read_raw(entry.message)):
        (attached,) = parse(raw).attachments
        assert attached.sha256 == document.pdf_sha256 == row.pdf_sha256
    assert hashlib.sha256(read_pdf(document)).hexdigest() == document.pdf_sha256
