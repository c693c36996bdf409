"""The connection test: what a mailbox and its server do, step by step. It changes nothing there.

Every stage opens its own connection, so that a page can show one stage after the other with a request
each, on whichever web worker; `run_test` runs them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailaccounts.remedies import explain
from mailcore.errors import Kind, MailError, Step
from mailcore.imap import Folder, ImapSession, open_imap
from mailcore.server import AuthMethod, Encryption, ServerLogin, look_up, open_socket, wrap_tls
from mailcore.smtp_wire import SmtpWire

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

STEP_SECONDS = 10.0
_LOGIN_REQUIRED = 530  # RFC 4954, 6
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_DATED_EXACTLY = (
    2000  # messages whose INTERNALDATE is asked for; beyond that the day is good enough
)


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warn"
    FAILED = "err"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TestStep:
    """One line of the test: what was tried and how it went, in German; `detail` is technical."""

    __test__ = False  # not a test case, whatever pytest thinks of its name

    title: _StrOrPromise
    outcome: Outcome
    milliseconds: int | None = None
    result: str = ""
    remedy: str = ""
    detail: str = ""  # passwords masked


@dataclass(frozen=True, slots=True)
class ImapTest:
    """What is tested. `since`: the start of „Ab Datum“, aware; None counts all messages."""

    login: ServerLogin
    folders: tuple[str, ...] = ("INBOX",)
    since: datetime | None = None
    sent_folder: str = ""


@dataclass(frozen=True, slots=True)
class SmtpTest:
    login: ServerLogin
    sender: str


Stage = Callable[[ServerLogin], Iterator[TestStep]]


@dataclass(frozen=True, slots=True)
class _Timed:
    """What a step found; raising MailError makes it a failed step."""

    result: str
    outcome: Outcome = Outcome.OK
    remedy: str = ""
    detail: str = ""


RESOLVE = gettext_lazy("Servername auflösen")
PORT = gettext_lazy("Port erreichbar")
ENCRYPTION = gettext_lazy("Verschlüsselung")
LOGIN = gettext_lazy("Anmeldung")
LIST = gettext_lazy("Ordner auflisten")
READ = gettext_lazy("Posteingang lesen")
SENT = gettext_lazy("Versendetordner")
HELLO = gettext_lazy("Begrüßung (EHLO)")
SENDER = gettext_lazy("Absender")


def stage_titles(test: ImapTest | SmtpTest) -> tuple[tuple[_StrOrPromise, ...], ...]:
    """The steps of every stage, in order."""
    reach: tuple[tuple[_StrOrPromise, ...], ...] = ((RESOLVE,), (PORT,), (ENCRYPTION,))
    if isinstance(test, ImapTest):
        return (*reach, (LOGIN,), (LIST, READ, SENT))
    return (*reach, (HELLO,), (LOGIN, SENDER))


def run_test(test: ImapTest | SmtpTest) -> Iterator[TestStep]:
    """All steps; after the first that failed the others are skipped."""
    titles = stage_titles(test)
    for stage, names in enumerate(titles):
        done = []
        for step in run_stage(test, stage):
            done.append(step)
            yield step
        if any(step.outcome is Outcome.FAILED for step in done):
            rest = [*names[len(done) :], *(name for later in titles[stage + 1 :] for name in later)]
            yield from (TestStep(name, Outcome.SKIPPED) for name in rest)
            return


def run_stage(test: ImapTest | SmtpTest, stage: int) -> Iterator[TestStep]:
    """The steps of one stage; ends after a failed one. A server gets 10 seconds for each answer."""
    login = replace(test.login, timeout=min(test.login.timeout, STEP_SECONDS))
    if stage == 0:
        yield _step(RESOLVE, lambda: _resolve(login))
    elif stage == 1:
        yield _step(PORT, lambda: _reach_port(login))
    elif stage == 2:
        yield _step(ENCRYPTION, lambda: _encrypt(login, is_imap=isinstance(test, ImapTest)))
    elif isinstance(test, ImapTest):
        log_in_only = stage == 3
        yield from _log_in_imap(login) if log_in_only else _look_inside(test, login)
    elif stage == 3:
        yield _step(HELLO, lambda: _say_hello(login))
    else:
        yield from _log_in_smtp(test, login)


def _step(title: _StrOrPromise, work: Callable[[], _Timed]) -> TestStep:
    """Does the work, takes the time, turns a MailError into what happened and what to do."""
    started = time.perf_counter()
    try:
        found = work()
    except MailError as error:
        said = explain(error.kind, error.step)
        detail = f"{error.step}/{error.kind}: {error.detail}"
        found = _Timed(said.happened, Outcome.FAILED, said.remedy, detail)
    elapsed = round((time.perf_counter() - started) * 1000)
    return TestStep(title, found.outcome, elapsed, found.result, found.remedy, found.detail)


def _resolve(login: ServerLogin) -> _Timed:
    found = list(dict.fromkeys(str(answer[4][0]) for answer in look_up(login)))
    return _Timed(", ".join(found[:3]), detail=f"{login.host} → {', '.join(found)}")


def _reach_port(login: ServerLogin) -> _Timed:
    open_socket(login).close()
    return _Timed(_("Port %(port)d antwortet") % {"port": login.port})


def _encrypt(login: ServerLogin, *, is_imap: bool) -> _Timed:
    if login.encryption is Encryption.NONE:
        if login.auth is AuthMethod.NONE and login.host.lower() in _THIS_MACHINE:
            return _Timed(_("keine, auf diesem Rechner auch nicht nötig"))
        return _Timed(
            _("keine"),
            Outcome.WARNING,
            _(
                "Passwort und E-Mails sind unterwegs lesbar. Wählen Sie möglichst SSL oder STARTTLS."
            ),
        )
    if login.encryption is Encryption.SSL:
        with wrap_tls(open_socket(login), login) as tls:
            cipher = tls.cipher() or ("", "", 0)
            return _Timed(_("Zertifikat gültig"), detail=f"{tls.version()} {cipher[0]}")
    without_login = replace(login, auth=AuthMethod.NONE)
    if is_imap:
        open_imap(without_login).close()
    else:
        wire = SmtpWire(without_login, None)
        wire.connect()
        wire.close()
    return _Timed(_("STARTTLS, Zertifikat gültig"))


def _log_in_imap(login: ServerLogin) -> Iterator[TestStep]:
    def work() -> _Timed:
        with open_imap(login) as session:
            names = " ".join(sorted(session.capabilities))
        return _Timed(_("angemeldet als %(user)s") % {"user": login.username}, detail=names)

    yield _step(LOGIN, work)


def _look_inside(test: ImapTest, login: ServerLogin) -> Iterator[TestStep]:
    try:
        session = open_imap(login)
    except MailError as error:
        said = explain(error.kind, error.step)
        yield TestStep(LIST, Outcome.FAILED, None, said.happened, said.remedy, error.detail)
        return
    with session:
        folders: list[Folder] = []
        steps = [
            lambda: _list(session, folders),
            lambda: _read(session, test),
            lambda: _find_sent(test, folders),
        ]
        for title, work in zip((LIST, READ, SENT), steps, strict=True):
            step = _step(title, work)
            yield replace(step, outcome=Outcome.SKIPPED) if not step.result else step
            if step.outcome is Outcome.FAILED:
                return


def _list(session: ImapSession, found: list[Folder]) -> _Timed:
    found.extend(folder for folder in session.folders() if folder.is_selectable)
    return _Timed(
        _("%(count)d Ordner") % {"count": len(found)}, detail=", ".join(f.name for f in found)
    )


def _read(session: ImapSession, test: ImapTest) -> _Timed:
    """EXAMINE of every folder that will be polled; how many messages will be taken over."""
    total = wanted = 0
    for name in test.folders:
        total += session.select(name).messages
        wanted += _count_since(session, test.since)
    shown = {"total": number_format(total), "wanted": number_format(wanted)}
    if test.since is None:
        return _Timed(_("%(total)s Nachrichten, alle werden abgeholt") % shown)
    return _Timed(_("%(total)s Nachrichten, %(wanted)s seit „Ab Datum“") % shown)


def _count_since(session: ImapSession, since: datetime | None) -> int:
    if since is None:
        return 0
    uids = session.uids_since(since.date())
    if len(uids) > _DATED_EXACTLY:
        return len(uids)
    return sum(info.internaldate >= since for info in session.describe(uids))


def _find_sent(test: ImapTest, folders: list[Folder]) -> _Timed:
    if not test.sent_folder:
        return _Timed("")
    if test.sent_folder in {folder.name for folder in folders}:
        return _Timed(_("„%(name)s“ ist da") % {"name": test.sent_folder})
    proposed = next((f.name for f in folders if f.special_use == "\\Sent"), "")
    hint = _(" Der Server nennt dafür „%(name)s“.") % {"name": proposed} if proposed else ""
    said = explain(Kind.FOLDER_MISSING, Step.SELECT)
    return _Timed(
        _("„%(name)s“ gibt es nicht") % {"name": test.sent_folder},
        Outcome.FAILED,
        said.remedy + hint,
    )


def _say_hello(login: ServerLogin) -> _Timed:
    transcript: list[str] = []
    wire = SmtpWire(replace(login, auth=AuthMethod.NONE), transcript)
    wire.connect()
    names = " ".join(sorted(wire.extensions))
    wire.close()
    return _Timed(_("Der Server antwortet"), detail=names or "\n".join(transcript))


def _log_in_smtp(test: SmtpTest, login: ServerLogin) -> Iterator[TestStep]:
    transcript: list[str] = []
    wire = SmtpWire(login, transcript)
    if login.auth is AuthMethod.NONE:
        yield TestStep(LOGIN, Outcome.SKIPPED, None, _("ohne Anmeldung"))
        opened = _step(LOGIN, lambda: _open(wire, login))
        if opened.outcome is Outcome.FAILED:
            yield replace(opened, title=SENDER)
            return
    else:
        opened = _step(LOGIN, lambda: _open(wire, login))
        yield opened
        if opened.outcome is Outcome.FAILED:
            return
    try:
        step = _step(SENDER, lambda: _offer_sender(wire, test.sender))
        yield replace(step, detail="\n".join([step.detail, *transcript]).strip())
    finally:
        wire.close()


def _open(wire: SmtpWire, login: ServerLogin) -> _Timed:
    wire.connect()
    return _Timed(_("angemeldet als %(user)s") % {"user": login.username})


def _offer_sender(wire: SmtpWire, sender: str) -> _Timed:
    """MAIL FROM, then RSET: nothing is sent."""
    code, text = wire.run(wire.step(Step.MAIL, wire.command(f"MAIL FROM:<{sender}>".encode())))
    if not 200 <= code < 300:
        kind = Kind.SERVER_BUSY if 400 <= code < 500 else Kind.SENDER_REFUSED
        kind = Kind.LOGIN_FAILED if code == _LOGIN_REQUIRED else kind
        raise MailError(kind, Step.MAIL, f"{code} {text}", code)
    wire.run(wire.step(Step.MAIL, wire.command(b"RSET")))
    return _Timed(_("%(sender)s wird angenommen") % {"sender": sender})
