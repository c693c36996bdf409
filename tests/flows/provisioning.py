"""Provisioning files for the flows."""

from __future__ import annotations

from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.free_port import LOOPBACK
from tests.servers.smtp_sink import PASSWORD as SINK_PASSWORD
from tests.servers.smtp_sink import Sink

_COMPANY = """
[company]
name = "Musterfirma GmbH"

[[users]]
username = "admin"
first_name = "Anna"
last_name = "Admin"
email = "anna@example.com"
role = "admin"
password = "geheim-geheim"

[[users]]
username = "petra"
first_name = "Petra"
last_name = "Klein"
email = "petra@example.com"
role = "support"
undo_seconds = 0
password = "geheim-geheim"

[[projects]]
code = "NORD"
name = "Nord"

[[queues]]
key = "support"
name = "Support"
"""

_ACCOUNT = """
[[accounts]]
email = "{email}"
display_name = "Konto {email}"
description = "{email}"
default = {default}

[accounts.imap]
host = "{host}"
port = {imap_port}
encryption = "none"
username = "{email}"
password = "{password}"
copy_to_sent = true
sent_folder = "Sent"

[accounts.smtp]
enabled = true
host = "{host}"
port = {smtp_port}
encryption = "none"
username = "{email}"
password = "{sink_password}"

[accounts.archive]
enabled = true

[accounts.tickets]
enabled = true
queue = "support"
project = "NORD"
since_date = {since}
{tickets}
"""


def company_file(dovecot: Dovecot, sink: Sink, *, support: str) -> str:
    """A company with one account."""
    return _COMPANY + account(dovecot, sink, support, default=True)


def account(
    dovecot: Dovecot,
    sink: Sink,
    email: str,
    *,
    default: bool = False,
    since: str = "2020-01-01",
    tickets: str = "",
) -> str:
    """One account: IMAP at the Dovecot, SMTP at the sink; `tickets` are further lines of its block."""
    return _ACCOUNT.format(
        email=email,
        host=LOOPBACK,
        imap_port=dovecot.imap_port,
        smtp_port=sink.port,
        password=PASSWORD,
        sink_password=SINK_PASSWORD,
        default=str(default).lower(),
        since=since,
        tickets=tickets,
    )
