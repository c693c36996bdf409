"""Which of these e-mail addresses are known to be undeliverable."""

from __future__ import annotations

from collections.abc import Iterable

from company.models import BouncedEmail


def find_bounced(emails: Iterable[str]) -> tuple[BouncedEmail, ...]:
    """The marks of the addresses given, in any case of letters; one query, none for no address."""
    wanted = {email.strip().lower() for email in emails} - {""}
    return tuple(BouncedEmail.objects.filter(email__in=wanted).order_by("email")) if wanted else ()
