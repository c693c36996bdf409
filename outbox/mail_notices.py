"""„Hinweise“ about what did not arrive, by mail to those who want that: few mails, never one about itself.

A note waits a minute for company and for its reader: what was read in the browser meanwhile is not
mailed. Then one mail names all that wait; the next goes out a quarter of an hour later at the
earliest, so that a thousand failures are a few mails.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from company.models import Notification, User
from mailaccounts.models import MailAccount
from mailcore.errors import InvalidDraft
from mailcore.messages import Draft, Mailbox
from outbox.enqueue import enqueue
from outbox.messenger import AUTOMATIC, choose_messenger
from outbox.models import OutgoingMessage

log = logging.getLogger(__name__)

_GATHER = timedelta(minutes=1)
_PAUSE = timedelta(minutes=15)
_NAMED = 20  # notes in one mail; of the others the number


def mail_notices() -> int:
    """Queues a mail for every user with notes that wait. Returns how many; safe to run side by side.

    Where no account can send, the notes wait for one.
    """
    _drop_outdated()
    users = list(_to_tell())
    account = choose_messenger() if users else None
    if users and account is None:
        log.warning("no account that works to tell about failures: %s users", len(users))
    return sum(_mail(user, account) for user in users) if account else 0


def _drop_outdated() -> None:
    """Read in the browser, or mail is not wanted any more."""
    due = Notification.objects.filter(mail_due=True)
    unwanted = Q(user__is_active=False) | Q(user__mails_failures=False) | Q(user__email="")
    due.filter(Q(read_at__isnull=False) | unwanted).update(mail_due=False)


def _to_tell() -> list[User]:
    now = timezone.now()
    ripe = Notification.objects.filter(mail_due=True, created_at__lte=now - _GATHER)
    users = User.objects.filter(pk__in=ripe.values("user_id"))
    return list(users.filter(_rested(now)).order_by("pk"))


def _rested(now: datetime) -> Q:
    return Q(failure_mail_at__isnull=True) | Q(failure_mail_at__lte=now - _PAUSE)


def _mail(user: User, account: MailAccount) -> bool:
    """One mail with all notes of the user; the user's row decides which of two workers writes it."""
    now = timezone.now()
    try:
        with transaction.atomic():
            claim = User.objects.filter(_rested(now), pk=user.pk)
            if not claim.update(failure_mail_at=now):
                return False
            due = Notification.objects.filter(user=user, mail_due=True, read_at=None)
            notes = list(due.order_by("pk"))
            Notification.objects.filter(pk__in=[note.pk for note in notes]).update(mail_due=False)
            if notes:
                _enqueue(user, notes, account)
    except InvalidDraft as error:  # the user's address is none
        log.warning("no notice for user %s: %s", user.pk, error)
        Notification.objects.filter(user=user, mail_due=True).update(mail_due=False)
        return False
    return bool(notes)


def _enqueue(user: User, notes: list[Notification], account: MailAccount) -> None:
    with translation.override(user.language):
        enqueue(
            draft=_draft(user, notes, account),
            bcc=(),
            account=account,
            origin=OutgoingMessage.Origin.NOTICE,
            once_key=f"notice:{user.pk}:{notes[0].pk}",
            created_by=None,
            sender_reason=_("Hinweis an einen Benutzer: ein Account, der sendet"),
            envelope_from="",  # nothing comes back that could be told again
            keep_sent_copy=False,
        )


def _draft(user: User, notes: list[Notification], account: MailAccount) -> Draft:
    count = len(notes)
    lead = ngettext(
        "eine Sendung von Ihnen ist nicht oder nicht sicher angekommen:",
        "%(count)d Sendungen von Ihnen sind nicht oder nicht sicher angekommen:",
        count,
    )
    paragraphs = [
        _("Guten Tag %(name)s,") % {"name": user},
        lead % {"count": count},
        *(f"{note.text}\n{urljoin(settings.BASE_URL, note.url)}" for note in notes[:_NAMED]),
    ]
    if count > _NAMED:
        words = {"n": count - _NAMED, "page": _link("company:notifications")}
        paragraphs.append(_("Und %(n)d weitere: %(page)s") % words)
    paragraphs.append(
        _("Diese Nachrichten schalten Sie in Ihren persönlichen Einstellungen ab: %(page)s")
        % {"page": _link("company:personal")}
    )
    return Draft(
        from_=Mailbox(account.from_name, account.from_email),
        to=(Mailbox(str(user), user.email),),
        subject=ngettext(
            "Eine Sendung von Ihnen ist nicht angekommen",
            "%(count)d Sendungen von Ihnen sind nicht angekommen",
            count,
        )
        % {"count": count},
        text="\n\n".join([*paragraphs, "Poststelle"]),
        headers=AUTOMATIC,
    )


def _link(page: str) -> str:
    return urljoin(settings.BASE_URL, reverse(page))
