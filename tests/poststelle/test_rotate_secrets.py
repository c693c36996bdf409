"""A new key: everything sealed with the old one is sealed anew, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db.models import TextField
from django.utils import timezone

from company import secrets
from company.models import CompanySettings, SecondFactor
from company.one_time_codes import code_at, new_secret, step_of
from company.second_factor import enable, take_code
from mailaccounts.connect import imap_login
from mailaccounts.models import MailAccount, OAuthGrant
from mailaccounts.oauth_apps import oauth_app, save_oauth_app
from poststelle.rotate_secrets import SEALED, rotate_secrets
from tests.factories import PASSWORD, make_account, make_user, set_company

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


Use = Callable[..., None]


@pytest.fixture(autouse=True)
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    """Sets the keys, newest first; the old one to begin with."""

    def set_keys(*keys: str) -> None:
        monkeypatch.setattr(settings, "SECRETS_KEYS", list(keys))
        secrets._fernets.cache_clear()

    set_keys(OLD)
    yield set_keys
    secrets._fernets.cache_clear()


def make_one_of_each() -> str:
    """A secret of every kind; returns that of the second factor."""
    account = make_account(smtp_auth="password")
    assert account.smtp_secret
    save_oauth_app("google", client_id="app", client_secret="google-secret")
    save_oauth_app("microsoft", client_id="app", client_secret="microsoft-secret")
    user, secret, now = make_user("petra"), new_secret(), timezone.now()
    assert enable(user, secret, code_at(secret, step_of(now.timestamp()) - 1))
    OAuthGrant.objects.create(
        user=user,
        provider="google",
        email="petra@firma.example",
        access_secret=secrets.seal("access", "grant"),
        refresh_secret=secrets.seal("refresh", "grant"),
        expires_at=now + timedelta(hours=1),
        refreshed_at=now,
    )
    return secret


def test_after_the_rotation_the_old_key_is_not_needed(use: Use) -> None:
    secret = make_one_of_each()
    use(NEW, OLD)
    out = StringIO()
    call_command("rotate_secrets", stdout=out)
    assert "MailAccount.imap_secret: 1 neu versiegelt, 0 waren es schon" in out.getvalue()
    use(NEW)
    assert imap_login(MailAccount.objects.get()).password == PASSWORD
    assert oauth_app("google").client_secret == "google-secret"
    assert oauth_app("microsoft").client_secret == "microsoft-secret"
    grant = OAuthGrant.objects.get()
    assert secrets.unseal(grant.refresh_secret, "grant") == "refresh"
    assert secrets.unseal(grant.access_secret, "grant") == "access"
    factor = SecondFactor.objects.get()
    assert take_code(factor.user, code_at(secret, step_of(timezone.now().timestamp())))


def test_a_second_run_does_nothing_and_an_interrupted_one_goes_on(use: Use) -> None:
    for _n in range(3):
        make_account()
    use(NEW, OLD)
    first = MailAccount.objects.order_by("pk")[0]
    first.imap_secret = secrets.rotate(first.imap_secret)
    first.save()
    counts = {one.name: (one.rotated, one.already) for one in rotate_secrets()}
    assert counts["MailAccount.imap_secret"] == (2, 1)
    before = list(MailAccount.objects.values_list("imap_secret", flat=True))
    assert {one.rotated for one in rotate_secrets()} == {0}
    assert list(MailAccount.objects.values_list("imap_secret", flat=True)) == before


def test_what_no_key_opens_is_counted_and_left_alone(use: Use) -> None:
    account = make_account()
    use(NEW)
    errors = StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("rotate_secrets", stdout=StringIO(), stderr=errors)
    assert leaving.value.code == 1
    assert "POSTSTELLE_SECRETS_KEYS" in errors.getvalue()
    assert MailAccount.objects.get().imap_secret == account.imap_secret


def test_a_secret_saved_meanwhile_is_not_overwritten(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    use(NEW, OLD)
    fresh = secrets.seal("anderes", "x")

    def rotate_late(sealed: str) -> str:
        MailAccount.objects.filter(pk=account.pk).update(imap_secret=fresh)
        return secrets.rotate(sealed)

    monkeypatch.setattr("poststelle.rotate_secrets.rotate", rotate_late)
    counts = {one.name: one.changed for one in rotate_secrets()}
    assert counts["MailAccount.imap_secret"] == 1
    assert MailAccount.objects.get().imap_secret == fresh


def test_no_sealed_field_is_forgotten() -> None:
    """Sealed values stand in text fields named „…secret“."""
    set_company()
    named = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, TextField) and field.name.endswith("secret")
    }
    assert {(model, name) for model, names in SEALED for name in names} == named
    assert (CompanySettings, "oauth_google_secret") in named
