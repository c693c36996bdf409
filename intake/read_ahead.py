"""A backlog is taken over by two processors: while a group goes into the database, the next one is read.

Only what is tried for the first time goes this way. The attempt of the group ahead is committed before
anything is done with it, so after a crash both groups are tried again, one message at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from intake import ledger
from intake.models import IntakeItem
from intake.poll_run import PollRun, PollStopped
from intake.read_group import Fetched, GroupReading, Read, Unreadable
from mailcore.errors import MailError


def receive_ahead(
    groups: Iterable[list[IntakeItem]],
    *,
    run: PollRun,
    fetch: Callable[[list[IntakeItem]], list[Fetched]],
    take_over: Callable[[Sequence[Read | Unreadable]], None],
) -> None:
    """`fetch` counts the attempt and gets the bytes, `take_over` ends a group. Raises what they raise.

    What goes wrong in `fetch` is for `fetch` to take back; everything else is taken back here.
    """
    counted: list[Fetched] = []
    before: GroupReading | None = None
    ahead: GroupReading | None = None
    try:
        for group in groups:
            try:
                fetched = fetch(group)
            except (MailError, PollStopped):
                # The server, or our time is up: the group before is here as a whole.
                if before is not None:
                    take_over(before.finish())
                counted = []
                raise
            counted = [*counted, *fetched]
            if before is not None:
                before.finish()  # the reading process takes one group at a time
            ahead = GroupReading(fetched, run, beside=run.reader)
            if before is not None:
                take_over(before.finish())
            counted, before = fetched, ahead
        if before is not None:
            take_over(before.finish())
    except Exception:
        for reading in (before, ahead):
            if reading is not None:
                reading.give_up()
        ledger.take_back_attempt([one.item for one in counted])
        raise
