"""The process dies between any two steps of printing; nothing is lost, nothing is printed twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from company.crash_points import EXIT_CODE
from tests.intake.crashing import Room
from tests.outbox.crashing import empty_house

JOBS = 20
QUEUE = """
import django, sys; django.setup()
from documents.dispatch_content import Channel
from documents.models import Printer
from tests.documents.sending import make_invoice, make_office, send
office, document = make_office(), make_invoice()
printer = Printer.objects.create(name="Ablage", kind="folder", folder=sys.argv[1])
for number in range(int(sys.argv[2])):
    send(office, document, Channel.PRINTER, printer=printer)
"""
WORK = """
import django; django.setup()
from documents.print_jobs import due_printers, run_jobs, sweep_jobs
sweep_jobs()
for printer in due_printers():
    run_jobs(printer)
"""
REPORT = """
import django, json; django.setup()
from company.models import Notification
from documents.models import Dispatch
print(json.dumps([dict(Dispatch.objects.values_list("pk", "state")), Notification.objects.count()]))
"""
AGAIN = """
import django; django.setup()
from documents.models import Dispatch
from documents.print_jobs import print_again
for job in Dispatch.objects.filter(state="uncertain"):
    assert print_again(job)
"""


@pytest.fixture
def house(room_folder: Path) -> Iterator[Room]:
    with empty_house(room_folder) as room:
        yield room


def demand(house: Room, *command: str) -> str:
    done = house.run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_states(house: Room) -> tuple[dict[int, str], int]:
    states, notes = json.loads(demand(house, "-c", REPORT))
    return {int(pk): state for pk, state in states.items()}, notes


def count_papers(papers: Path) -> Counter[int]:
    """How often each job lies in the folder; nothing half-written does."""
    names = [path.name for path in papers.iterdir()]
    assert all(name.endswith(".pdf") for name in names), names
    return Counter(int(name.rpartition("_")[2].partition("-")[0]) for name in names)


# The point, what the seventh job is afterwards, and how often it was handed over.
POINTS = [
    ("print.claimed:7", "done", 1),
    ("print.started:7", "uncertain", 0),
    ("print.handed_over:7", "uncertain", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "state", "papers_of_seventh"), POINTS)
def test_printed_once_or_known_to_be_unknown_after_dying_at(
    point: str, state: str, papers_of_seventh: int, house: Room, tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    demand(house, "-c", QUEUE, str(papers), str(JOBS))
    died = house.run("-c", WORK, crash_at=point)
    assert died.returncode == EXIT_CODE, died.stderr + "not reached"
    assert len(count_papers(papers)) < 8
    demand(house, "-c", WORK)
    demand(house, "-c", WORK)

    states, notes = read_states(house)
    seventh = sorted(states)[6]
    assert states.pop(seventh) == state
    assert set(states.values()) == {"done"}
    assert len(states) == JOBS - 1
    assert notes == (state == "uncertain"), "whoever sent it is told, once"
    assert count_papers(papers) == Counter({**dict.fromkeys(states, 1), seventh: papers_of_seventh})

    demand(house, "-c", AGAIN)  # a person decides
    demand(house, "-c", WORK)
    assert set(read_states(house)[0].values()) == {"done"}
    wanted = papers_of_seventh + (state == "uncertain")
    assert count_papers(papers) == Counter({**dict.fromkeys(states, 1), seventh: wanted})
