"""The pages of documents: who sees them, what they accept, what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from documents.dispatch_content import Channel
from documents.forms.document import DocumentForm
from documents.models import Dispatch, Document, DocumentKind
from documents.settle import settle_dispatches
from outbox.models import OutgoingMessage
from tests.documents.sending import Office, make_invoice, make_office, send
from tests.factories import make_address, make_contact, make_document, make_employee, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def office_client() -> tuple[Office, Client]:
    office = make_office()
    client = Client()
    client.force_login(office.user)
    return office, client


def form_values(*rows: dict[str, str], **values: str) -> dict[str, str]:
    """What the browser sends: the document's fields and the rows of positions."""
    data = {
        "address": "10002",
        "date": "2026-11-23",
        "pos-TOTAL_FORMS": str(len(rows)),
        "pos-INITIAL_FORMS": "0",
        **values,
    }
    for number, row in enumerate(rows):
        full = {"quantity": "1", "unit": "Stk.", "price": "0,00", "tax_rate": "19", **row}
        data |= {f"pos-{number}-{name}": value for name, value in full.items()}
    return data


def dispatch_values(**values: str) -> dict[str, str]:
    return {
        "press": "druck-1",
        "is_manual": "on",
        "manual_recipient": "Hans Huber <hans@huber.example>",
        "subject": "Rechnung {NUMMER}",
        "text": "<p>Guten Tag</p>",
        "by_mail": "on",
        "sender": "firma",
        **values,
    }


# Rights

SEEING = ("detail", "pdf", "history")
CHANGING = ("release", "withdraw")
EDITING = ("edit", "dispatch", "signature")


@pytest.mark.parametrize("role", ["admin", "staff", "support", "auditor"])
def test_everybody_sees_documents_and_staff_and_admins_change_them(role: str) -> None:
    client = client_of(role)
    document = make_invoice()
    may_edit = role in {"admin", "staff"}
    page = client.get(reverse("documents:detail", args=[document.pk])).content.decode()
    assert ("Dokument versenden" in page) is may_edit
    assert client.get(reverse("documents:list")).status_code == 200
    for name in SEEING:
        assert client.get(reverse(f"documents:{name}", args=[document.pk])).status_code == 200
    for name in CHANGING:
        expected = 302 if may_edit else 403
        assert client.post(reverse(f"documents:{name}", args=[document.pk])).status_code == expected
    for name in EDITING:
        found = client.get(reverse(f"documents:{name}", args=[document.pk])).status_code
        assert (found == 403) is not may_edit
    new = reverse("documents:create", args=["rechnung"])
    assert client.get(new).status_code == (200 if may_edit else 403)


def test_a_stranger_is_sent_to_the_login_and_a_missing_document_is_404() -> None:
    make_user()
    assert Client().get(reverse("documents:list")).status_code == 302
    assert client_of("staff").get(reverse("documents:detail", args=[4711])).status_code == 404
    unknown = reverse("documents:create", args=["unbekannt"])
    assert client_of("staff").get(unknown).status_code == 404


@pytest.mark.parametrize("name", ["release", "withdraw", "preview"])
def test_what_changes_something_is_no_link(name: str) -> None:
    document = make_invoice()
    url = reverse(f"documents:{name}", args=[document.pk])
    assert client_of("staff").get(url).status_code == 405


# List


def test_the_list_finds_by_kind_state_number_address_and_article() -> None:
    huber = make_address("Huber & Söhne GmbH", number="10002")
    first = make_invoice(number="400001", address=huber)
    second = make_document(
        "angebot",
        number="100001",
        address=make_address("Maier AG"),
        positions=(("Zahnrad", "1", "1", "19"),),
    )
    client = client_of("support")

    def found(**query: str) -> set[str]:
        response = client.get(reverse("documents:list"), query)
        return {str(row.document) for row in response.context["rows"]}

    assert found() == {str(first), str(second)}
    for query in ("400001", "re400001", "söhne", "10002", "kugellager huber"):
        assert found(q=query) == {str(first)}, query
    assert found(q="zahnrad") == {str(second)}
    assert found(art="angebot") == {str(second)}
    assert found(status="freigegeben") == {str(first)}
    assert found(adresse=str(huber.pk)) == {str(first)}
    Document.objects.filter(pk=first.pk).update(date="2026-03-31")
    assert found(von="2026-03-01", bis="2026-03-31") == {str(first)}
    assert found(bis="2026-03-30") == set()
    assert found(von="2026-04-01", bis="unsinn") == {str(second)}
    assert found(q="huber zahnrad") == set()
    assert found(status="quatsch", adresse="x", art="quatsch") == set()


