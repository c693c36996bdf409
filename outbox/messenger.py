"""Which account carries mail of Poststelle itself: alerts to admins, notices to those who sent something."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from mailaccounts.models import AccountLink, MailAccount

State, Direction = AccountLink.State, AccountLink.Direction
# No autoresponder answers it, ours included.
AUTOMATIC = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))


def choose_messenger(*, avoid: Iterable[int] = ()) -> MailAccount | None:
    """An account of the company that can send: proven ones first, then the standard account, the oldest.

    `avoid`: keys of accounts that are not to be asked, because the mail is about them.
    """
    bad = AccountLink.objects.filter(
        direction=Direction.OUTGOING, state__in=(State.FAILING, State.LOGIN)
    )
    accounts = MailAccount.objects.kept().filter(
        smtp_enabled=True, paused_at__isnull=True, employees__isnull=True
    )
    proven = AccountLink.objects.filter(
        direction=Direction.OUTGOING, state=State.OK, account=OuterRef("pk")
    )
    return (
        accounts.exclude(pk__in=list(avoid))
        .exclude(pk__in=bad.values("account_id"))
        .annotate(is_proven=Exists(proven))
        .order_by("-is_proven", "-is_default", "pk")
        .first()
    )
