"""Work of the whole that needs no page to wait for it."""

from __future__ import annotations

from celery import shared_task

from company.models import User
from outbox import alerts
from outbox import mail_notices as noticing
from poststelle.password_link import send_password_link


@shared_task
def mail_password_link(user_id: int) -> None:
    user = User.objects.filter(pk=user_id).first()  # 0: nobody, see password_views.py
    if user is not None:
        send_password_link(user)


@shared_task
def alert_admins() -> None:
    alerts.alert_admins()


@shared_task
def mail_notices() -> None:
    noticing.mail_notices()