def test_the_list_pages_by_fifty_and_needs_the_same_queries_for_one_and_fifty(
    django_assert_max_num_queries: Callable[[int], CaptureQueriesContext],
) -> None:
    client = client_of("staff")
    make_invoice()
    client.get(reverse("documents:list"))
    with django_assert_max_num_queries(15) as one:
        client.get(reverse("documents:list"))
    for _ in range(55):
        make_invoice()
    with django_assert_max_num_queries(15) as many:
        page = client.get(reverse("documents:list"))
    assert len(many) == len(one)
    assert len(page.context["rows"]) == 50
    assert "page=2" in page.content.decode()


def test_an_empty_list_and_an_empty_search_say_so() -> None:
    client = client_of("staff")
    assert "Noch gibt es keinen Beleg" in client.get(reverse("documents:list")).content.decode()
    searched = client.get(reverse("documents:list"), {"q": "nichts"}).content.decode()
    assert "Dazu gibt es keinen Beleg." in searched


# Form


def test_a_document_is_created_with_the_next_number_and_german_amounts() -> None:
    address = make_address(number="10002")
    make_invoice(number="400000", address=address)  # given by hand: passed over
    client = client_of("staff")
    url = reverse("documents:create", args=["rechnung"])
    assert "vielen Dank" in client.get(url).content.decode()
    rows = (
        {"text": "Kugellager", "quantity": "2,5", "price": "1.234,50"},
        {"text": ""},  # the empty row at the end
        {"text": "Weg damit", "DELETE": "on"},
        {"text": "Fracht", "price": "10", "tax_rate": "7"},
    )
    response = client.post(url, form_values(*rows))
    document = Document.objects.latest("pk")
    assert response.headers["Location"] == reverse("documents:detail", args=[document.pk])
    assert (document.number, document.state) == ("400001", Document.State.DRAFT)
    stored = document.positions.values_list("text", "quantity", "price", "tax_rate")
    assert [tuple(map(str, row)) for row in stored] == [
        ("Kugellager", "2.500", "1234.50", "19.0"),
        ("Fracht", "1.000", "10.00", "7.0"),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"address": ""}, "zwingend"),
        ({"address": "99999"}, "Diese Adresse gibt es nicht"),
        ({"date": "morgen"}, "gültiges Datum"),
        ({"number": "400500"}, "Diese Nummer ist schon vergeben."),
        ({"pos-0-price": "viel"}, "Zahl"),
        ({"pos-0-text": ""}, "zwingend"),
        ({"pos-0-tax_rate": "-1"}, "größer"),
        ({"contact": "4711"}, "gültige Auswahl"),
    ],
)
def test_a_wrong_form_is_answered_with_422_and_the_reason(
    changed: dict[str, str], said: str
) -> None:
    make_invoice(number="400500", address=make_address(number="10002"))
    values = form_values({"text": "Kugellager", "price": "9,90"}) | changed
    response = client_of("staff").post(reverse("documents:create", args=["rechnung"]), values)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert "Bitte 1 Angabe prüfen" in response.content.decode()
    assert Document.objects.count() == 1


def test_the_contact_person_must_belong_to_the_address() -> None:
    make_address(number="10002")
    foreign = make_contact(make_address(number="10003"), "Fremder")
    values = form_values({"text": "x"}, contact=str(foreign.pk))
    response = client_of("staff").post(reverse("documents:create", args=["rechnung"]), values)
    assert response.status_code == 422


def test_the_same_number_given_twice_at_once_is_refused_and_not_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_invoice(number="400500", address=make_address(number="10002"))
    monkeypatch.setattr(DocumentForm, "clean_number", lambda form: form.cleaned_data["number"])
    response = client_of("staff").post(
        reverse("documents:create", args=["rechnung"]), form_values({"text": "x"}, number="400500")
    )
    assert response.status_code == 422
    assert "Diese Nummer ist schon vergeben." in response.content.decode()
    assert Document.objects.count() == 1


