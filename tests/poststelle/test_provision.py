"""Provisioning: creates, updates, shows differences, complains with line and field."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from company.models import Address, CompanySettings, Queue, SettingsChange, User
from documents.models import DeliveryPreference
from mailaccounts.connect import imap_login, smtp_login
from mailaccounts.models import MailAccount
from mailaccounts.oauth_apps import oauth_app
from mailaccounts.set_up_local_server import is_local
from poststelle.provision.read import ProvisionError, read_file
from poststelle.provision.spec import BLOCKS

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "firma.toml"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_PASSWORD", "PETRA_PASSWORD", "SUPPORT_PASSWORD"):
        monkeypatch.setenv(name, f"secret-of-{name.lower()}")


def provision(file: Path, *options: str) -> str:
    out = StringIO()
    call_command("provision", str(file), *options, stdout=out)
    return out.getvalue()


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = EXAMPLE.read_text()
    assert old in text
    file = tmp_path / "firma.toml"
    file.write_text(text.replace(old, new, 1))
    return file


def test_the_example_creates_everything_and_a_second_run_changes_nothing() -> None:
    provision(EXAMPLE)
    account = MailAccount.objects.get(email="support@beispiel.de")
    assert account.queue == Queue.objects.get(key="support")
    assert account.tickets_enabled
    assert account.archive_enabled
    assert account.autoresponder.is_active
    assert [(f.name, f.purpose) for f in account.folders.all()] == [
        ("INBOX", "tickets"),
        ("Gesendet", "archive"),
    ]
    assert [s.pattern for s in account.allowed_senders.all()] == ["info@beispiel.de"]
    assert imap_login(account).password == "secret-of-support_password"
    assert smtp_login(account).password == "secret-of-support_password"
    assert [str(right) for right in account.rights.all()] == ["Petra Klein: lesen, senden"]
    assert CompanySettings.load().name == "Musterfirma GmbH"
    assert User.objects.get(username="petra").check_password("secret-of-petra_password")
    assert Address.objects.get(number="10002").contacts.get().email == "hans@huberhausen.de"
    wanted = DeliveryPreference.objects.get(address__number="10002", kind__key="rechnung")
    assert (wanted.recipient_email, wanted.channel) == ("buchhaltung@huberhausen.de", "mail")
    assert "0 Änderungen" in provision(EXAMPLE)


def test_a_change_is_shown_by_check_and_applied_only_without_it(tmp_path: Path) -> None:
    provision(EXAMPLE)
    file = changed(tmp_path, "port = 993", "port = 1993")
    with pytest.raises(SystemExit) as leaving:
        provision(file, "--check")
    assert leaving.value.code == 2
    assert MailAccount.objects.get().imap_port == 993
    told = provision(file)
    assert "imap_port: 993 → 1993" in told.replace("port: 993", "imap_port: 993")
    assert MailAccount.objects.get().imap_port == 1993


def test_what_a_file_changes_is_logged_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(EXAMPLE)
    assert SettingsChange.objects.filter(kind="account", after="angelegt").count() == 1
    SettingsChange.objects.all().delete()
    provision(EXAMPLE)
    assert not SettingsChange.objects.exists()
    monkeypatch.setenv("PETRA_PASSWORD", "another-secret")
    monkeypatch.setenv("SUPPORT_PASSWORD", "another-secret")
    provision(changed(tmp_path, "send = true", "send = false"))
    lines = {(c.label, c.field): (c.before, c.after) for c in SettingsChange.objects.all()}
    assert lines == {
        ("petra", "Passwort"): ("", "geändert"),
        ("Sammelaccount Support", "IMAP: Passwort"): ("", "geändert"),
        ("Sammelaccount Support", "Rechte"): ("petra: lesen, senden", "petra: lesen"),
    }
    assert {c.user_name for c in SettingsChange.objects.all()} == {"Einrichtungsdatei"}
    SettingsChange.objects.all().delete()
    with pytest.raises(SystemExit):
        provision(changed(tmp_path, "port = 993", "port = 1993"), "--check")
    assert not SettingsChange.objects.exists()


def test_secrets_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provision(EXAMPLE)
    monkeypatch.setenv("SUPPORT_PASSWORD", "another-secret")
    told = provision(EXAMPLE)
    assert "imap.password" in told
    assert "another-secret" not in told
    assert "secret-of" not in told


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("port = 993", "prt = 993", r"accounts\.imap\.prt: unbekannt\. Meinten Sie „port“\?"),
        ("port = 993", "port = 99399", "65535"),
        ("port = 993", "port =", "kein gültiges TOML"),
        ('role = "admin" ', 'role = "chef" ', "role"),
        ('queue = "support"', 'queue = "suport"', "Warteschlange „suport“ gibt es nicht"),
        ("days = 0 ", 'days = "x" ', "days"),
        ("enabled = true\nproject", 'enabled = "ja"\nproject', "true oder false"),
        ('password = "env:SUPPORT', 'password = "env:NIRGENDS_', "NIRGENDS_.*nicht gesetzt"),
        ('name = "Vertrieb Nord"', "name = 7", "Text in Anführungszeichen"),
        ('user = "petra"\nread', 'user = "niemand"\nread', "Benutzer „niemand“ gibt es nicht"),
        (
            '[[accounts.rights]]\nuser = "petra"\nread = true\nsend = true',
            '[[accounts.rights]]  # keines\nuser = "petra"',
            "mindestens ein Recht",
        ),
        ('channel = "mail" ', 'channel = "taube" ', r"delivery\.channel.*taube"),
        ("[[projects]]", "[[projekte]]", "projekte: unbekannt. Meinten Sie „projects“"),
    ],
)
def test_bad_values_name_line_and_field_and_change_nothing(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    file = changed(tmp_path, old, new)
    line = file.read_text()[: file.read_text().index(new)].count("\n") + 1 + new.count("\n") // 2
    with pytest.raises(CommandError) as refusal:
        provision(file)
    message = str(refusal.value)
    assert message.startswith(f"firma.toml: Zeile {line}")
    assert re.search(complaint, message)
    assert not User.objects.exists()
    assert not MailAccount.objects.exists()


def test_a_list_where_one_table_is_expected(tmp_path: Path) -> None:
    file = changed(tmp_path, "[company]", "[[company]]")
    with pytest.raises(ProvisionError, match="nur einmal"):
        read_file(file)


def test_every_setting_of_an_account_can_be_provisioned() -> None:
    """A new field of the account needs a key here, or a reason to be left out."""
    left_out = {"id", "paused_at", "archived_at", "created_at", "updated_at"}
    left_out |= {"oauth_grant"}  # a person signs in, in a browser
    block = next(block for block in BLOCKS if block.name == "accounts")
    reachable = set(block.fields.values()) | {name for name, _ in block.references.values()}
    for part in block.parts:
        reachable |= set(part.fields.values()) | {name for name, _ in part.references.values()}
    fields = {field.name for field in MailAccount._meta.get_fields() if not field.auto_created}
    assert fields - reachable - left_out == set()


def test_registrations_with_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_SECRET", "g-geheim-1")
    file = tmp_path / "firma.toml"
    text = """
