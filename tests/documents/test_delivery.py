"""„Versandvorgaben“: kept per address and kind, and offered by „abschicken“."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from company.models import Address
from documents.forms.dispatch import DispatchForm
from documents.models import DeliveryPreference, DocumentKind
from tests.documents.sending import make_invoice, make_office
from tests.factories import make_address, make_contact, make_user

pytestmark = pytest.mark.django_db


def kind_of(key: str) -> DocumentKind:
    return DocumentKind.objects.get(key=key)


def page_of(address: Address) -> str:
    return reverse("documents:delivery", args=[address.pk])


def values_for(key: str, **values: str) -> dict[str, str]:
    return {f"kind-{kind_of(key).pk}-{name}": value for name, value in values.items()}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user())
    return client


class TestPage:
    def test_the_address_leads_to_it(self, staff: Client) -> None:
        address = make_address()
        page = staff.get(reverse("company:addresses_edit", args=[address.pk]))
        assert page_of(address) in page.content.decode()

    def test_it_has_a_card_for_every_kind(self, staff: Client) -> None:
        html = staff.get(page_of(make_address())).content.decode()
        assert all(f"<h2>{kind}</h2>" in html for kind in DocumentKind.objects.all())

    def test_what_is_filled_in_is_kept_and_what_is_emptied_is_gone(self, staff: Client) -> None:
        address = make_address()
        filled = values_for("rechnung", recipient_email="a@huber.example", cc="b@huber.example")
        fax = values_for("angebot", fax="0821 5", channel="fax")
        assert staff.post(page_of(address), filled | fax).status_code == 302
        kept = DeliveryPreference.objects.get(kind__key="rechnung")
        assert (kept.address, kept.recipient_email, kept.cc) == (
            address,
            "a@huber.example",
            "b@huber.example",
        )
        assert "a@huber.example" in staff.get(page_of(address)).content.decode()
        assert staff.post(page_of(address), fax).status_code == 302
        assert [one.kind.key for one in DeliveryPreference.objects.all()] == ["angebot"]

    def test_other_addresses_keep_theirs(self, staff: Client) -> None:
        other = make_address("Andere GmbH")
        DeliveryPreference.objects.create(address=other, kind=kind_of("rechnung"), fax="1")
        staff.post(page_of(make_address()), {})
        assert DeliveryPreference.objects.get().address == other

    @pytest.mark.parametrize(
        ("field", "value", "complaint"),
        [
            ("recipient_email", "kein at", "E-Mail"),
            ("cc", "a@b.de, quatsch@", "„quatsch@“ ist keine gültige E-Mail-Adresse."),
            ("channel", "taube", "taube"),
        ],
    )
    def test_bad_values_are_refused_and_nothing_is_kept(
        self, staff: Client, field: str, value: str, complaint: str
    ) -> None:
        good = values_for("angebot", fax="0821 5")
        response = staff.post(
            page_of(make_address()), good | values_for("rechnung", **{field: value})
        )
        assert response.status_code == 422
        assert complaint in response.content.decode()
        assert not DeliveryPreference.objects.exists()

    def test_auditors_read_it_only(self, client: Client) -> None:
        address = make_address()
        client.force_login(make_user(role="auditor"))
        html = client.get(page_of(address)).content.decode()
        assert "savebar" not in html
        assert "disabled" in html
        assert client.post(page_of(address), {}).status_code == 403


class TestDialog:
    def form_for(self, kind: str = "rechnung", **values: str) -> DispatchForm:
        office = make_office()
        invoice = make_invoice()
        DeliveryPreference.objects.create(address=invoice.address, kind=kind_of(kind), **values)
        return DispatchForm(document=invoice, user=office.user)

    def test_recipient_and_copy_are_filled_in(self) -> None:
        form = self.form_for(recipient_email="buch@huber.example", cc="chef@huber.example")
        assert str(form.recipients[0][1]) == "Huber & Söhne GmbH <buch@huber.example>"
        assert form["cc"].value() == "chef@huber.example"
        assert form["by_mail"].value()
        html = str(form["recipient"])
        assert html.index("buch@huber.example") < html.index("info@huber.example")

    def test_a_recipient_who_is_known_already_is_offered_once_by_name(self) -> None:
        office = make_office()
        invoice = make_invoice()
        make_contact(invoice.address, "Berta Buch", email="Buch@huber.example")
        DeliveryPreference.objects.create(
            address=invoice.address, kind=invoice.kind, recipient_email="buch@huber.example"
        )
        form = DispatchForm(document=invoice, user=office.user)
        names = [mailbox.name for _key, mailbox in form.recipients]
        assert names[0] == "Berta Buch"
        assert names.count("Berta Buch") == 1
        assert sorted(names[1:]) == ["Hans Huber", "Huber & Söhne GmbH"]

    def test_the_preferred_recipient_is_who_the_mail_goes_to(self) -> None:
        form = self.form_for(recipient_email="buch@huber.example")
        data = {
            "press": "p" * 20,
            "recipient": form.recipients[0][0],
            "by_mail": "on",
            "sender": "firma",
            "subject": "Rechnung",
            "text": "Guten Tag",
        }
        sent = DispatchForm(data, document=form.document, user=form.user)
        assert sent.is_valid(), sent.errors
        assert [one.email for one in sent.content().to] == ["buch@huber.example"]

    def test_another_kind_is_not_meant(self) -> None:
        form = self.form_for("angebot", recipient_email="buch@huber.example", channel="phone")
        assert "buch@huber.example" not in str(form["recipient"])
        assert form["by_mail"].value()
        assert not form.preference_hint

    @pytest.mark.parametrize("channel", ["phone", "other"])
    def test_the_preferred_way_is_ticked_instead_of_the_mail(self, channel: str) -> None:
        form = self.form_for(channel=channel)
        assert form[f"by_{channel}"].value()
        assert not form["by_mail"].value()

    def test_whoever_wants_a_fax_gets_no_mail_by_habit(self) -> None:
        form = self.form_for(channel="fax", fax="0821 77")
        assert not form["by_mail"].value()
        assert form.preference_hint == "Versandweg Fax, Faxnummer 0821 77"

    def test_the_dialog_shows_the_hint(self, client: Client) -> None:
        form = self.form_for(recipient_email="buch@huber.example", cc="chef@huber.example")
        client.force_login(form.user)
        page = client.get(reverse("documents:dispatch", args=[form.document.pk]))
        assert (
            "Vorgabe der Adresse für Rechnung: an buch@huber.example, CC chef@huber.example"
            in page.content.decode()
        )
