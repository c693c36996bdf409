# ruff: noqa: E402
"""How long the page of an address takes with eight entries and with thousands.

    DATA_DIR=/tmp/bench python -m bench.address_page [COUNT]      (SQLite)
    DATABASE_URL=postgres://… DATA_DIR=/tmp/bench python -m bench.address_page [COUNT]

COUNT tickets mails and as many notes (default 5000). The database and DATA_DIR should be empty.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client

from crm.models import Activity
from mailstore.models import StoredMessage
from tests.crm.world import NOON, Passed, let_everything_pass
from tests.factories import make_user
from tickets.models import TicketMessage

_REPEATED = 15


def main(count: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    author = make_user(f"bench{time.time_ns()}", role="admin")
    client = Client(headers={"host": "localhost"})
    client.force_login(author)
    passed = let_everything_pass(author)
    page = f"/adressen/{passed.address.pk}/"
    few = measure(client, page)
    fill(passed, count)
    many = measure(client, page)
    searched = measure(client, f"{page}?q=lieferung")
    last = measure(
        client, f"{page}?vor={(NOON - timedelta(minutes=count - 50)).isoformat()}~note~1"
    )
    print(
        f"{connection.vendor}: page with 8 entries {few:.0f} ms, with {2 * count + 8} {many:.0f} ms "
        f"({many / few:.1f} times), searched {searched:.0f} ms, near the end {last:.0f} ms"
    )


def fill(passed: Passed, count: int) -> None:
    message = StoredMessage.objects.filter(ticket_messages__isnull=False).first()
    assert message is not None
    copies = StoredMessage.objects.bulk_create(
        StoredMessage(
            sha256=f"{number:064x}",
            size=1000,
            direction="in",
            message_id=f"{number}@bench",
            message_id_hash=f"{number:040x}",
            subject=f"Lieferung {number}",
            from_name="Hans Huber",
            from_email="hans@huber.example",
            received_at=NOON,
            preview="Guten Tag, wo bleibt die Ware?",
            search_text=f" lieferung {number}",
        )
        for number in range(count)
    )
    TicketMessage.objects.bulk_create(
        TicketMessage(
            ticket=passed.ticket,
            kind="in",
            account=passed.account,
            message=one,
            created_at=NOON - timedelta(minutes=number),
        )
        for number, one in enumerate(copies)
    )
    Activity.objects.bulk_create(
        Activity(
            address=passed.address,
            kind="note",
            text=f"Notiz {number}",
            happened_at=NOON - timedelta(minutes=number),
            once_key=f"bench-{passed.address.pk}-{number}",
        )
        for number in range(count)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure(client: Client, page: str) -> float:
    """Median milliseconds of the server's work for the page."""
    times = []
    for _ in range(_REPEATED):
        started = time.perf_counter()
        response = client.get(page.replace("+", "%2B"))
        times.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 200
    return statistics.median(times[1:])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
