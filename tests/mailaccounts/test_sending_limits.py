"""What the usual providers allow: recognised by the SMTP host, offered, and left to the person."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from mailaccounts.limit_hint import limit_hint
from mailcore.discovery_presets import PRESETS
from mailcore.sending_limits import limits_of
from tests.factories import make_account, make_user


@pytest.mark.parametrize(
    ("host", "address", "expected"),
    [
        ("smtp.gmail.com", "info@firma.de", (3, None, 2_000)),
        ("SMTP.GMAIL.COM.", "hans@gmail.com", (1, None, 500)),
        ("smtp.office365.com", "info@firma.de", (3, 30, 10_000)),
        ("smtp.ionos.de", "info@firma.de", (2, 8, None)),
        ("smtp.strato.de", "info@firma.de", (1, 30, None)),
        ("mail.gmx.net", "hans@gmx.de", (1, 20, 500)),
        ("smtp.web.de", "hans@web.de", (1, 20, 500)),
        ("securesmtp.t-online.de", "hans@t-online.de", (1, 20, 1_000)),
        ("mail.firma.de", "info@firma.de", None),
        ("evilsmtp.gmail.com.example", "x@y.de", None),
        ("fakegmx.net", "x@y.de", None),
        ("", "", None),
    ],
)
def test_limits(host: str, address: str, expected: tuple[int, int | None, int | None]) -> None:
    found = limits_of(host, address)
    values = found and (found.connections, found.messages_per_minute, found.recipients_per_day)
    assert values == expected


def test_the_large_providers_of_the_discovery_are_known() -> None:
    unknown = [preset.name for preset in PRESETS if limits_of(preset.smtp.host) is None]
    assert set(unknown) <= {"mailbox.org", "Posteo", "Hetzner", "ALL-INKL.COM"}


@pytest.mark.django_db
def test_the_account_page_offers_them_until_they_are_taken(client: Client) -> None:
    client.force_login(make_user(role="admin"))
    account = make_account("info@firma.de", smtp_host="smtp.office365.com")
    page = reverse("mailaccounts:edit", args=[account.pk])
    html = client.get(page).content.decode()
    assert "3 gleichzeitige Verbindungen, 30 Nachrichten je Minute, 10.000 Empfänger je Tag" in html
    hint = limit_hint(account)
    assert hint
    for field, value in json.loads(hint.fill).items():
        assert f'id="{field}"' in html
        setattr(account, field.removeprefix("id_smtp-"), int(value))
    account.save()
    again = limit_hint(account)
    assert again
    assert again.fill == ""
    account.messages_per_minute = 5  # a person knows better
    assert limit_hint(account).fill  # type: ignore[union-attr]
