"""A running office for the journeys: an installation, its mail servers, people who sign in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.test_components import FLAGS
from tests.flows.installation import EMBEDDED, Installation, installed
from tests.flows.provisioning import account
from tests.servers.dovecot import Dovecot
from tests.servers.requirements import require
from tests.servers.smtp_sink import Sink, run_smtp_sink

PASSWORD = "geheim-geheim"
SUPPORT, INVOICES = "support@firma.example", "rechnung@firma.example"

_PEOPLE = """
[company]
name = "Musterfirma GmbH"
email = "rechnung@firma.example"
city = "Augsburg"

[[users]]
username = "petra"
first_name = "Petra"
last_name = "Klein"
email = "petra@firma.example"
role = "support"
undo_seconds = 5
password = "geheim-geheim"

[[users]]
username = "max"
first_name = "Max"
last_name = "Gross"
email = "max@woanders.example"
role = "staff"
undo_seconds = 0
password = "geheim-geheim"

[[projects]]
code = "NORD"
name = "Nord"

[[queues]]
key = "support"
name = "Support"

[[addresses]]
number = "10001"
name = "Huber GmbH"
city = "Augsburg"

[[addresses.contacts]]
name = "Hans Huber"
salutation = "Herr"
email = "hans@huber.example"
"""


_INVOICE = """
import json
from company.models import Address
from documents.models import Document
from tests.factories import make_document
address = Address.objects.get(number="10001")
number = str(400001 + Document.objects.count())
document = make_document("rechnung", number=number, address=address, contact=address.contacts.get())
print(json.dumps([document.number, f"/belege/{document.pk}/"]))
"""


@dataclass
class Office:
    """People act in pages of their own; what a page complains about fails the journey."""

    installation: Installation
    dovecot: Dovecot
    sink: Sink
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def add_invoice(self) -> tuple[str, str]:
        """Number and address of a new invoice to Hans Huber, not yet released."""
        printed = self.installation.manage("shell", "--no-imports", "-v0", "-c", _INVOICE)
        number, url = json.loads(printed.splitlines()[-1])
        return number, url

    @contextmanager
    def visitor(self) -> Iterator[Page]:
        """Somebody nobody knows yet, with a browser of their own."""
        context = self.browser.new_context(
            base_url=self.installation.url,
            viewport={"width": 1440, "height": 900},
            locale="de-DE",
            reduced_motion="reduce",
            ignore_https_errors=True,  # a provider's pages have a certificate of our own authority
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        self.complaints.clear()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            yield page
        finally:
            context.close()
        assert self.complaints == []

    @contextmanager
    def person(self, username: str) -> Iterator[Page]:
        """A user who has signed in by the form."""
        with self.visitor() as page:
            page.goto("/anmelden/")
            page.get_by_label("Benutzername").fill(username)
            page.get_by_label("Passwort").fill(PASSWORD)
            page.get_by_role("button", name="Anmelden").click()
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            yield page


def press(page: Page, key: str) -> None:
    """A shortcut, once the page listens to keys."""
    page.locator("html[data-keys]").wait_for(state="attached")
    page.keyboard.press(key)


def empty_mailbox(dovecot: Dovecot, user: str) -> None:
    """Nothing an earlier test delivered lies in the inbox."""
    with dovecot.client(user) as client:
        client.select_folder("INBOX")
        if uids := client.search("ALL"):
            client.delete_messages(uids)
            client.expunge()


@contextmanager
def open_office(
    folder: Path,
    dovecot: Dovecot,
    *,
    people: bool,
    more: Callable[[Sink], str] | None = None,
    **settings: str,
) -> Iterator[Office]:
    """A started installation: empty, or with petra (Support), max (Mitarbeiter) and two accounts.

    `more` is provisioned after them.
    """
    path = require("chromium")
    require("aiosmtpd")
    with ExitStack() as stack:
        sink = stack.enter_context(run_smtp_sink())
        installation = stack.enter_context(installed(EMBEDDED, folder, **settings))
        installation.environment["POSTSTELLE_URL"] = installation.url
        if people:
            for user in (SUPPORT, INVOICES):
                empty_mailbox(dovecot, user)  # another office may have been here
            accounts = account(dovecot, sink, SUPPORT) + account(
                dovecot, sink, INVOICES, default=True
            )
            installation.provision(_PEOPLE + accounts)
            if more is not None:
                installation.provision(more(sink))
        installation.start()
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        stack.callback(browser.close)
        yield Office(installation, dovecot, sink, browser)


def customer_mail(
    subject: str, text: str, *, html: str = "", answers: str = "", name: str = "Hans Huber"
) -> bytes:
    """A customer's mail; its Message-ID is made of the subject."""
    message = EmailMessage()
    message["From"] = f"{name} <hans@huber.example>"
    message["To"] = SUPPORT
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((subject, text)))}@huber.example>"
    if answers:
        message["In-Reply-To"] = f"<{answers}>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()
