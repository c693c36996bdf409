"""A real CUPS: what comes out of it, and what it says when it does not print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from documents.hand_over import PrintJob, PrintRefused, PrintUncertain, hand_over
from documents.models import Printer
from tests.servers.cups import Cups, run_cups
from tests.servers.free_port import free_port

PDF = b"%PDF-1.4 \xff\x00 Rechnung\n%%EOF\n"


@pytest.fixture(scope="module")
def cups() -> Iterator[Cups]:
    with run_cups("buero") as server:
        yield server


def printer(cups: Cups, **values: str) -> Printer:
    return Printer(**{"kind": "queue", "queue": "buero", "server": cups.server, **values})


def test_the_very_bytes_come_out(cups: Cups) -> None:
    said = hand_over(printer(cups), PrintJob(PDF, "Größen & Maße – RE400042.pdf", "1-1"))
    prefix, _, job = said.rpartition(" ")
    assert prefix == "vom Druckserver angenommen, Auftrag"
    paper, options = cups.printed(job)
    assert paper == PDF
    assert "document-name-supplied=Größen_Maße_RE400042.pdf" in options


def test_a_fax_device_is_told_the_number(cups: Cups) -> None:
    said = hand_over(printer(cups), PrintJob(PDF, "Fax.pdf", "1-1", "+49821123456"))
    _paper, options = cups.printed(said.rpartition(" ")[2])
    assert "phone=+49821123456" in options


def test_a_job_that_a_stopped_queue_took_is_not_called_printed(cups: Cups) -> None:
    cups.admin("cupsdisable", "-r", "Papierstau", "buero")
    try:
        with pytest.raises(PrintUncertain) as doubt:
            hand_over(printer(cups), PrintJob(PDF, "Warten.pdf", "1-1"))
    finally:
        cups.admin("cupsenable", "buero")
    accepted, _, held = str(doubt.value).partition(". ")
    assert held == (
        "Der Drucker ist angehalten (Papierstau): Er druckt erst, wenn ihn jemand freigibt."
    )
    assert cups.printed(accepted.rpartition(" ")[2])[0] == PDF


def test_a_queue_that_accepts_nothing(cups: Cups) -> None:
    cups.admin("cupsreject", "buero")
    try:
        with pytest.raises(PrintRefused, match="nimmt gerade keine Aufträge an"):
            hand_over(printer(cups), PrintJob(PDF, "Nein.pdf", "1-1"))
    finally:
        cups.admin("cupsaccept", "buero")


def test_a_wrong_queue_and_a_dead_server_are_two_things(cups: Cups) -> None:
    job = PrintJob(PDF, "Nein.pdf", "1-1")
    with pytest.raises(PrintRefused, match="„bureau“ gibt es auf dem Druckserver nicht"):
        hand_over(printer(cups, queue="bureau"), job)
    for server in (f"127.0.0.1:{free_port()}", "druckserver.invalid"):
        with pytest.raises(PrintRefused, match="Druckserver ist nicht erreichbar"):
            hand_over(printer(cups, server=server), job)
