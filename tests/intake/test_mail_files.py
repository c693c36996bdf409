"""Reading mbox files and Maildirs: the messages as an IMAP server would hand them out."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.mail_files import NoMailFile, read_mails, source_length

FIRST = b"Subject: eins\n\nVon hier:\n>From Hans\n>>From Eva\n\nFrom hier an weiter\n"
SECOND = b"Subject: zwei\n\n\n\nEnde ohne Zeilenende"


def write_mbox(path: Path) -> Path:
    path.write_bytes(
        b"From hans@huber.example Fri Jul  8 12:08:34 2011\n" + FIRST + b"\n"
        b"From - Mon Nov 23 10:00:00 2026\n" + SECOND
    )
    return path


def test_mbox_in_its_order_with_line_ends_of_the_wire(tmp_path: Path) -> None:
    path = write_mbox(tmp_path / "alt.mbox")
    first, second = read_mails(path, limit=10_000)
    assert first.raw == (
        b"Subject: eins\r\n\r\nVon hier:\r\nFrom Hans\r\n>From Eva\r\n\r\nFrom hier an weiter\r\n"
    )
    assert second.raw == SECOND.replace(b"\n", b"\r\n")
    assert first.filed_at == datetime(2011, 7, 8, 12, 8, 34, tzinfo=UTC)
    assert first.sha256 == hashlib.sha256(first.raw).hexdigest()
    assert first.size == len(first.raw)
    assert second.position == source_length(path) == path.stat().st_size


def test_crlf_and_lf_files_give_the_same_bytes(tmp_path: Path) -> None:
    unix = write_mbox(tmp_path / "unix")
    dos = tmp_path / "dos"
    dos.write_bytes(unix.read_bytes().replace(b"\n", b"\r\n"))
    assert [one.raw for one in read_mails(dos, limit=10_000)] == [
        one.raw for one in read_mails(unix, limit=10_000)
    ]


def test_line_ends_at_the_edge_of_a_piece_are_not_doubled(tmp_path: Path) -> None:
    body = b"S: x\r\n\r\n" + b"a" * ((64 << 10) - 9) + b"\r\n" + b"b" * (200 << 10) + b"\r\n\r\n"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1700000000.a").write_bytes(body)
    (tmp_path / "mbox").write_bytes(b"From - Mon Nov 23 10:00:00 2026\r\n" + body + b"\r\n")
    assert [one.raw for one in read_mails(tmp_path, limit=1 << 20)] == [body]
    assert [one.raw for one in read_mails(tmp_path / "mbox", limit=1 << 20)] == [body]


@pytest.mark.parametrize("block", [49, 50, 51, 52, 60, 64, 100, 150])
def test_wherever_a_block_of_the_file_ends_the_mails_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    path = write_mbox(tmp_path / "alt.mbox")
    path.write_bytes(path.read_bytes() + b"\n\nFrom - Mon Nov 23 10:00:00 2026\n\n>From ihm\n\n")
    as_a_whole = list(read_mails(path, limit=10_000))
    assert [one.raw for one in as_a_whole[1:]] == [
        SECOND.replace(b"\n", b"\r\n") + b"\r\n",
        b"\r\nFrom ihm\r\n",
    ]
    monkeypatch.setattr("intake.mail_files._BLOCK", block)
    assert list(read_mails(path, limit=10_000)) == as_a_whole


def test_over_the_limit_only_the_header_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "gross"
    body = b"x" * 70 + b"\n"
    path.write_bytes(b"From - Mon Nov 23 10:00:00 2026\nSubject: riesig\n\n" + body * 3000)
    (mail,) = read_mails(path, limit=100_000)
    assert mail.raw == b"Subject: riesig\r\n\r\n"
    assert not mail.is_whole
    assert mail.size == len(b"Subject: riesig\r\n\r\n") + 3000 * 72
    (whole,) = read_mails(path, limit=1 << 20)
    assert whole.is_whole
    assert whole.sha256 == mail.sha256 == hashlib.sha256(whole.raw).hexdigest()


def test_maildir_in_order_of_delivery_without_half_written_files(tmp_path: Path) -> None:
    for name, content in (
        ("cur/1700000002.b.host:2,S", b"Subject: zwei\n\n"),
        ("new/1700000001.a.host", b"Subject: eins\n\n"),
        ("cur/ohne-zeit", b"Subject: drei\n\n"),
        ("tmp/1700000000.c.host", b"Subject: halb"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / "cur/ohne-zeit", (1_600_000_000, 1_600_000_000))
    mails = list(read_mails(tmp_path, limit=1000))
    assert [one.raw[9:13] for one in mails] == [b"eins", b"zwei", b"drei"]
    assert [one.position for one in mails] == [1, 2, 3]
    assert source_length(tmp_path) == 3
    assert mails[0].filed_at == datetime.fromtimestamp(1700000001, UTC)
    assert mails[2].filed_at == datetime.fromtimestamp(1600000000, UTC)


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "brief.txt"
    file.write_bytes(b"Sehr geehrte Damen und Herren\n")
    with pytest.raises(NoMailFile, match="keine mbox-Datei"):
        list(read_mails(file, limit=1000))
    with pytest.raises(NoMailFile, match="kein Maildir"):
        list(read_mails(tmp_path, limit=1000))
    (tmp_path / "leer").touch()
    assert list(read_mails(tmp_path / "leer", limit=1000)) == []
