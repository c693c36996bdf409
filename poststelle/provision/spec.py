"""Which tables and keys a provisioning file may hold, and where they go. The format is documented in
docs/provisioning.md; the order here is the order of creation."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Model

from autoresponder.models import Autoresponder
from company.models import (
    Address,
    CompanySettings,
    ContactPerson,
    Employee,
    Project,
    Queue,
    User,
)
from documents.models import DeliveryPreference, DocumentKind, LetterTemplate, Printer
from mailaccounts.models import AccountRight, MailAccount
from mailcore.oauth_providers import GOOGLE, MICROSOFT
from tickets.models import Rule


@dataclass(frozen=True, slots=True)
class Reference:
    """A key whose value names another object: `queue = "support"` finds Queue(key="support")."""

    model: type[Model]
    by: str
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A table of the file: `[[projects]]`, or a part of one: `[accounts.imap]`."""

    name: str
    model: type[Model]
    identity: str  # the model's field that finds an existing object; "" = the single row
    fields: dict[str, str] = field(default_factory=dict)  # key in the file → model field
    references: dict[str, tuple[str, Reference]] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()  # keys that may hold env:NAME or file:PATH
    parts: tuple[Block, ...] = ()
    is_list: bool = True

    @property
    def identity_key(self) -> str:
        """The key of the file that finds an existing object; empty where none does."""
        by_field = {name: key for key, name in self.fields.items()}
        by_field |= {f"{name}__{ref.by}": key for key, (name, ref) in self.references.items()}
        return by_field.get(self.identity, "")


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_AUTORESPONDER = Block(
    name="autoresponder",
    model=Autoresponder,
    identity="account",
    fields={
        "active": "is_active",
        **_same("once_a_day", "subject", "text", "when", "office_days", "office_opens"),
        **_same("office_closes", "period_first", "period_last", "period_subject", "period_text"),
    },
    is_list=False,
)

_RIGHTS = Block(
    name="rights",
    model=AccountRight,
    identity="user__username",
    fields={"read": "may_read", "send": "may_send", "manage": "may_manage"},
    references={"user": ("user", Reference(User, "username"))},
)

_OAUTH_APPS = tuple(
    Block(
        name=key,
        model=CompanySettings,
        identity="",
        fields={
            "client_id": f"oauth_{key}_client_id",
            "client_secret": f"oauth_{key}_secret",
            **({"tenant": "oauth_microsoft_tenant"} if key == MICROSOFT else {}),
        },
        secrets=frozenset({"client_secret"}),
        is_list=False,
    )
    for key in (GOOGLE, MICROSOFT)
)

_ACCOUNT_PARTS = (
    Block(
        name="imap",
        model=MailAccount,
        identity="",
        fields={
            "enabled": "imap_enabled",
            "host": "imap_host",
            "port": "imap_port",
            "encryption": "imap_encryption",
            "auth": "imap_auth",
            "password": "imap_secret",
            "username": "username",
            "folders": "folders",
            "copy_to_sent": "copy_to_sent",
            "sent_folder": "sent_folder",
            "shared_mailbox": "is_shared_mailbox",
        },
        secrets=frozenset({"password"}),
        is_list=False,
    ),
    Block(
        name="smtp",
        model=MailAccount,
        identity="",
        fields={
            "enabled": "smtp_enabled",
            "host": "smtp_host",
            "port": "smtp_port",
            "encryption": "smtp_encryption",
            "auth": "smtp_auth",
            "username": "smtp_username",
            "password": "smtp_secret",
            "debug": "smtp_debug",
            "allowed_senders": "allowed_senders",
            **_same(
                "sender_email",
                "sender_name",
                "client_alias",
                "max_connections",
                "messages_per_minute",
                "recipients_per_day",
            ),
        },
        secrets=frozenset({"password"}),
        is_list=False,
    ),
    Block(
        name="tickets",
        model=MailAccount,
        identity="",
        fields={
            "enabled": "tickets_enabled",
            **_same("since_date", "reply_from_incoming", "delete_on_server", "close_tickets"),
        },
        references={
            "project": ("project", Reference(Project, "code")),
            "queue": ("queue", Reference(Queue, "key")),
        },
        is_list=False,
    ),
    Block(
        name="archive",
        model=MailAccount,
        identity="",
        fields={
            "enabled": "archive_enabled",
            "days": "archive_days",
            "forward_to": "archive_forward_to",
        },
        is_list=False,
    ),
    Block(
        name="signature",
        model=MailAccount,
        identity="",
        fields={"active": "signature_active", "html": "signature_html"},
        is_list=False,
    ),
    _AUTORESPONDER,
    _RIGHTS,
)

