"""„abschicken“ and what the page of a document says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from documents.dispatch_content import Channel
from documents.models import Dispatch, DocumentKind
from documents.settle import settle_dispatches
from outbox.models import OutgoingMessage
from tests.documents.screens import HTMX, client_of, dispatch_values, office_client
from tests.documents.sending import make_invoice, send
from tests.factories import make_address, make_contact, make_employee, make_user

pytestmark = pytest.mark.django_db


def test_the_dialog_suggests_recipient_text_sender_and_signature() -> None:
    _, client = office_client()
    document = make_invoice(number="400042")
    url = reverse("documents:dispatch", args=[document.pk])
    dialog = client.get(url, headers=HTMX).content.decode()
    assert dialog.lstrip().startswith("<dialog")
    for part in (
        "Rechnung 400042 abschicken",
        "Hans Huber &lt;hans@huber.example&gt;",
        "Huber &amp; Söhne GmbH &lt;info@huber.example&gt;",
        "Ihre Rechnung 400042 von Musterfirma GmbH",
        "Sehr geehrter Herr Huber",
        "Firma – rechnung@firma.example",
        "Benutzer – petra@firma.example",
        "Als versendet markieren",
    ):
        assert part in dialog
    assert dialog.index("Hans Huber &lt;") < dialog.index("info@huber.example")
    whole_page = client.get(url).content.decode()
    assert "<html" in whole_page
    assert "data-open" in whole_page


def test_without_a_known_address_the_dialog_asks_for_one() -> None:
    _, client = office_client()
    document = make_invoice(address=make_address("Maier AG"))
    url = reverse("documents:dispatch", args=[document.pk])
    dialog = client.get(url, headers=HTMX).content.decode()
    assert "Zu „Maier AG“ ist keine E-Mail-Adresse hinterlegt." in dialog
    assert 'id="manual-recipient">' in dialog
    assert "id_recipient" not in dialog


def test_sending_from_the_dialog_queues_once_and_shows_a_line_per_channel() -> None:
    _, client = office_client()
    document = make_invoice()
    url = reverse("documents:dispatch", args=[document.pk])
    upload = SimpleUploadedFile("Übersicht März.txt", b"hallo")
    for _ in range(2):
        upload.seek(0)
        response = client.post(
            url,
            {**dispatch_values(by_phone="on", note="Bescheid"), "attachments": upload},
            headers=HTMX,
        )
        assert response.status_code == 200
        assert response.headers["HX-Retarget"] == "#dialog-slot"
    page = response.content.decode()
    assert "wartet" in page
    assert "Telefongespräch" in page
    assert 'hx-swap-oob="true"' in page
    outgoing = OutgoingMessage.objects.get()
    names = outgoing.message.attachments.values_list("filename", flat=True)
    assert list(names) == [document.file_name, "Übersicht März.txt"]
    assert Dispatch.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"manual_recipient": ""}, "manual_recipient", "Empfänger"),
        ({"manual_recipient": "hans@@x"}, "manual_recipient", "„hans@@x“"),
        ({"cc": "chef"}, "cc", "„chef“"),
        ({"bcc": "a@b.example, x@"}, "bcc", "„x@“"),
        ({"subject": ""}, "subject", "Betreff"),
        ({"text": "<p>{UNSINN}</p>"}, "text", "{UNSINN}"),
        ({"sender": "jemand"}, "sender", "Auswahl"),
        ({"by_mail": ""}, "by_mail", "Versandweg"),
    ],
)
def test_a_wrong_dialog_is_answered_with_422_at_the_field(
    changed: dict[str, str], field: str, said: str
) -> None:
    _, client = office_client()
    document = make_invoice()
    url = reverse("documents:dispatch", args=[document.pk])
    values = {name: value for name, value in dispatch_values(**changed).items() if value}
    response = client.post(url, values, headers=HTMX)
    assert response.status_code == 422
    assert said in " ".join(response.context["form"].errors[field])
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Dispatch.objects.exists()


def test_all_wrong_fields_are_named_at_once() -> None:
    _, client = office_client()
    url = reverse("documents:dispatch", args=[make_invoice().pk])
    values = dispatch_values(cc="chef", subject="{UNSINN}", text="")
    response = client.post(url, values, headers=HTMX)
    assert set(response.context["form"].errors) == {"cc", "subject", "text"}


def test_an_unreleased_document_is_refused_in_the_dialog_with_the_reason() -> None:
    _, client = office_client()
    document = make_invoice(is_released=False)
    url = reverse("documents:dispatch", args=[document.pk])
    assert "noch nicht freigegeben" in client.get(url, headers=HTMX).content.decode()
    response = client.post(url, dispatch_values(), headers=HTMX)
    assert response.status_code == 422
    assert "noch nicht freigegeben" in response.content.decode()


def test_a_sender_without_an_account_is_named_in_the_dialog() -> None:
    office, client = office_client()
    type(office.account).objects.update(smtp_enabled=False)
    document = make_invoice()
    url = reverse("documents:dispatch", args=[document.pk])
    assert "rechnung@firma.example" in client.get(url, headers=HTMX).content.decode()
    response = client.post(url, dispatch_values(), headers=HTMX)
    assert response.status_code == 422
    assert "sender" in response.context["form"].errors


def test_the_preview_is_the_very_mail_and_queues_nothing() -> None:
    _, client = office_client()
    document = make_invoice(number="400042")
    url = reverse("documents:preview", args=[document.pk])
    page = client.post(url, dispatch_values(cc="chef@huber.example"), headers=HTMX)
    text = page.content.decode()
    for part in (
        "Musterfirma GmbH &lt;rechnung@firma.example&gt;",
        "chef@huber.example",
        "Rechnung 400042",
        "Adresse des Accounts „Rechnungen“",
        "RE400042.pdf",
        "srcdoc=",
    ):
        assert part in text
    assert 'sandbox="allow-same-origin"' in text
    assert not OutgoingMessage.objects.exists()
    document.refresh_from_db()
    assert not document.is_frozen
    wrong = client.post(url, dispatch_values(subject=""), headers=HTMX)
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#dispatch-content")


def test_the_signature_follows_the_sender() -> None:
    office, client = office_client()
    office.account.signature_active = True
    office.account.signature_html = "<p>Buchhaltung</p>"
    office.account.save()
    url = reverse("documents:signature", args=[make_invoice().pk])
    page = client.get(url, {"sender": "firma"}, headers=HTMX).content.decode()
    assert "Buchhaltung" in page
    assert "Signatur des Accounts „Rechnungen“" in page


def test_the_page_says_what_became_of_it() -> None:
    office, client = office_client()
    document = make_invoice()
    url = reverse("documents:detail", args=[document.pk])
    assert "Die Rechnung wurde noch nicht versendet!" in client.get(url).content.decode()
    (row,) = send(office, document)
    page = client.get(url).content.decode()
    assert "data-poll=" in page
    assert "ist unterwegs" in page
    Dispatch.objects.update(state=Dispatch.State.FAILED)
    OutgoingMessage.objects.update(state=OutgoingMessage.State.FAILED, last_reply="550 Nein")
    page = client.get(url).content.decode()
    assert "data-poll=" not in page
    assert "wurde noch nicht versendet!" in page
    assert "550 Nein" in page
    assert reverse("outbox:detail", args=[row.outgoing_id]) in page


def test_polling_answers_only_when_something_changed() -> None:
    office, client = office_client()
    document = make_invoice()
    send(office, document, press="druck-9")
    detail = client.get(reverse("documents:detail", args=[document.pk]))
    history = reverse("documents:history", args=[document.pk])
    results = reverse("documents:results", args=[document.pk, "druck-9"])
    mark = {"stand": detail.context["fingerprint"]}
    assert client.get(history, mark, headers=HTMX).status_code == 204
    assert client.get(results, mark, headers=HTMX).status_code == 204
    OutgoingMessage.objects.update(state=OutgoingMessage.State.FAILED)
    settle_dispatches()
    page = client.get(history, mark, headers=HTMX).content.decode()
    assert "wurde noch nicht versendet!" in page
    assert "data-poll=" not in page
    assert "fehlgeschlagen" in client.get(results, mark, headers=HTMX).content.decode()


def test_a_protocol_is_offered_only_to_who_may_read_the_accounts_mail() -> None:
    office, client = office_client()
    document = make_invoice()
    (row,) = send(office, document)
    assert row.outgoing_id is not None
    protocol = reverse("outbox:detail", args=[row.outgoing_id])
    office.account.employees.add(make_employee("Chefin", user=make_user("chefin")))
    page = client.get(reverse("documents:detail", args=[document.pk])).content.decode()
    assert protocol not in page
    auditor = client_of("auditor").get(reverse("documents:detail", args=[document.pk]))
    assert protocol in auditor.content.decode()


def test_the_banner_speaks_proper_german_of_every_kind() -> None:
    articles = {kind.name: kind.with_article for kind in DocumentKind.objects.all()}
    assert articles == {
        "Angebot": "Das Angebot",
        "Auftrag": "Der Auftrag",
        "Lieferschein": "Der Lieferschein",
        "Rechnung": "Die Rechnung",
        "Gutschrift": "Die Gutschrift",
        "Bestellung": "Die Bestellung",
        "Retoure": "Die Retoure",
        "Proformarechnung": "Die Proformarechnung",
        "Brief": "Der Brief",
    }


def test_page_and_dialog_keep_the_budget_of_queries(
    django_assert_max_num_queries: Callable[[int], CaptureQueriesContext],
) -> None:
    office, client = office_client()
    document = make_invoice()
    for _ in range(8):
        send(office, document, Channel.MAIL, Channel.PHONE)
    with django_assert_max_num_queries(15):
        client.get(reverse("documents:detail", args=[document.pk]))
    dialog = reverse("documents:dispatch", args=[document.pk])
    with django_assert_max_num_queries(24) as few:
        client.get(dialog, headers=HTMX)
    for _ in range(20):
        make_contact(document.address)
    with django_assert_max_num_queries(24) as many:
        client.get(dialog, headers=HTMX)
    assert len(many) == len(few)
