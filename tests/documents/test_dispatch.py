"""„abschicken“: what goes out, what is refused before anything goes out, and once per press."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import transaction

from documents.dispatch_content import Channel
from documents.errors import DispatchRefused
from documents.freeze import prepare_pdf, read_pdf
from documents.models import Dispatch, Document, DocumentKind
from mailcore.build import build
from mailcore.messages import Draft, FilePart, Mailbox
from mailcore.parse import parse, read_part
from mailstore.read import read_raw
from outbox.models import OutgoingMessage, Recipient
from tests.documents.sending import HANS, make_invoice, make_office, send, state_of
from tests.factories import (
    make_account,
    make_employee,
    make_project,
    make_user,
    set_company,
)

pytestmark = pytest.mark.django_db


def queued_mail(row: Dispatch) -> tuple[OutgoingMessage, Any]:
    assert row.outgoing is not None
    return row.outgoing, parse(read_raw(row.outgoing.message))


def nothing_happened(document: Document) -> bool:
    document.refresh_from_db()
    return not (
        OutgoingMessage.objects.exists() or Dispatch.objects.exists() or document.pdf_sha256
    )


def test_mail_is_queued_with_filled_text_signature_and_the_frozen_pdf() -> None:
    office = make_office()
    set_company(signature_html="<p>{MITARBEITER}, Telefon {MITARBEITER_TELEFON}</p>")
    document = make_invoice(number="400042")
    (row,) = send(office, document)
    outgoing, mail = queued_mail(row)
    assert (outgoing.origin, outgoing.account) == (
        OutgoingMessage.Origin.DOCUMENT,
        office.account,
    )
    assert "Rechnungen" in outgoing.sender_reason
    assert mail.subject == "Ihre Rechnung 400042 von Musterfirma GmbH"
    assert mail.from_ == (Mailbox("Musterfirma GmbH", "rechnung@firma.example"),)
    assert mail.to == (HANS,)
    assert "Sehr geehrter Herr Huber," in mail.text
    assert "über 29,75 €" in mail.text
    assert "Petra Klein, Telefon 0821 20" in mail.text
    (attachment,) = mail.attachments
    assert (attachment.filename, attachment.content_type) == ("RE400042.pdf", "application/pdf")
    document.refresh_from_db()
    assert attachment.sha256 == document.pdf_sha256 == row.pdf_sha256
    assert row.state == Dispatch.State.PENDING
    assert document.state == Document.State.RELEASED  # not before the server took it
    assert row.recipient == "Hans Huber <hans@huber.example>"
    assert "im Anhang die Rechnung" in row.letter


def test_the_mail_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    office, document = make_office(), make_invoice()
    built: list[bytes] = []

    def build_and_note(draft: Draft) -> bytes:
        built.append(build(draft))
        return built[-1]

    for module in ("documents.mail", "outbox.enqueue"):
        monkeypatch.setattr(f"{module}.build", build_and_note)
    (row,) = send(office, document)
    assert row.outgoing is not None
    assert built == [read_raw(row.outgoing.message)]


def test_the_frozen_pdf_is_sent_again_byte_for_byte_whatever_changed_since() -> None:
    office = make_office()
    document = make_invoice()
    (first,) = send(office, document)
    set_company(name="Neuer Name AG", street="Umzugsweg 1")
    document.positions.update(text="Etwas anderes")
    (second,) = send(office, document)
    files = [queued_mail(row)[1].attachments[0].sha256 for row in (first, second)]
    assert files[0] == files[1] == hashlib.sha256(read_pdf(document)).hexdigest()


def test_pressing_twice_sends_once() -> None:
    office = make_office()
    document = make_invoice()
    first = send(office, document, Channel.MAIL, Channel.PHONE, press="einmal")
    second = send(office, document, Channel.MAIL, Channel.PHONE, press="einmal")
    assert [row.pk for row in first] == [row.pk for row in second]
    assert OutgoingMessage.objects.count() == 1
    assert send(office, document, press="nochmal")[0].pk not in {row.pk for row in first}
    assert OutgoingMessage.objects.count() == 2


@pytest.mark.parametrize("channels", [(Channel.MAIL,), (Channel.PHONE, Channel.OTHER)])
def test_the_second_half_of_a_double_click_gets_the_first_ones_rows(
    monkeypatch: pytest.MonkeyPatch, channels: tuple[Channel, ...]
) -> None:
    office = make_office()
    document = make_invoice()
    first = send(office, document, *channels, press="doppelt")
    looks: list[int] = []

    def not_seen_yet(of: Document, press: str) -> tuple[Dispatch, ...]:
        looks.append(1)
        return () if len(looks) == 1 else tuple(of.dispatches.filter(press=press))

    monkeypatch.setattr("documents.dispatch._rows_of", not_seen_yet)
    second = send(office, document, *channels, press="doppelt")
    assert {row.pk for row in second} == {row.pk for row in first}
    assert len(looks) == 2
    assert Dispatch.objects.count() == len(channels)
    assert OutgoingMessage.objects.count() == (Channel.MAIL in channels)


def test_several_channels_at_once_have_a_row_each_and_the_done_ones_count() -> None:
    office = make_office()
    document = make_invoice()
    rows = send(office, document, Channel.MAIL, Channel.OTHER, note="Durchschlag im Fach")
    assert [(row.channel, row.state) for row in rows] == [
        (Channel.MAIL, Dispatch.State.PENDING),
        (Channel.OTHER, Dispatch.State.DONE),
    ]
    assert rows[1].letter == "Durchschlag im Fach"
    assert state_of(document) == Document.State.SENT


def test_a_phone_call_alone_needs_no_account_and_no_recipient() -> None:
    office = make_office()
    office.account.delete()
    document = make_invoice()
    (row,) = send(office, document, Channel.PHONE, to=(), subject="", html="")
    assert row.outgoing is None
    assert row.recipient == "Hans Huber"
    assert state_of(document) == Document.State.SENT
    document.refresh_from_db()
    assert document.is_frozen


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"to": ()}, "to", "Empfänger"),
        ({"to": (Mailbox("", "hans@@huber"),)}, "to", "hans@@huber"),
        ({"cc": (Mailbox("", "chef"),)}, "cc", "„chef“"),
        ({"bcc": (Mailbox("", "x@"),)}, "bcc", "„x@“"),
        ({"subject": "   "}, "subject", "Betreff"),
        ({"subject": "x" * 251}, "subject", "zu lang"),
        ({"subject": "Rechnung {RECHNUNGSNR}"}, "subject", "{RECHNUNGSNR}"),
        ({"subject": "{SIGNATUR}"}, "subject", "{SIGNATUR}"),
        ({"html": "<p>{KUNDE} {UNBEKANNT}</p>"}, "text", "{KUNDE}, {UNBEKANNT}"),
        ({"html": "<p><br></p>"}, "text", "Text"),
        ({"sender_email": "chef@andere.example"}, "sender", "chef@andere.example"),
        ({"sender_email": ""}, "sender", "gesendet werden"),
        (
            {"files": (FilePart("gross.bin", "application/octet-stream", bytes(18_000_001)),)},
            "files",
            "18 MB",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_queued(
    changed: dict[str, Any], field: str, said: str
) -> None:
    office = make_office()
    document = make_invoice()
    with pytest.raises(DispatchRefused) as refusal:
        send(office, document, Channel.MAIL, Channel.OTHER, **changed)
    found = [problem.text for problem in refusal.value.problems if problem.field == field]
    assert said in " ".join(found) or ("dürfen Sie nicht senden" in " ".join(found))
    assert nothing_happened(document)
    assert state_of(document) == Document.State.RELEASED


def test_every_reason_is_named_at_once() -> None:
    office = make_office()
    with pytest.raises(DispatchRefused) as refusal:
        send(office, make_invoice(), to=(), subject="", sender_email="x@andere.example")
    assert {problem.field for problem in refusal.value.problems} == {"to", "subject", "sender"}


def test_an_unreleased_document_is_refused_with_the_reason() -> None:
    office = make_office()
    document = make_invoice(is_released=False, number="400001")
    with pytest.raises(DispatchRefused, match="Rechnung 400001 ist noch nicht freigegeben"):
        send(office, document, Channel.PHONE)
    assert nothing_happened(document)


def test_without_any_channel_nothing_happens() -> None:
    office = make_office()
    document = make_invoice()
    with pytest.raises(DispatchRefused, match="Versandweg"):
        send(office, document, channels=frozenset())
    assert nothing_happened(document)


def test_without_an_account_the_refusal_names_the_sender() -> None:
    office = make_office(smtp_enabled=False)
    document = make_invoice()
    with pytest.raises(DispatchRefused, match=r"rechnung@firma\.example"):
        send(office, document)
    assert nothing_happened(document)


def test_the_address_of_another_persons_account_is_refused() -> None:
    office = make_office()
    boss = make_employee("Chefin", user=make_user("chefin"), email="chefin@firma.example")
    make_account("chefin@firma.example", employees=(boss,))
    document = make_invoice()
    with pytest.raises(DispatchRefused, match=r"chefin@firma\.example"):
        send(office, document, sender_email="chefin@firma.example")
    assert nothing_happened(document)


def test_the_users_own_address_is_a_sender() -> None:
    office = make_office()
    (row,) = send(office, make_invoice(), sender_email="petra@firma.example")
    _, mail = queued_mail(row)
    assert mail.from_ == (Mailbox("Petra Klein", "petra@firma.example"),)


def test_company_copies_are_added_once_and_bcc_stays_hidden() -> None:
    office = make_office()
    set_company(
        copy_recipient_1="buchhaltung@firma.example",
        copy_recipient_2="hans@huber.example",
        bcc_recipient="archiv@firma.example",
    )
    (row,) = send(office, make_invoice(), bcc=(Mailbox("", "still@firma.example"),))
    outgoing, mail = queued_mail(row)
    assert [box.email for box in mail.cc] == ["buchhaltung@firma.example"]
    assert set(outgoing.recipients.values_list("kind", "email")) == {
        (Recipient.Kind.TO, "hans@huber.example"),
        (Recipient.Kind.CC, "buchhaltung@firma.example"),
        (Recipient.Kind.BCC, "archiv@firma.example"),
        (Recipient.Kind.BCC, "still@firma.example"),
    }
    assert b"archiv@firma.example" not in read_raw(outgoing.message)


def test_the_projects_signature_and_template_are_used_and_a_placed_signature_stands_once() -> None:
    office = make_office()
    project = make_project(
        signature_active=True,
        signature_html="<p>Ihr Team Nord</p>",
        mail_template="<div>Kopf</div>{CONTENT}<div>Fuß</div>",
    )
    document = make_invoice(project=project)
    (row,) = send(office, document, html="<p>Oben</p><p>{SIGNATUR}</p><p>Unten</p>")
    _, mail = queued_mail(row)
    order = [mail.html.index(part) for part in ("Kopf", "Oben", "Team Nord", "Unten", "Fuß")]
    assert order == sorted(order)
    assert mail.html.count("Team Nord") == 1


def test_script_in_the_text_is_not_sent_and_values_are_escaped() -> None:
    office = make_office()
    set_company(name="Kraut & Rüben <GmbH>")
    (row,) = send(office, make_invoice(), html="<p>{FIRMA}</p><script>alert(1)</script>")
    _, mail = queued_mail(row)
    assert "script" not in mail.html
    assert "Kraut &amp; Rüben &lt;GmbH&gt;" in mail.html
    assert "Kraut & Rüben <GmbH>" in mail.text


def test_further_files_follow_the_document_in_order_with_their_names() -> None:
    office = make_office()
    files = (
        FilePart("Übersicht März – Größen.pdf", "application/pdf", b"%PDF-eins"),
        FilePart("Maße.txt", "text/plain", "äöü".encode()),
    )
    (row,) = send(office, make_invoice(number="400007"), files=files)
    outgoing, mail = queued_mail(row)
    assert [one.filename for one in mail.attachments] == [
        "RE400007.pdf",
        "Übersicht März – Größen.pdf",
        "Maße.txt",
    ]
    raw = read_raw(outgoing.message)
    assert read_part(raw, mail.attachments[2].path) == "äöü".encode()


def test_a_release_withdrawn_at_the_last_moment_stops_the_dispatch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = make_office()
    document = make_invoice()

    def withdraw_meanwhile(of: Document) -> Any:
        pdf = prepare_pdf(of)
        Document.objects.filter(pk=of.pk).update(state=Document.State.DRAFT)
        return pdf

    monkeypatch.setattr("documents.parcel.prepare_pdf", withdraw_meanwhile)
    with pytest.raises(DispatchRefused, match="gerade geändert"):
        send(office, document)
    assert nothing_happened(document)


@pytest.mark.django_db(transaction=True)
def test_a_failure_while_writing_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {"name": "Rechnung", "plural": "Rechnungen", "file_prefix": "RE"}
    # Other tests of this sort leave the database without what migrations had put there.
    DocumentKind.objects.get_or_create(key="rechnung", defaults=defaults)
    office = make_office()
    document = make_invoice()
    saved = Dispatch.save

    def fail_on_second(row: Dispatch, **options: Any) -> None:
        if row.channel == Channel.OTHER:
            raise RuntimeError
        assert transaction.get_connection().in_atomic_block
        saved(row, **options)

    monkeypatch.setattr(Dispatch, "save", fail_on_second)
    with pytest.raises(RuntimeError):
        send(office, document, Channel.MAIL, Channel.OTHER)
    assert nothing_happened(document)
