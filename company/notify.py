"""Telling one person something: a line in „Hinweise“, counted at the bell."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import translation

from company.models import Notification, User


def notify(
    *,
    user: User | None,
    text: Callable[[], str],
    url: str,
    once_key: str,
    is_failure: bool = False,
) -> None:
    """Notes the text for the user, in the user's language; the same `once_key` is told once.

    Nothing happens without a user or for one who may no longer sign in. `url`: a path of ours.
    `is_failure`: something the user sent did not arrive; told by mail, too, where the user wants it.
    """
    if user is None or not user.is_active:
        return
    with translation.override(user.language):
        words = text()
    Notification.objects.bulk_create(
        [
            Notification(
                user=user,
                text=words[:500],
                url=url[:300],
                once_key=once_key[:120],
                mail_due=is_failure and user.mails_failures,
            )
        ],
        ignore_conflicts=True,
    )
