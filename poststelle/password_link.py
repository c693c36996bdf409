"""„Passwort vergessen“: a link by mail that lets its reader choose a new password, for an hour and once."""

from __future__ import annotations

import logging
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _

from company.models import CompanySettings, User
from mailaccounts.models import MailAccount
from mailcore.errors import InvalidDraft
from mailcore.messages import Draft, Mailbox
from outbox.enqueue import enqueue
from outbox.models import OutgoingMessage

log = logging.getLogger(__name__)
_ONE_MAIL_IN = 600  # seconds


def sending_account() -> MailAccount | None:
    """The standard account, or None where nothing can be sent."""
    accounts = MailAccount.objects.kept().filter(smtp_enabled=True, is_default=True)
    return accounts.filter(paused_at__isnull=True).first()


def find_user(name: str) -> User | None:
    """Who may get a link: an active user of this name or address, with an address."""
    users = User.objects.filter(is_active=True).exclude(email="")
    return users.filter(Q(username=name) | Q(email__iexact=name)).first() if name else None


def send_password_link(user: User) -> OutgoingMessage | None:
    """Queues the mail; within ten minutes the user gets only one. None where nothing can be sent.

    It has the null sender and leaves no copy: the link must not come back to a shared mailbox.
    """
    account = sending_account()
    if account is None:
        log.warning("no password link: there is no standard account that sends")
        return None
    window = int(timezone.now().timestamp()) // _ONE_MAIL_IN
    with translation.override(user.language):
        draft = _draft(user, account)
    try:
        with transaction.atomic():
            return enqueue(
                draft=draft,
                bcc=(),
                account=account,
                origin=OutgoingMessage.Origin.PASSWORD,
                once_key=f"password:{user.pk}:{window}",
                created_by=None,
                envelope_from="",
                keep_sent_copy=False,
            )
    except InvalidDraft as error:
        log.warning("no password link for user %s: %s", user.pk, error)
        return None


def user_of_link(user: str, token: str) -> User | None:
    """Whose link it is, if it is good: not used, not older than an hour."""
    try:
        pk = int(urlsafe_base64_decode(user))
    except (ValueError, UnicodeDecodeError):
        return None
    found = User.objects.filter(pk=pk, is_active=True).first()
    return found if found and default_token_generator.check_token(found, token) else None


def _draft(user: User, account: MailAccount) -> Draft:
    code = urlsafe_base64_encode(str(user.pk).encode())
    path = reverse("password_choose", args=[code, default_token_generator.make_token(user)])
    text = _(
        "Guten Tag %(name)s,\n\n"
        "mit diesem Link wählen Sie ein neues Passwort für Poststelle (%(company)s):\n\n"
        "%(link)s\n\n"
        "Er gilt eine Stunde und nur einmal. Haben Sie kein neues Passwort angefordert, brauchen "
        "Sie nichts zu tun: Ihr Passwort bleibt, wie es ist."
    ) % {
        "name": user,
        "company": CompanySettings.load().name or settings.BASE_URL,
        "link": urljoin(settings.BASE_URL, path),
    }
    return Draft(
        from_=Mailbox(account.from_name, account.from_email),
        to=(Mailbox(str(user), user.email),),
        subject=_("Neues Passwort für Poststelle"),
        text=text,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
