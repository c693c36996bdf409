"""How long the server takes for „abschicken“: opening the dialog and pressing the button, five pages ready.

    .venv/bin/python -m bench.dispatch [--rounds 30]

Works on a database and a data directory of its own, which are removed at the end. Prints medians, the
slowest of twenty, the processor's share (what is left on a quiet machine) and the queries.
Aim: pressing answers in less than 300 ms.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    folder = tempfile.mkdtemp(prefix="poststelle-bench-")
    os.environ |= {
        "DATA_DIR": folder,
        "DJANGO_SETTINGS_MODULE": "poststelle.settings",
        "POSTSTELLE_HOSTS": "testserver",
        "POSTSTELLE_LOG_LEVEL": "ERROR",
    }
    try:
        _measure(rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from documents.freeze import read_pdf
    from mailstore.blobs import put_blob
    from tests.documents.printing import make_printer
    from tests.documents.sending import make_invoice, make_office

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client(headers={"HX-Request": "true"})
    client.force_login(make_office().user)
    printer = make_printer(kind="download")
    lines = tuple((f"Kugellager {number}", "2", "12.50", "19") for number in range(150))
    document = make_invoice(positions=lines)
    pdf = read_pdf(document)
    document.own_pdf_sha256 = put_blob(pdf)
    document.save(update_fields=["own_pdf_sha256"])
    dialog = reverse("documents:dispatch", args=[document.pk])
    text = "<p>Guten Tag,</p><p>im Anhang erhalten Sie unsere Rechnung.</p>" * 5

    def press(**channels: str) -> Callable[[], None]:
        def send() -> None:
            values = {
                "press": uuid4().hex,
                "is_manual": "on",
                "manual_recipient": "hans@huber.example",
                "subject": "Rechnung {NUMMER}",
                "text": text,
                "sender": "firma",
                **channels,
            }
            assert client.post(dialog, values).status_code == 200

        return send

    def open_dialog() -> None:
        assert client.get(dialog).status_code == 200

    print(f"PDF: {len(pdf) // 1000} kB, {pdf.count(b'/Type /Page') - 1} pages; {rounds} rounds")
    works = {
        "open the dialog": open_dialog,
        "press: e-mail": press(by_mail="on"),
        "press: e-mail, printer, phone": press(
            by_mail="on", by_printer="on", printer=str(printer.pk), by_phone="on"
        ),
    }
    for name, work in works.items():
        work()
        asked: list[str] = []

        def count(execute: Any, sql: str, *more: Any, asked: list[str] = asked) -> Any:
            asked.append(sql)
            return execute(sql, *more)

        with connection.execute_wrapper(count):
            work()
        took, computed = [], []
        for _ in range(rounds):
            started, cpu = time.perf_counter(), time.process_time()
            work()
            took.append((time.perf_counter() - started) * 1000)
            computed.append((time.process_time() - cpu) * 1000)
        slowest = statistics.quantiles(took, n=20)[-1]
        print(
            f"{name:32} median {statistics.median(took):6.1f} ms   95 % {slowest:6.1f} ms   "
            f"processor {statistics.median(computed):6.1f} ms   "
            f"{len(asked):3} queries"
        )


if __name__ == "__main__":
    main()