def test_a_delivery_note_asks_for_no_prices() -> None:
    make_address(number="10002")
    client = client_of("staff")
    url = reverse("documents:create", args=["lieferschein"])
    assert "pos-0-price" not in client.get(url).content.decode()
    client.post(url, form_values({"text": "Kugellager", "quantity": "3"}))
    (position,) = Document.objects.get().positions.all()
    assert str(position) == "Kugellager"


def test_editing_keeps_number_and_unchanged_rows_and_replaces_the_rest() -> None:
    document = make_document(
        number="400009",
        address=make_address(number="10002"),
        positions=(("Bleibt", "1", "5", "19"), ("Geht", "1", "5", "19")),
    )
    client = client_of("staff")
    url = reverse("documents:edit", args=[document.pk])
    assert "Bleibt" in client.get(url).content.decode()
    rows = ({"text": "Bleibt", "price": "5,00"}, {"text": "Geht", "DELETE": "on"}, {"text": "Neu"})
    values = form_values(*rows, **{"pos-INITIAL_FORMS": "2", "number": "1"})
    assert client.post(url, values).status_code == 302
    document.refresh_from_db()
    assert document.number == "400009"
    assert [position.text for position in document.positions.all()] == ["Bleibt", "Neu"]


def test_a_released_document_cannot_be_edited_until_the_release_is_withdrawn() -> None:
    document = make_invoice(address=make_address(number="10002"))
    client = client_of("staff")
    edit = reverse("documents:edit", args=[document.pk])
    detail = reverse("documents:detail", args=[document.pk])
    answer = client.post(edit, form_values({"text": "Heimlich"}), follow=True)
    assert answer.redirect_chain == [(detail, 302)]
    assert "Nehmen Sie die Freigabe zurück" in answer.content.decode()
    assert not document.positions.filter(text="Heimlich").exists()
    client.post(reverse("documents:withdraw", args=[document.pk]))
    assert client.get(edit).status_code == 200


def test_release_needs_a_position_and_withdrawing_ends_with_the_first_dispatch() -> None:
    office, client = office_client()
    empty = make_document(positions=())
    release = reverse("documents:release", args=[empty.pk])
    assert "keine Position" in client.post(release, follow=True).content.decode()
    empty.refresh_from_db()
    assert empty.is_draft

    document = make_invoice()
    send(office, document, Channel.PHONE)
    withdraw = reverse("documents:withdraw", args=[document.pk])
    assert "schon abgeschickt" in client.post(withdraw, follow=True).content.decode()
    document.refresh_from_db()
    assert document.is_sent


def test_an_own_pdf_is_checked_shown_and_sent_instead_of_the_letter() -> None:
    _, client = office_client()
    make_address(number="10002")
    url = reverse("documents:create", args=["rechnung"])
    own = b"%PDF-1.4 eigener Inhalt"
    values: dict[str, Any] = {**form_values(), "own_pdf": SimpleUploadedFile("x.pdf", b"MZ")}
    assert "keine PDF-Datei" in client.post(url, values).content.decode()
    values["own_pdf"] = SimpleUploadedFile("x.pdf", own)
    client.post(url, values)
    document = Document.objects.get()
    pdf = client.get(reverse("documents:pdf", args=[document.pk]))
    assert pdf.content == own
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Content-Disposition"] == f'inline; filename="RE{document.number}.pdf"'
    client.post(
        reverse("documents:edit", args=[document.pk]), {**form_values(), "remove_own_pdf": "on"}
    )
    document.refresh_from_db()
    assert document.own_pdf_sha256 == ""


def test_sums_suggestions_and_contacts_answer_while_one_types() -> None:
    client = client_of("staff")
    address = make_address("Huber & Söhne GmbH", number="10002")
    make_contact(address, "Eva Groß")
    make_address("Maier AG", number="10003")
    rows = ({"text": "a", "price": "100"}, {"text": "b", "price": "noch nich"})
    sums = client.post(reverse("documents:totals"), form_values(*rows)).content.decode()
    assert "119,00 €" in sums
    typed = client.get(reverse("documents:address_suggestions"), {"address": "söhne"})
    assert "10002 – Huber &amp; Söhne GmbH" in typed.content.decode()
    assert "Maier" not in typed.content.decode()
    contacts = client.get(
        reverse("documents:contact_options"), {"address": "10002 – Huber & Söhne GmbH"}
    )
    assert "Eva Groß" in contacts.content.decode()
    nobody = client.get(reverse("documents:contact_options"), {"address": "99"})
    assert nobody.status_code == 200


# abschicken


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
