"""Passwords and tokens that everything was done with stand nowhere in clear: log, database, pages."""

from __future__ import annotations

import base64
import logging
import re
import sqlite3
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from company.models import User
from intake.poll import poll_account
from mailaccounts import oauth_sign_in
from mailaccounts.models import AccountLink, MailAccount, OAuthGrant
from mailaccounts.oauth_apps import save_oauth_app
from outbox.deliver import deliver_account
from outbox.models import Attempt
from tests.factories import make_account
from tests.intake.mailbox import make_mail
from tests.outbox.outgoing import queue
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tests.servers.scripted import imap_script, run_scripted, smtp_script
from tests.servers.smtp_sink import PASSWORD as SINK_PASSWORD
from tests.servers.smtp_sink import Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.dovecot]

WRONG = "falsches-Kennwort-Zyx987"
USER_PASSWORD = "Anmelde-Kennwort-Qwe456"
FILE = """
[[users]]
username = "chefin"
email = "chefin@firma.example"
role = "admin"
password = "env:CHEF_PASSWORD"

[[accounts]]
email = "{email}"
display_name = "Support"
description = "Support"
default = true

[accounts.imap]
host = "localhost"
port = {imap_port}
encryption = "ssl"
username = "{email}"
password = "env:IMAP_PASSWORD"

[accounts.smtp]
enabled = true
host = "127.0.0.1"
port = {smtp_port}
encryption = "none"
password = "env:SMTP_PASSWORD"
username = "user"
debug = true

[accounts.tickets]
enabled = true
since_date = "alle"

[[accounts]]
email = "kaputt@firma.example"
display_name = "Kaputt"

[accounts.imap]
host = "127.0.0.1"
port = {scripted_port}
encryption = "none"
password = "env:WRONG_PASSWORD"

[accounts.smtp]
enabled = true
host = "127.0.0.1"
port = {scripted_smtp_port}
encryption = "none"
debug = true
"""


def database_dump() -> str:
    """Every value of every table, as SQLite would write it out."""
    connection.ensure_connection()
    native = connection.connection
    if isinstance(native, sqlite3.Connection):
        return "\n".join(native.iterdump())
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(repr(cursor.fetchall()))
    return "\n".join(found)


def sign_in_with_google(user: User, server: AuthorizationServer) -> None:
    server.redirect_uris = (oauth_sign_in.redirect_uri("google"),)
    start = oauth_sign_in.begin_sign_in("google", login_hint="")
    answer = server.sign_in(start.url, "anna@firma.example")
    oauth_sign_in.finish_sign_in(user=user, key="google", answer=answer, start=start, account=None)
    # Once more from the refresh token, and once in vain.
    account = make_account(
        "anna@firma.example",
        imap_host="localhost",
        imap_encryption="ssl",
        imap_auth="google",
        imap_port=1,
        smtp_enabled=False,
        oauth_grant=OAuthGrant.objects.get(),
    )
    OAuthGrant.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    poll_account(account.pk)
    server.revoke_grants("anna@firma.example")
    OAuthGrant.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    AccountLink.objects.filter(account=account).update(next_attempt_at=None)
    poll_account(account.pk)


def _is_ours(record: logging.LogRecord) -> bool:
    """Not of the test's own servers, which know all passwords."""
    return record.name not in {"mail.log", "asyncio"}


def test_no_secret_in_clear_anywhere(
    client: Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    dovecot: Dovecot,
    mailbox: str,
    smtp_sink: Sink,
    authorization: AuthorizationServer,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(_is_ours)
    settings.TLS_CA_FILE = dovecot.ca_file
    settings.OAUTH_GOOGLE_URL = authorization.base_url
    for name, value in (
        ("CHEF_PASSWORD", USER_PASSWORD),
        ("IMAP_PASSWORD", PASSWORD),
        ("SMTP_PASSWORD", SINK_PASSWORD),
        ("WRONG_PASSWORD", WRONG),
    ):
        monkeypatch.setenv(name, value)
    told = StringIO()
    imap = imap_script(
        {"LOGIN": f"{{tag}} NO [AUTHENTICATIONFAILED] {WRONG} is wrong\r\n"},
        capabilities="IMAP4rev1",
    )
    smtp = smtp_script({"AUTH": f"535 5.7.8 {WRONG} is wrong\r\n"})
    with run_scripted(imap) as bad_imap, run_scripted(smtp) as bad_smtp:
        file = tmp_path / "firma.toml"
        file.write_text(
            FILE.format(
                email=mailbox,
                imap_port=dovecot.imaps_port,
                smtp_port=smtp_sink.port,
                scripted_port=bad_imap.port,
                scripted_smtp_port=bad_smtp.port,
            )
        )
        call_command("provision", str(file), stdout=told)
        good, bad = MailAccount.objects.order_by("pk")
        dovecot.deliver(mailbox, make_mail(1))
        assert poll_account(good.pk).counts.done == 1
        queue(good)
        assert deliver_account(good.pk).sent == 1
        for _ in range(3):
            AccountLink.objects.update(next_attempt_at=None)
            assert poll_account(bad.pk).error is not None
        queue(bad)
        assert deliver_account(bad.pk).sent == 0
        assert any(WRONG in line for line in bad_imap.heard)  # it really was sent
        save_oauth_app("google", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        chef = User.objects.get(username="chefin")
        sign_in_with_google(chef, authorization)
        client.force_login(chef)
        pages = [
            client.get(address).content.decode()
            for address in (
                *(reverse("mailaccounts:edit", args=[account.pk]) for account in (good, bad)),
                reverse("mailaccounts:list"),
                reverse("mailaccounts:export"),
                reverse("mailaccounts:oauth_apps"),
                reverse("mailaccounts:oauth_mailboxes", args=["google"]),
                reverse("outbox:list"),
                reverse("system_state"),
                reverse("company:settings"),
            )
        ]

    tokens = {body[key] for _path, body in authorization.requests for key in _TOKENS & body.keys()}
    assert len(tokens) >= 3
    assert authorization.refreshes() == 2
    transcripts = "\n".join(Attempt.objects.values_list("transcript", flat=True))
    assert "AUTH" in transcripts
    output = "".join(
        line for line in "".join(capfd.readouterr()).splitlines() if "mail.log" not in line
    )
    places = {
        "log": caplog.text,
        "output": output + told.getvalue(),
        "database": database_dump(),
        "pages": "\n".join(pages),
        "transcripts": transcripts,
    }
    plain = base64.b64encode(f"\0user\0{SINK_PASSWORD}".encode()).decode()  # as AUTH PLAIN says it
    secrets = {plain, PASSWORD, SINK_PASSWORD, WRONG, USER_PASSWORD, CLIENT_SECRET, *tokens}
    access_tokens = set(authorization._access_tokens)
    assert access_tokens
    for place, text in places.items():
        assert text.strip(), place
        for secret in secrets | access_tokens:
            # As a word of its own: the test servers' password is one of the German language too.
            found = re.search(rf"(?<!\w){re.escape(secret)}(?![\w~])", text)
            assert found is None, f"in clear in {place}: {text[found.start() - 80 : found.end()]}"


_TOKENS = {"refresh_token", "code", "client_secret"}
