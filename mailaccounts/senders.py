"""Which account sends as an address, and which addresses a person may send as.

The order: the address itself, an allowed address, an allowed domain, the standard account if it allows
the address; otherwise a refusal. Never another sender than the one asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from company.models import CompanySettings, Project, User
from company.read_once import once
from mailaccounts.models import MailAccount, PreferredSender
from mailcore.recipients import split_address

_REASON_LENGTH = 200


class NoAccountForSender(Exception):
    """No account sends as this address. The text is German and says what to do."""

    def __init__(self, email: str, text: str) -> None:
        super().__init__(text)
        self.email = email
        self.text = text


@dataclass(frozen=True, slots=True)
class SenderChoice:
    """The account that sends as `email`, and why it was chosen (German, ≤ 200 characters)."""

    account: MailAccount
    reason: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A sender a person may choose."""

    email: str
    name: str
    account: MailAccount
    label: str  # „Support <support@firma.de>“


def choose_account(sender_email: str) -> SenderChoice:
    """The account for mail of this sender address, whoever writes it. Raises NoAccountForSender."""
    accounts = _candidates(MailAccount.objects.kept().filter(smtp_enabled=True), sender_email)
    choice = _match(sender_email, accounts)
    if choice is None:
        raise _no_account(sender_email)
    return choice


def may_send_as(user: User, email: str, *, known: Collection[str] = ()) -> SenderChoice:
    """The account with which this user sends as `email`. Raises NoAccountForSender.

    An address that is merely covered by an allowed domain must be one of the user's identities or
    in `known`: the addresses the caller vouches for, such as the one a ticket came to.
    """
    accounts = _candidates(MailAccount.objects.sendable_by(user), email)
    choice = _match(email, accounts)
    spellings = set(_spellings(email))
    if choice is None or spellings & _addresses_of_others(user):
        raise _not_allowed(email)
    for identity in _further_identities(user, accounts):
        if identity.email.lower() in spellings:
            return replace(choice, name=identity.name)
    vouched = {spelling for address in known for spelling in _spellings(address)}
    if _is_named(email, choice.account) or vouched & spellings:
        return choice
    raise _not_allowed(email)


def identities_for(user: User) -> tuple[Identity, ...]:
    """Every sender the user may choose, each address once: the preferred one first, then those of
    own accounts, then the company's."""
    accounts = list(
        MailAccount.objects.sendable_by(user).prefetch_related("allowed_senders", "employees")
    )
    own = [account for account in accounts if account.employees.all()]
    shared = [account for account in accounts if not account.employees.all()]
    found = [
        *_addresses_of(own),
        *_further_identities(user, accounts),
        *_addresses_of(sorted(shared, key=lambda account: not account.is_default)),
    ]
    unique: dict[str, Identity] = {}
    for identity in found:
        unique.setdefault(identity.email.lower(), identity)
    preferred = _preferred_email(user).lower() if len(unique) > 1 else ""
    return tuple(sorted(unique.values(), key=lambda one: one.email.lower() != preferred))


def preferred_choice(user: User) -> SenderChoice | None:
    """The sender the user wants to see chosen; None without one or where it is not permitted."""
    preferred = _preferred_email(user)
    try:
        return may_send_as(user, preferred) if preferred else None
    except NoAccountForSender:
        return None


def _preferred_email(user: User) -> str:
    """As it was chosen; nobody has asked whether it is still permitted."""
    found = PreferredSender.objects.filter(user=user).values_list("email", flat=True)
    return found.first() or ""


def _candidates(accounts: QuerySet[MailAccount], email: str) -> list[MailAccount]:
    """The few accounts that could send as the address, the standard account among them."""
    wanted = Q(is_default=True)
    for spelling in _spellings(email):
        domain = "@" + spelling.rpartition("@")[2]
        wanted |= Q(email__iexact=spelling) | Q(sender_email__iexact=spelling)
        wanted |= Q(allowed_senders__pattern__in=(spelling, domain))
    found = accounts.filter(wanted).distinct().order_by("pk")
    return list(found.prefetch_related("allowed_senders", "employees"))


def _match(email: str, accounts: Iterable[MailAccount]) -> SenderChoice | None:
    """The rules in their order; among equals a shared account, the standard account, the oldest."""
    spellings = _spellings(email)
    if not spellings:
        return None
    ordered = sorted(
        accounts, key=lambda one: (bool(one.employees.all()), not one.is_default, one.pk)
    )
    domains = tuple("@" + spelling.rpartition("@")[2] for spelling in spellings)
    for account in ordered:
        if account.from_email.lower() in spellings:
            return _choice(account, email, _("Adresse des Accounts „%(account)s“"))
    for account in ordered:
        if account.email.lower() in spellings:
            return _choice(account, email, _("Postfachadresse des Accounts „%(account)s“"))
    for account in ordered:
        if _patterns(account) & set(spellings):
            return _choice(account, email, _("erlaubter Absender des Accounts „%(account)s“"))
    for account in ordered:
        if _patterns(account) & set(domains):
            return _choice(account, email, _("erlaubte Domain des Accounts „%(account)s“"))
    for account in ordered:
        # A mail server that asks for no login takes every sender from us.
        if account.is_default and account.smtp_auth == MailAccount.SmtpAuth.NONE:
            return _choice(account, email, _("Standard-Account „%(account)s“"))
    return None


