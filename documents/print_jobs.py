"""Jobs of printers and fax devices: each is a Dispatch row; docs/documents.md has their states.

1. A job is claimed by a conditional UPDATE; a unique constraint lets one job at a time pass per device.
2. `started_at` is committed before anything leaves the house.
3. What became of it is committed. A worker that dies between 2 and 3 leaves the job „unklar“: nobody
   prints it again unless a person says so. Before 2 it simply waits again.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from company.crash_points import crash_point
from company.models import User
from company.notify import notify
from documents.hand_over import PrintJob, PrintRefused, PrintUncertain, hand_over
from documents.models import Dispatch, Printer
from documents.settle import note_success
from mailaccounts.links import is_owner_dead, new_owner
from mailstore.blobs import get_blob

log = logging.getLogger(__name__)

State = Dispatch.State
CLAIM = timedelta(minutes=5)  # longer than `lp` may take
WORKED_BY_US = (Printer.Kind.QUEUE, Printer.Kind.FOLDER)


def run_jobs(printer_id: int) -> int:
    """Prints what waits for this device, in order; returns how many jobs were tried.

    Returns at once where another worker has the device in hand.
    """
    tried = 0
    while job := _claim_next(printer_id):
        _run(job)
        tried += 1
    return tried


def due_printers() -> list[int]:
    """Devices with jobs that wait for a worker."""
    waiting = Printer.objects.filter(kind__in=WORKED_BY_US, jobs__state=State.PENDING)
    return list(waiting.order_by().values_list("pk", flat=True).distinct())


def sweep_jobs() -> int:
    """What dead workers left behind: begun jobs become „unklar“, others wait again."""
    printing = Dispatch.objects.filter(state=State.PRINTING)
    owners = printing.order_by().values_list("claimed_by", flat=True).distinct()
    dead = [owner for owner in owners if is_owner_dead(owner)]
    stale = printing.filter(Q(claimed_until__lt=timezone.now()) | Q(claimed_by__in=dead))
    begun = list(stale.filter(started_at__isnull=False).values_list("pk", flat=True))
    back = stale.filter(started_at__isnull=True).update(
        state=State.PENDING, claimed_by="", claimed_until=None
    )
    reason = _("Der Druckauftrag wurde unterbrochen.")
    for pk in begun:
        _record(_job(pk), State.UNCERTAIN, reason, was=(State.PRINTING,))
    return back + len(begun)


def print_again(job: Dispatch) -> bool:
    """A person wants a failed or unclear job once more; False where it is neither."""
    return bool(
        Dispatch.objects.filter(pk=job.pk, state__in=Dispatch.STUCK, printer__isnull=False)
        .filter(outgoing__isnull=True)
        .update(state=State.PENDING, result="", claimed_by="", claimed_until=None, started_at=None)
    )


def confirm_printed(job: Dispatch, user: User) -> bool:
    """A person looked: the unclear job lies in the tray. False where it is not unclear."""
    said = _("%(user)s hat nachgesehen: gedruckt") % {"user": user}
    return _record(job, State.DONE, said, was=(State.UNCERTAIN,), is_told=False)


def note_download(job: Dispatch) -> bool:
    """The PDF was handed out: a job for „herunterladen“ is done. False where it was before."""
    said = _("heruntergeladen")
    return _record(job, State.DONE, said, was=(State.PENDING,), is_told=False)


def _claim_next(printer_id: int) -> Dispatch | None:
    waiting = Dispatch.objects.filter(
        printer=printer_id, printer__kind__in=WORKED_BY_US, state=State.PENDING
    )
    while pk := waiting.order_by("created_at", "pk").values_list("pk", flat=True).first():
        owner = new_owner()
        try:
            with transaction.atomic():
                claimed = Dispatch.objects.filter(pk=pk, state=State.PENDING).update(
                    state=State.PRINTING,
                    tries=F("tries") + 1,
                    claimed_by=owner,
                    claimed_until=timezone.now() + CLAIM,
                    started_at=None,
                )
        except IntegrityError:  # another worker is printing on it, and goes on with this one
            return None
        if claimed:
            return _job(pk)
    return None


def _job(pk: int) -> Dispatch:
    return Dispatch.objects.select_related("printer", "document__kind", "created_by").get(pk=pk)


def _run(job: Dispatch) -> None:
    crash_point("print.claimed")
    try:
        paper = _paper(job)
    except PrintRefused as refusal:
        _record(job, State.FAILED, str(refusal))
        return
    if not _mine(job).update(started_at=timezone.now()):
        return
    crash_point("print.started")
    assert job.printer is not None
    try:
        said = hand_over(job.printer, paper)
    except PrintRefused as refusal:
        _record(job, State.FAILED, str(refusal))
    except PrintUncertain as doubt:
        _record(job, State.UNCERTAIN, str(doubt))
    except Exception:  # the boundary of one job: it is recorded, the others go on
        log.exception("print job %s on printer %s", job.pk, job.printer_id)
        _record(job, State.UNCERTAIN, _("Beim Drucken ist ein unerwarteter Fehler aufgetreten."))
    else:
        crash_point("print.handed_over")
        # A worker that was slower than its claim still knows best.
        _record(job, State.DONE, said, was=(State.PRINTING, State.UNCERTAIN))


def _paper(job: Dispatch) -> PrintJob:
    assert job.printer is not None
    if not job.printer.is_active:
        raise PrintRefused(_("Der Drucker ist nicht mehr aktiv."))
    try:
        pdf = get_blob(job.pdf_sha256)
    except (FileNotFoundError, ValueError) as error:
        log.error("print job %s: %s", job.pk, error)
        raise PrintRefused(_("Das PDF fehlt im Speicher oder ist beschädigt.")) from error
    return PrintJob(pdf, job.pdf_name, f"{job.pk}-{job.tries}", job.fax_number)


def _mine(job: Dispatch, *was: State) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(
        pk=job.pk, state__in=was or (State.PRINTING,), claimed_by=job.claimed_by
    )


def _record(
    job: Dispatch,
    state: State,
    said: str,
    *,
    was: tuple[State, ...] = (State.PRINTING,),
    is_told: bool = True,
) -> bool:
    """The job's new state, and what it means for the document; False if it is not ours any more."""
    with transaction.atomic():
        moved = _mine(job, *was).update(state=state, result=said[:500], claimed_until=None)
        if moved and state == State.DONE:
            note_success(job.document)
        elif moved and is_told:
            _tell(job, state, said)
    return bool(moved)


def _tell(job: Dispatch, state: State, said: str) -> None:
    def text() -> str:
        words = {"document": job.document, "printer": job.printer, "reason": said}
        if state == State.UNCERTAIN:
            return (
                _(
                    "%(document)s: Ob „%(printer)s“ gedruckt hat, ist unklar. %(reason)s Bitte am "
                    "Drucker nachsehen."
                )
                % words
            )
        return _("%(document)s wurde auf „%(printer)s“ nicht gedruckt: %(reason)s") % words

    notify(
        user=job.created_by,
        text=text,
        url=reverse("documents:detail", args=[job.document_id]),
        once_key=f"print:{job.pk}:{state}:{job.tries}",
        is_failure=True,
    )
