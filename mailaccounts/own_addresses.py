"""Which e-mail addresses are ours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailaccounts.models import AllowedSender, MailAccount


@dataclass(frozen=True, slots=True)
class SendableAddresses:
    """What one account may send as: `emails` and, as „@firma.de“, whole domains; lower-case."""

    emails: frozenset[str]
    domains: frozenset[str]

    def includes(self, email: str) -> bool:
        email = email.lower()
        return email in self.emails or f"@{email.rpartition('@')[2]}" in self.domains


def own_addresses() -> frozenset[str]:
    """The addresses of all kept accounts and what they may send as, a domain as „@firma.de“; lower-case.

    What is in it is an address of ours; is_of_us knows those of our domains as well.
    """
    found: set[str] = set()
    for email, sender_email in MailAccount.objects.kept().values_list("email", "sender_email"):
        found |= {email.lower(), sender_email.lower()}
    found.update(
        AllowedSender.objects.filter(account__archived_at__isnull=True).values_list(
            "pattern", flat=True
        )
    )
    return frozenset(found - {""})


def is_of_us(email: str, own: frozenset[str]) -> bool:
    """Whether an account of ours may write as this address (lower-case)."""
    return email in own or f"@{email.rpartition('@')[2]}" in own


def sendable_addresses(accounts: Collection[MailAccount]) -> dict[int, SendableAddresses]:
    """For each account what it may send as, in one query."""
    emails = {account.pk: {account.email.lower()} for account in accounts}
    domains: dict[int, set[str]] = {account.pk: set() for account in accounts}
    for account in accounts:
        if account.sender_email:
            emails[account.pk].add(account.sender_email.lower())
    allowed = AllowedSender.objects.filter(account__in=emails)
    for account_id, pattern in allowed.values_list("account_id", "pattern"):
        (domains if pattern.startswith("@") else emails)[account_id].add(pattern)
    return {pk: SendableAddresses(frozenset(emails[pk]), frozenset(domains[pk])) for pk in emails}
