"""„per Drucker“ and faxing by a device: handed over once, never lost, never twice without being asked."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import Notification
from documents import hand_over, print_jobs
from documents.dispatch_content import Channel
from documents.errors import DispatchRefused
from documents.freeze import read_pdf
from documents.hand_over import PrintJob, PrintRefused, safe_name
from documents.models import Dispatch, Document, Printer
from mailaccounts.links import new_owner
from mailstore.blobs import delete_blob
from tests.documents.printing import FakeLp, folder_printer, make_lp, make_printer
from tests.documents.sending import Office, make_invoice, send, state_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
State = Dispatch.State


@pytest.fixture
def lp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLp:
    return make_lp(tmp_path, monkeypatch)


def press(office: Office, printer: Printer, **values: Any) -> Dispatch:
    (row,) = send(office, make_invoice(), Channel.PRINTER, printer=printer, **values)
    return row


def work() -> None:
    """One round of the scheduled job."""
    print_jobs.sweep_jobs()
    for printer_id in print_jobs.due_printers():
        print_jobs.run_jobs(printer_id)


def test_a_queue_gets_the_very_pdf_by_lp_and_the_document_is_sent(
    office: Office, lp: FakeLp
) -> None:
    row = press(office, make_printer(server="cups.firma.example:631"))
    assert (row.state, row.recipient) == (State.PENDING, "Büro")
    assert state_of(row.document) == Document.State.RELEASED
    work()
    row.refresh_from_db()
    assert (row.state, row.result) == (State.DONE, "vom Druckserver angenommen, Auftrag buero-12")
    assert state_of(row.document) == Document.State.SENT
    assert lp.printed == read_pdf(row.document)
    name = row.document.file_name
    *options, path = lp.arguments
    assert options == ["-h", "cups.firma.example:631", "-d", "buero", "-t", name, "--"]
    assert Path(path).name == name
    assert not Path(path).exists()  # nothing stays behind


def test_lp_sees_nothing_of_our_environment(
    office: Office, lp: FakeLp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "streng-geheim")
    press(office, make_printer())
    work()
    assert "streng-geheim" not in lp.environment


@pytest.mark.parametrize(
    ("script", "state", "said"),
    [
        (
            "echo 'lp: The printer or class does not exist.' >&2; exit 1",
            "failed",
            "gibt es auf dem",
        ),
        ("echo 'lp: Error - scheduler not responding.' >&2; exit 1", "failed", "nicht erreichbar"),
        (
            "echo 'lp: Destination is not accepting jobs.' >&2; exit 1",
            "failed",
            "keine Aufträge an",
        ),
        ("echo 'lp: Kein Papier' >&2; exit 3", "failed", "hat abgelehnt: Kein Papier"),
        ("exit 0", "done", "an den Druckserver übergeben"),
        ("sleep 30 & wait", "uncertain", "nicht rechtzeitig geantwortet"),
    ],
)
def test_what_lp_answers_becomes_the_state_and_a_german_reason(
    office: Office,
    lp: FakeLp,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    state: str,
    said: str,
) -> None:
    monkeypatch.setattr(hand_over, "LP_SECONDS", 1)
    lp.says(script)
    row = press(office, make_printer())
    work()
    row.refresh_from_db()
    assert row.state == state
    assert said in row.result
    is_done = state == "done"
    assert (state_of(row.document) == Document.State.SENT) is is_done
    told = Notification.objects.filter(user=office.user).values_list("text", flat=True)
    assert [said in text for text in told] == ([] if is_done else [True])


def test_without_lp_the_reason_names_what_to_install(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    row = press(office, make_printer())
    work()
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert "cups-client" in row.result


def test_a_folder_gets_whole_files_under_names_of_their_own(office: Office, tmp_path: Path) -> None:
    printer = folder_printer(tmp_path)
    rows = [press(office, printer) for _ in range(2)]
    work()
    for row in rows:
        row.refresh_from_db()
        assert row.state == State.DONE
        written = tmp_path / row.result.removeprefix("abgelegt als ")
        assert written.read_bytes() == read_pdf(row.document)
        assert written.name == f"RE{row.document.number}_{row.pk}-1.pdf"
    assert len(list(tmp_path.iterdir())) == 2  # no temporary file is left


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    printer = folder_printer(tmp_path)
    job = PrintJob(b"%PDF-neu", "RE1.pdf", "7-1")
    (tmp_path / "RE1_7-1.pdf").write_bytes(b"alt")
    assert hand_over.hand_over(printer, job) == "abgelegt als RE1_7-1-2.pdf"
    assert (tmp_path / "RE1_7-1.pdf").read_bytes() == b"alt"


def test_a_missing_or_locked_folder_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PrintRefused, match="gibt es nicht"):
        hand_over.hand_over(folder_printer(tmp_path / "weg"), PrintJob(b"%PDF", "a.pdf", "1"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PrintRefused, match="No space left"):
        hand_over.hand_over(folder_printer(tmp_path, "B"), PrintJob(b"%PDF", "a.pdf", "1"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("RE400000.pdf", "RE400000.pdf"),
        ("../../etc/passwd", "etc_passwd.pdf"),
        ("-o raw; rm -rf $(x).pdf", "o_raw_rm_-rf_x.pdf"),
        ("Größe Übersicht.pdf", "Größe_Übersicht.pdf"),
        ("...", "Beleg.pdf"),
    ],
)
def test_names_are_harmless(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_queue_named_like_an_option_is_refused_before_lp_runs(lp: FakeLp) -> None:
    for bad in ({"queue": "-o"}, {"queue": "a b"}, {"queue": "a", "server": "-E"}):
        with pytest.raises(PrintRefused, match="nicht richtig eingerichtet"):
            hand_over.hand_over(Printer(**bad), PrintJob(b"%PDF", "a.pdf", "1"))
    assert lp.printed is None


def test_one_job_at_a_time_and_in_order(office: Office, lp: FakeLp) -> None:
    printer = make_printer()
    first, second = press(office, printer), press(office, printer)
    claimed = print_jobs._claim_next(printer.pk)
    assert claimed is not None
    assert claimed.pk == first.pk
    assert print_jobs.run_jobs(printer.pk) == 0  # another worker has the printer in hand
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispatch.objects.filter(pk=second.pk).update(
            state=State.PRINTING, claimed_until=timezone.now()
        )
    assert lp.printed is None


def test_a_worker_that_died_leaves_it_waiting_or_unclear_but_never_printed_twice(
    office: Office, lp: FakeLp
) -> None:
    printer = make_printer()
    row = press(office, printer)
    dead = new_owner().replace(f":{os.getpid()}:", ":999999999:")
    printing = {"state": State.PRINTING, "claimed_by": dead, "claimed_until": later(5)}
    Dispatch.objects.filter(pk=row.pk).update(**printing)
    assert print_jobs.sweep_jobs() == 1
    row.refresh_from_db()
    assert row.state == State.PENDING  # nothing had begun
    Dispatch.objects.filter(pk=row.pk).update(**printing, started_at=timezone.now())
    work()
    row.refresh_from_db()
    assert (row.state, row.result) == (State.UNCERTAIN, "Der Druckauftrag wurde unterbrochen.")
    work()
    assert lp.printed is None
    (notice,) = Notification.objects.filter(user=office.user)
    assert "Bitte am Drucker nachsehen" in notice.text


def later(minutes: int) -> Any:
    return timezone.now() + timedelta(minutes=minutes)


def test_a_claim_that_ran_out_is_given_back(office: Office, lp: FakeLp) -> None:
    row = press(office, make_printer())
    alive_elsewhere = {"claimed_by": "anderer-rechner:1:x", "claimed_until": later(-1)}
    Dispatch.objects.filter(pk=row.pk).update(state=State.PRINTING, **alive_elsewhere)
    work()
    row.refresh_from_db()
    assert row.state == State.DONE


@pytest.mark.parametrize("state", [State.FAILED, State.UNCERTAIN])
def test_a_person_prints_again(office: Office, lp: FakeLp, client: Client, state: State) -> None:
    row = press(office, make_printer())
    Dispatch.objects.update(state=state, tries=1)
    client.force_login(office.user)
    page = client.get(reverse("documents:detail", args=[row.document_id])).content.decode()
    url = reverse("documents:print_again", args=[row.document_id, row.pk])
    assert url in page
    assert client.post(url).status_code == 302
    work()
    row.refresh_from_db()
    assert (row.state, row.tries) == (State.DONE, 2)
    assert "weder fehlgeschlagen noch unklar" in client.post(url, follow=True).content.decode()
    work()
    row.refresh_from_db()
    assert row.tries == 2


def test_a_person_says_that_it_lies_in_the_tray(office: Office, client: Client) -> None:
    row = press(office, make_printer())
    Dispatch.objects.update(state=State.UNCERTAIN, result="unterbrochen")
    client.force_login(office.user)
    page = client.get(reverse("documents:detail", args=[row.document_id])).content.decode()
    assert "unterbrochen Bitte am Drucker nachsehen." in page
    assert "noch nicht versendet" in page
    url = reverse("documents:confirm_printed", args=[row.document_id, row.pk])
    client.post(url)
    row.refresh_from_db()
    assert row.state == State.DONE
    assert "Petra Klein" in row.result
    assert state_of(row.document) == Document.State.SENT


def test_download_is_done_when_the_pdf_was_handed_out(office: Office, client: Client) -> None:
    row = press(office, make_printer("Selbst", kind=Printer.Kind.DOWNLOAD))
    work()
    assert state_of(row.document) == Document.State.RELEASED
    client.force_login(office.user)
    url = reverse("documents:download_job", args=[row.document_id, row.pk])
    assert url in client.get(reverse("documents:detail", args=[row.document_id])).content.decode()
    assert client.get(url).status_code == 405
    response = client.post(url)
    assert response.content == read_pdf(row.document)
    assert response.headers["Content-Disposition"].startswith("attachment")
    row.refresh_from_db()
    assert (row.state, row.result) == (State.DONE, "heruntergeladen")
    assert state_of(row.document) == Document.State.SENT
    other = press(office, make_printer("Warteschlange"))
    wrong = reverse("documents:download_job", args=[other.document_id, other.pk])
    assert client.post(wrong).status_code == 404


def test_a_pdf_that_vanished_and_a_printer_switched_off_fail_with_the_reason(
    office: Office, lp: FakeLp
) -> None:
    printer = make_printer()
    row, other = press(office, printer), press(office, printer)
    delete_blob(row.pdf_sha256)
    print_jobs.run_jobs(printer.pk)
    row.refresh_from_db()
    assert "fehlt im Speicher" in row.result
    other.refresh_from_db()
    assert other.state == State.DONE  # the next one goes on
    third = press(office, printer)
    Printer.objects.update(is_active=False)
    work()
    third.refresh_from_db()
    assert (third.state, third.result) == (State.FAILED, "Der Drucker ist nicht mehr aktiv.")


def test_an_unexpected_error_leaves_it_unclear(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(print_jobs, "hand_over", explode)
    row = press(office, make_printer())
    work()
    row.refresh_from_db()
    assert row.state == State.UNCERTAIN


@pytest.mark.parametrize("wrong", ["none", "fax", "inactive"])
def test_without_a_usable_printer_nothing_is_sent_at_all(office: Office, wrong: str) -> None:
    values: dict[str, dict[str, Any]] = {"fax": {"is_fax": True}, "inactive": {"is_active": False}}
    printer = None if wrong == "none" else make_printer(**values[wrong])
    document = make_invoice()
    with pytest.raises(DispatchRefused) as refusal:
        send(office, document, Channel.MAIL, Channel.PRINTER, printer=printer)
    assert [problem.field for problem in refusal.value.problems] == ["printer"]
    assert not Dispatch.objects.exists()


# The screen


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("chef", role="admin"))
    return client


def values_of(**values: str) -> dict[str, str]:
    empty = dict.fromkeys(
        ("queue", "server", "folder", "sender_email", "fax_address", "fax_subject"), ""
    )
    return {**empty, "name": "Neu", "number_format": "plus", "is_active": "on", **values}


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"kind": "queue"}, "queue", "Bitte den Namen"),
        ({"kind": "queue", "queue": "-d"}, "queue", "Bitte den Namen"),
        ({"kind": "queue", "queue": "x", "server": "a;b"}, "server", "Rechnername"),
        ({"kind": "folder", "folder": "druck"}, "folder", "vollen Pfad"),
        ({"kind": "folder", "folder": "/gibt/es/nicht"}, "folder", "gibt es auf dem Server nicht"),
        ({"kind": "fax_mail", "fax_address": "fax@x.example"}, "fax_address", "{FAX}"),
        ({"kind": "fax_mail", "fax_address": "{FAX}"}, "fax_address", "keine E-Mail-Adresse"),
        (
            {"kind": "fax_mail", "fax_address": "{FAX}@x.example", "fax_subject": "{CODE}"},
            "fax_subject",
            "{CODE}",
        ),
        ({"kind": "download", "name": "Büro"}, "name", "schon ein anderer"),
    ],
)
def test_a_printer_that_cannot_work_is_refused_at_its_field(
    admin: Client, values: dict[str, str], field: str, said: str
) -> None:
    make_printer("Büro")
    response = admin.post(reverse("documents:printers_new"), values_of(**values))
    assert response.status_code == 422
    assert said in " ".join(map(str, response.context["form"].errors[field]))
    assert Printer.objects.count() == 1


def test_the_test_page_is_printed_and_says_what_went_wrong(admin: Client, lp: FakeLp) -> None:
    response = admin.post(
        reverse("documents:printers_new"), values_of(kind="queue", queue="buero-og1")
    )
    assert response.status_code == 302
    printer = Printer.objects.get()
    edit = reverse("documents:printers_edit", args=[printer.pk])
    test = reverse("documents:printer_test", args=[printer.pk])
    assert test in admin.get(edit).content.decode()
    assert "Auftrag buero-12" in admin.post(test, follow=True).content.decode()
    assert lp.printed is not None
    assert lp.printed.startswith(b"%PDF-")
    lp.says("echo 'lp: The printer or class does not exist.' >&2; exit 1")
    page = admin.post(test, follow=True).content.decode()
    assert "Testseite nicht gedruckt: Die Warteschlange „buero-og1“ gibt es" in page
    Printer.objects.update(kind=Printer.Kind.DOWNLOAD)
    assert admin.post(test).headers["Content-Type"] == "application/pdf"


def test_a_printer_with_jobs_is_switched_off_not_deleted(admin: Client, office: Office) -> None:
    row = press(office, make_printer())
    assert row.printer_id is not None
    page = admin.post(reverse("documents:printers_delete", args=[row.printer_id]), follow=True)
    assert "wird noch gebraucht (Versand)" in page.content.decode()
    assert Printer.objects.exists()