BLOCKS: tuple[Block, ...] = (
    Block(
        name="company",
        model=CompanySettings,
        identity="",
        fields=_same(
            "name", "street", "postcode", "city", "country", "phone", "email", "website",
            "vat_id", "tax_number", "register", "management", "bank_name", "iban", "bic",
            "signature_html", "greeting", "copy_recipient_1", "copy_recipient_2", "bcc_recipient",
            "mail_template", "block_external_content",
            "fetching_paused", "sending_paused", "autoresponses_paused",
        ),
        parts=_OAUTH_APPS,
        is_list=False,
    ),
    Block(
        name="users",
        model=User,
        identity="username",
        fields={
            "password": "password",
            "active": "is_active",
            **_same(
                "username", "first_name", "last_name", "email", "role", "language", "theme",
                "density", "undo_seconds", "shortcuts_enabled", "after_send", "mails_failures",
            ),
        },
        secrets=frozenset({"password"}),
    ),
    Block(
        name="employees",
        model=Employee,
        identity="name",
        fields={
            "active": "is_active",
            **_same("name", "salutation", "email", "phone", "mobile", "fax"),
        },
        references={"user": ("user", Reference(User, "username"))},
    ),
    Block(
        name="projects",
        model=Project,
        identity="code",
        fields={
            "active": "is_active",
            **_same(
                "code", "name", "sender_email", "greeting", "signature_active", "signature_html",
                "mail_template",
            ),
        },
    ),
    Block(
        name="queues",
        model=Queue,
        identity="key",
        fields=_same("key", "name", "answer_to_closed"),
        references={
            "responsible": ("responsible", Reference(User, "username")),
            "members": ("members", Reference(User, "username", is_many=True)),
        },
    ),
    Block(
        name="accounts",
        model=MailAccount,
        identity="email",
        fields={
            "default": "is_default",
            "paused": "paused_at",
            **_same("email", "display_name", "description"),
        },
        references={"employees": ("employees", Reference(Employee, "name", is_many=True))},
        parts=_ACCOUNT_PARTS,
    ),
    Block(
        name="rules",
        model=Rule,
        identity="name",
        fields={
            "active": "is_active",
            "for_answers": "is_for_answers",
            "stop": "stops",
            "trash": "to_trash",
            "close": "closes",
            "personal": "makes_personal",
            "gdpr": "makes_gdpr",
            "ignore": "ignores",
            **_same(
                "name", "order", "match", "priority", "no_autoresponse", "conditions", "tags"
            ),
        },
        references={
            "account": ("account", Reference(MailAccount, "email")),
            "queue": ("queue", Reference(Queue, "key")),
            "project": ("project", Reference(Project, "code")),
            "assignee": ("assignee", Reference(User, "username")),
        },
    ),
    Block(
        name="document_kinds",
        model=DocumentKind,
        identity="key",
        fields=_same(
            "key", "name", "plural", "file_prefix", "first_number", "has_prices",
            "mail_subject", "mail_text", "order",
        ),
    ),
    Block(
        name="printers",
        model=Printer,
        identity="name",
        fields={
            "active": "is_active",
            "fax": "is_fax",
            **_same(
                "name", "kind", "queue", "server", "folder", "number_format", "sender_email",
                "fax_address", "fax_subject",
            ),
        },
    ),
    Block(
        name="letter_templates",
        model=LetterTemplate,
        identity="name",
        fields={"active": "is_active", **_same("name", "language", "subject", "text")},
        references={
            "kind": ("kind", Reference(DocumentKind, "key")),
            "project": ("project", Reference(Project, "code")),
        },
    ),
    Block(
        name="addresses",
        model=Address,
        identity="number",
        fields={
            "active": "is_active",
            **_same(
                "number", "kind", "name", "salutation", "street", "postcode", "city", "country",
                "language", "email", "phone", "fax", "vat_id", "note",
            ),
        },
        parts=(
            Block(
                name="contacts",
                model=ContactPerson,
                identity="name",
                fields=_same("name", "salutation", "role", "email", "phone", "fax"),
            ),
            Block(
                name="delivery",
                model=DeliveryPreference,
                identity="kind__key",
                fields={"recipient": "recipient_email", **_same("cc", "fax", "channel")},
                references={"kind": ("kind", Reference(DocumentKind, "key"))},
            ),
        ),
    ),
)  # fmt: skip