[company]
name = "Musterfirma GmbH"

[company.google]
client_id = "123.apps"
client_secret = "env:GOOGLE_SECRET"

[company.microsoft]
client_id = "abc"
client_secret = "m-geheim-2"
tenant = "Firma.example"
"""
    file.write_text(text)
    told = provision(file)
    assert "geheim" not in told
    assert oauth_app("google").client_secret == "g-geheim-1"
    microsoft = oauth_app("microsoft")
    assert (microsoft.client_secret, microsoft.tenant) == ("m-geheim-2", "firma.example")
    assert "0 Änderungen" in provision(file)
    monkeypatch.setenv("GOOGLE_SECRET", "g-geheim-9")
    assert "client_secret: *** → ***" in provision(file)
    assert oauth_app("google").client_secret == "g-geheim-9"
    for old, new, words in (
        ("Firma.example", "common", "company.microsoft.tenant"),
        ('client_id = "abc"\nclient_secret = "m-geheim-2"', 'client_id = "neu"', "Geheimnis"),
    ):
        file.write_text(text.replace(old, new))
        with pytest.raises(CommandError, match=words):
            provision(file)
    assert oauth_app("microsoft").client_id == "abc"


def test_the_local_mail_server_as_the_standard(tmp_path: Path) -> None:
    file = tmp_path / "firma.toml"
    file.write_text(
        """
[[accounts]]
email = "info@firma.example"
display_name = "Firma"
default = true

[accounts.imap]
enabled = false

[accounts.smtp]
enabled = true
host = "localhost"
port = 25
encryption = "none"
auth = "none"
"""
    )
    provision(file)
    account = MailAccount.objects.get()
    assert is_local(account)
    assert account.is_default
    assert smtp_login(account).password == ""
