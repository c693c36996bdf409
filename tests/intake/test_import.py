"""Mail out of files: once, whatever happens, and without waking anybody."""

from __future__ import annotations

import os
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from archive.models import ArchiveEntry
from autoresponder.models import Autoresponder
from company.crash_points import EXIT_CODE
from intake.kept import take_over_waiting, waiting_accounts
from intake.models import IntakeItem
from intake.set_aside import retry
from mailaccounts.models import MailFolder
from mailcore.read_beside import ReaderProcess
from mailstore.models import StoredMessage
from mailstore.read import read_raw
from outbox.models import OutgoingMessage
from tests.factories import make_account
from tests.intake.crashing import Room
from tests.intake.failing import failing_on
from tests.intake.mailbox import make_mail
from tickets.models import Ticket

State = IntakeItem.State


def write_mbox(path: Path, mails: list[bytes]) -> Path:
    parts = [b"From x@huber.example Fri Jul  8 12:08:34 2011\n" + raw + b"\n" for raw in mails]
    path.write_bytes(b"".join(parts))
    return path


def import_mbox(*args: object, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("import_mbox", *map(str, args))
    return capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_an_mbox_becomes_tickets_and_archive_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = make_account(tickets_enabled=True, archive_enabled=True, delete_on_server=True)
    mails = [make_mail(number) for number in range(60)]
    path = write_mbox(tmp_path / "alt.mbox", [*mails, mails[3]])

    out = import_mbox(path, account.email, "--folder", "Altsystem", capsys=capsys)

    assert "61 E-Mails gelesen: 60 übernommen, 60 neue Tickets, 1 schon vorhanden." in out
    assert "100 %" in out
    assert Ticket.objects.count() == ArchiveEntry.objects.count() == 60
    stored = {read_raw(message) for message in StoredMessage.objects.all()}
    assert stored == {raw.replace(b"\n", b"\r\n") for raw in mails}
    item = IntakeItem.objects.first()
    assert item is not None
    assert (item.folder.name, item.folder.is_active) == ("Altsystem", False)
    assert item.internal_date.year == 2011
    assert not item.delete_wanted, "nothing on the server is this mail"
    assert account.folders.filter(name="INBOX", is_active=True).exists()

    again = import_mbox(path, account.pk, "--folder", "Altsystem", capsys=capsys)
    assert "61 E-Mails gelesen: 0 übernommen, 61 schon vorhanden." in again
    assert Ticket.objects.count() == 60


@pytest.mark.django_db(transaction=True)
def test_the_same_mail_from_another_file_and_folder_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = make_account(tickets_enabled=True, archive_enabled=True)
    mbox = write_mbox(tmp_path / "alt.mbox", [make_mail(1)])
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur" / "1700000000.a:2,S").write_bytes(make_mail(1))
    import_mbox(mbox, account.email, capsys=capsys)
    out = import_mbox(tmp_path, account.email, "--folder", "Maildir", capsys=capsys)
    assert "1 E-Mail gelesen: 1 übernommen." in out
    assert StoredMessage.objects.count() == Ticket.objects.count() == 1
    assert ArchiveEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_is_answered_and_nothing_forwarded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where the file gives no date of delivery and the mails are dated today or later."""
    account = make_account(tickets_enabled=True, archive_forward_to="archiv@firma.example")
    Autoresponder.objects.create(account=account, is_active=True, subject="Danke", text="Danke")
    (tmp_path / "new").mkdir()
    for number, hours in enumerate((-1, 0, 48)):
        date = format_datetime(timezone.now() + timedelta(hours=hours))
        raw = make_mail(number).replace(b"Date: ", b"X-Date: ") + b""
        (tmp_path / "new" / f"mail{number}").write_bytes(b"Date: " + date.encode() + b"\n" + raw)
        future = timezone.now().timestamp() + hours * 3600
        os.utime(tmp_path / "new" / f"mail{number}", (future, future))
    assert "3 neue Tickets" in import_mbox(tmp_path, account.email, capsys=capsys)
    assert not OutgoingMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_bad_mail_is_set_aside_at_once_and_can_be_retried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(tickets_enabled=True, imap_enabled=False)
    mails = [make_mail(number, text="giftig" if number == 3 else "") for number in range(6)]
    path = write_mbox(tmp_path / "alt.mbox", mails)
    with failing_on(monkeypatch, b"giftig"):
        out = import_mbox(path, account.email, capsys=capsys)
    assert "6 E-Mails gelesen: 5 übernommen, 5 neue Tickets, 1 in Quarantäne." in out
    item = IntakeItem.objects.get(state=State.QUARANTINED)
    assert item.error == "LookupError: kaputt"
    assert waiting_accounts() == []
    assert retry(item)
    assert waiting_accounts() == [], "a running import has its first minutes for itself"
    IntakeItem.objects.update(noted_at=timezone.now() - timedelta(minutes=11))
    assert waiting_accounts() == [account.pk]
    assert take_over_waiting(account.pk).tickets == 1
    assert Ticket.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_kills_its_reader_is_set_aside_and_the_import_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReaderProcess, "module", "tests.intake.deadly_reader")
    account = make_account(tickets_enabled=True)
    mails = [make_mail(number, text="toedlich" if number == 3 else "") for number in range(6)]
    out = import_mbox(write_mbox(tmp_path / "alt.mbox", mails), account.email, capsys=capsys)
    assert "6 E-Mails gelesen: 5 übernommen, 5 neue Tickets, 1 in Quarantäne." in out
    assert "ReaderDied" in IntakeItem.objects.get(state=State.QUARANTINED).error


@pytest.mark.django_db(transaction=True)
def test_too_large_is_noted_and_taken_over_under_a_greater_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    account = make_account(tickets_enabled=True)
    path = write_mbox(tmp_path / "alt.mbox", [make_mail(1, text="wort " * 30_000), make_mail(2)])
    settings.MAX_MESSAGE_BYTES = 100_000
    assert "1 zu groß" in import_mbox(path, account.email, capsys=capsys)
    item = IntakeItem.objects.get(state=State.TOO_LARGE)
    assert not retry(item), "there is no server to fetch it from"
    settings.MAX_MESSAGE_BYTES = 1_000_000
    out = import_mbox(path, account.email, capsys=capsys)
    assert "2 E-Mails gelesen: 1 übernommen, 1 neue Tickets, 1 schon vorhanden." in out
    assert Ticket.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_imported_is_refused_in_german(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_mbox(tmp_path / "alt.mbox", [make_mail()])
    idle = make_account(tickets_enabled=False)
    busy = make_account(tickets_enabled=True)
    MailFolder.objects.create(account=busy, name="INBOX")
    for words, reason in (
        ((path, "niemand@nirgends.example"), "gibt es nicht"),
        ((tmp_path / "fehlt", busy.email), "gibt es nicht"),
        ((tmp_path, busy.email), "kein Maildir"),
        ((path, idle.email), "weder Tickets"),
        ((path, busy.email, "--folder", "INBOX"), "wird vom Server abgeholt"),
        ((path, busy.email, "--archive-only"), "archiviert nicht"),
    ):
        with pytest.raises(CommandError, match=reason):
            import_mbox(*words, capsys=capsys)
    assert not IntakeItem.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("point", ["intake.after_ledger:3", "intake.before_commit:2"])
def test_killed_in_the_middle_and_run_again(point: str, room: Room, tmp_path: Path) -> None:
    room.add_account("info@firma.example", port=1)
    path = write_mbox(tmp_path / "alt.mbox", [make_mail(number) for number in range(230)])
    command = ("manage.py", "import_mbox", str(path), "info@firma.example")

    assert room.run(*command, crash_at=point).returncode == EXIT_CODE, "not reached"
    half = room.report()
    assert 0 < len(half["tickets"]) < 230
    again = room.run(*command)
    assert again.returncode == 0, again.stderr
    assert f"230 E-Mails gelesen: {230 - len(half['tickets'])} übernommen" in again.stdout

    report = room.report()
    assert report["tickets"] == report["messages"] == sorted(f"Anfrage {n}" for n in range(230))
    assert report["numbers"] == len(report["archive"]) == 230
    assert report["states"] == ["done"]
    assert report["answers"] == []
