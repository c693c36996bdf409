"""Giving a PDF to a printer or a fax device: by `lp` to a CUPS or IPP queue, or as a file in a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from documents.fax_number import spell_fax_number
from documents.models import Printer

LP_SECONDS = 60
ASK_SECONDS = 5
QUEUE_NAME = re.compile(r"[A-Za-z0-9_][\w.+@\-]{0,119}", re.ASCII)
SERVER_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.\-:\[\]]{0,254}")
_UNFIT = re.compile(r"[^\w.\-]+")
_JOB = re.compile(r"request id is (\S+)")
_NO_QUEUE = _lazy("Die Warteschlange „%(queue)s“ gibt es auf dem Druckserver nicht.")
_NO_SERVER = _lazy("Der Druckserver ist nicht erreichbar.")
_ANSWERS = (
    ("does not exist", _NO_QUEUE),
    ("unknown destination", _NO_QUEUE),
    ("not accepting", _lazy("Die Warteschlange „%(queue)s“ nimmt gerade keine Aufträge an.")),
    ("not responding", _NO_SERVER),
    ("unable to connect", _NO_SERVER),
    ("bad file descriptor", _NO_SERVER),
    ("connection refused", _NO_SERVER),
    ("no such host", _NO_SERVER),
    ("unauthorized", _lazy("Der Druckserver verlangt eine Anmeldung.")),
    ("forbidden", _lazy("Der Druckserver nimmt von diesem Rechner keine Aufträge an.")),
)


class PrintRefused(Exception):
    """Nothing was printed; `str()` is the German reason."""


class PrintUncertain(Exception):
    """It may have been printed or may be one day, nobody is told; `str()` is the German reason."""


@dataclass(frozen=True, slots=True)
class PrintJob:
    """`name`: the PDF's file name; `mark` makes it unique in a folder; `number`: E.164, "" for paper."""

    pdf: bytes
    name: str
    mark: str
    number: str = ""


def hand_over(printer: Printer, job: PrintJob) -> str:
    """Prints or faxes and says in German what became of it. Raises PrintRefused, PrintUncertain."""
    if printer.kind == Printer.Kind.QUEUE:
        return _to_queue(printer, job)
    if printer.kind == Printer.Kind.FOLDER:
        return _to_folder(printer, job)
    raise PrintRefused(_("Für diese Art von Drucker gibt es nichts zu übergeben."))


def safe_name(name: str) -> str:
    """A file name without anything a shell, a share or a print filter could misread."""
    stem = _UNFIT.sub("_", name.removesuffix(".pdf")).strip("._-")
    return f"{stem[:100] or 'Beleg'}.pdf"


def _to_queue(printer: Printer, job: PrintJob) -> str:
    if not QUEUE_NAME.fullmatch(printer.queue) or (
        printer.server and not SERVER_NAME.fullmatch(printer.server)
    ):
        raise PrintRefused(_("Der Drucker ist nicht richtig eingerichtet."))
    name = safe_name(job.name)
    with TemporaryDirectory(prefix="poststelle-druck-") as directory:
        file = Path(directory, name)
        file.write_bytes(job.pdf)
        arguments = ["lp", *(("-h", printer.server) if printer.server else ())]
        arguments += ["-d", printer.queue, "-t", name]
        if job.number:
            arguments += ["-o", f"phone={spell_fax_number(job.number, printer.number_format)}"]
        code, said, complaint = _run([*arguments, "--", str(file)], LP_SECONDS)
    if code != 0:
        raise PrintRefused(_reason(printer, complaint))
    found = _JOB.search(said)
    accepted = _("an den Druckserver übergeben")
    if found is not None:
        accepted = _("vom Druckserver angenommen, Auftrag %(job)s") % {"job": found[1][:80]}
    if held := _held(printer):
        raise PrintUncertain(f"{accepted}. {held}")
    return accepted


def _held(printer: Printer) -> str:
    """Why a queue that accepted a job prints nothing now; empty where it prints."""
    first, _line, reason = _ask(printer, "-p", printer.queue).partition("\n")
    if " disabled since " not in first:
        return ""
    why = " ".join(reason.split())[:100] or "–"
    text = _("Der Drucker ist angehalten (%(why)s): Er druckt erst, wenn ihn jemand freigibt.")
    return text % {"why": why}


def _is_server_up(printer: Printer) -> bool:
    """`lp` calls every queue of a server that does not answer unknown."""
    return "is running" in _ask(printer, "-r")


def _ask(printer: Printer, *question: str) -> str:
    """The answer of `lpstat`; empty where there is none."""
    server = ("-h", printer.server) if printer.server else ()
    try:
        return _run(["lpstat", *server, *question], ASK_SECONDS)[1]
    except (PrintRefused, PrintUncertain):
        return ""


def _run(arguments: list[str], seconds: float) -> tuple[int, str, str]:
    """(exit code, output, complaints) of a program that may take its time, but not for ever."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "LANG": "C"}
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, never a shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        text = _("Das Programm „lp“ fehlt auf dem Server. Es gehört zu CUPS (Paket cups-client).")
        raise PrintRefused(text) from error
    try:
        said, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise PrintUncertain(_("Der Druckserver hat nicht rechtzeitig geantwortet.")) from error
    return process.returncode, said.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")


def _reason(printer: Printer, complaint: str) -> str:
    lowered = complaint.lower()
    for words, text in _ANSWERS:
        if words in lowered:
            if text is _NO_QUEUE and not _is_server_up(printer):
                return str(_NO_SERVER)
            return str(text) % {"queue": printer.queue}
    bare = " ".join(complaint.replace("lp:", "").split())[:200]
    return _("Der Druckserver hat abgelehnt: %(answer)s") % {"answer": bare or "–"}


def _to_folder(printer: Printer, job: PrintJob) -> str:
    folder = Path(printer.folder)
    if not folder.is_absolute() or not folder.is_dir():
        raise PrintRefused(_("Den Ordner „%(folder)s“ gibt es nicht.") % {"folder": folder})
    stem = safe_name(job.name).removesuffix(".pdf")
    if job.number:
        stem = f"FAX_{spell_fax_number(job.number, printer.number_format)}_{stem}"
    target = _free_name(folder, f"{stem}_{job.mark}")
    try:
        _write(target, job.pdf)
    except OSError as error:
        text = _("In den Ordner „%(folder)s“ ließ sich nicht schreiben: %(reason)s")
        values = {"folder": folder, "reason": error.strerror or type(error).__name__}
        raise PrintRefused(text % values) from error
    return _("abgelegt als %(name)s") % {"name": target.name}


def _free_name(folder: Path, stem: str) -> Path:
    target, number = folder / f"{stem}.pdf", 2
    while target.exists():
        target, number = folder / f"{stem}-{number}.pdf", number + 1
    return target


def _write(target: Path, pdf: bytes) -> None:
    """Whole or not at all: whoever watches the folder never sees half a file."""
    temporary = target.with_name(f".{token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(pdf)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