def _choice(account: MailAccount, email: str, reason: str) -> SenderChoice:
    text = reason % {"account": account}
    return SenderChoice(account, text[:_REASON_LENGTH], email.strip(), account.from_name)


def _patterns(account: MailAccount) -> set[str]:
    return {allowed.pattern.lower() for allowed in account.allowed_senders.all()}


def _is_named(email: str, account: MailAccount) -> bool:
    """Whether the very address stands in the account's settings."""
    named = {account.email.lower(), account.from_email.lower()} | _patterns(account)
    return bool(named & set(_spellings(email)))


def _addresses_of_others(user: User) -> frozenset[str]:
    """The addresses of accounts reserved for other people, in every spelling."""
    reserved = MailAccount.objects.reserved_for_others(user).values_list("email", "sender_email")
    others = once(("addresses of others", user.pk), lambda: list(reserved))
    return frozenset(
        spelling for pair in others for email in pair for spelling in _spellings(email)
    )


def _spellings(email: str) -> tuple[str, ...]:
    """The address in lower case, its domain in both forms (xn--… and with umlauts); () if invalid."""
    parts = split_address(email.strip())
    if parts is None:
        return ()
    local, domain = parts
    readable = ".".join(_readable_label(label) for label in domain.split("."))
    return tuple(dict.fromkeys(f"{local.lower()}@{form}" for form in (domain, readable)))


def _readable_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _addresses_of(accounts: Iterable[MailAccount]) -> list[Identity]:
    """What each account names itself: its sender address, its mailbox, its allowed addresses."""
    found = []
    for account in accounts:
        allowed = sorted(pattern for pattern in _patterns(account) if not pattern.startswith("@"))
        for email in (account.from_email, account.email, *allowed):
            found.append(_identity(email, account.from_name, account))
    return found


def _further_identities(user: User, accounts: Iterable[MailAccount]) -> list[Identity]:
    """The user's own address, the company's and those of projects, where an account sends as them."""
    accounts = list(accounts)
    named: list[tuple[str, str]] = []
    employee = user.find_employee()
    if employee and employee.is_active:
        named.append((employee.email, employee.name))
    company = CompanySettings.load()
    named.append((company.email, company.name))
    with_sender = Project.objects.filter(is_active=True).exclude(sender_email="")
    projects = once("projects with a sender", lambda: list(with_sender))
    named += [(project.sender_email, project.name) for project in projects]
    foreign = _addresses_of_others(user)
    found = []
    for email, name in named:
        choice = _match(email, accounts) if email else None
        if choice and foreign.isdisjoint(_spellings(email)):
            found.append(_identity(email, name or choice.name, choice.account))
    return found


def _identity(email: str, name: str, account: MailAccount) -> Identity:
    return Identity(email, name, account, f"{name} <{email}>" if name else email)


def _no_account(email: str) -> NoAccountForSender:
    email = email.replace("\0", "")  # PostgreSQL cannot even be asked for it
    unused = MailAccount.objects.kept().filter(email__iexact=email.strip()).first()
    if unused and not unused.smtp_enabled:
        text = _(
            "Mit der Adresse „%(email)s“ kann nicht gesendet werden: Beim Account „%(account)s“ ist "
            "der Versand nicht eingerichtet. Aktivieren Sie dort „Extra SMTP Account aktivieren“."
        ) % {"email": email, "account": unused}
    else:
        text = _(
            "Mit der Adresse „%(email)s“ kann nicht gesendet werden: Kein E-Mail Account ist dafür "
            "eingerichtet. Tragen Sie die Adresse oder ihre Domain bei einem Account unter "
            "„Weitere erlaubte Absender“ ein oder wählen Sie einen anderen Absender."
        ) % {"email": email}
    return NoAccountForSender(email, text)


def _not_allowed(email: str) -> NoAccountForSender:
    text = _(
        "Mit der Adresse „%(email)s“ dürfen Sie nicht senden. Wählen Sie einen der angebotenen "
        "Absender oder bitten Sie die Administration, die Adresse bei einem Ihrer Accounts unter "
        "„Weitere erlaubte Absender“ einzutragen."
    ) % {"email": email}
    return NoAccountForSender(email, text)
