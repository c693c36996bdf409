"""Working in an IMAP mailbox: folders, new messages, filing, deleting, IDLE.

Every method raises MailError only. After a lost connection or a time-out the session is of no more
use (`is_usable`); a refused command leaves it as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

from mailcore.errors import Kind, MailError, Step
from mailcore.imap_wire import Client, connect, translated
from mailcore.server import ServerLogin

_UIDS_PER_COMMAND = 500  # servers bound a command line to 8 kB
_BATCH_BYTES = 16 << 20
_BATCH_MESSAGES = 200
_LOGOUT_SECONDS = 5  # for the answer nobody needs
_WIDEST_WINDOW = 1 << 20  # of UIDs, where the server does not tell the last
_FIRST_YEAR = (
    1982  # of mail as we know it (RFC 822); what is older, mostly 1970, is no date of arrival
)
_SPECIAL_USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")


@dataclass(frozen=True, slots=True)
class Folder:
    name: str  # decoded from modified UTF-7
    delimiter: str
    flags: tuple[str, ...]
    special_use: str = ""  # RFC 6154: "\\Sent", "\\Trash", …

    @property
    def is_selectable(self) -> bool:
        return not {"\\noselect", "\\nonexistent"} & {flag.lower() for flag in self.flags}


@dataclass(frozen=True, slots=True)
class FolderStatus:
    uidvalidity: int
    uidnext: int  # 0 where the server does not tell
    messages: int


@dataclass(frozen=True, slots=True)
class MessageInfo:
    uid: int
    size: int  # bytes, as the server says
    internaldate: datetime  # aware, UTC; the time of asking where the server gives none


def open_imap(login: ServerLogin) -> ImapSession:
    """Connects, encrypts and logs in once. Raises MailError."""
    return ImapSession(connect(login), login)


def batch_by_bytes(
    messages: Iterable[MessageInfo],
    *,
    max_bytes: int = _BATCH_BYTES,
    max_messages: int = _BATCH_MESSAGES,
) -> Iterator[tuple[MessageInfo, ...]]:
    """Groups in the given order, each below both bounds; a larger message is its own group."""
    group: list[MessageInfo] = []
    size = 0
    for message in messages:
        if group and (size + message.size > max_bytes or len(group) >= max_messages):
            yield tuple(group)
            group, size = [], 0
        group.append(message)
        size += message.size
    if group:
        yield tuple(group)


class ImapSession:
    """One logged-in connection. Folders are selected read-only unless asked otherwise."""

    def __init__(self, client: Client, login: ServerLogin) -> None:
        self._client = client
        self._login = login
        self._status = FolderStatus(0, 0, 0)
        self._is_readonly = True
        self.is_usable = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Logs out if the connection still works. Never raises."""
        try:
            if self.is_usable:
                with self._step(Step.QUIT):
                    self._client.wire.limit_time(_LOGOUT_SECONDS)
                    self._client.logout()
        except MailError:
            pass  # the connection is gone: that is what was wanted
        finally:
            self.is_usable = False
            self._client.shutdown()

    @contextmanager
    def _step(self, step: Step) -> Iterator[None]:
        if not self.is_usable:
            raise MailError(Kind.DISCONNECTED, step, "this session has ended")
        try:
            with translated(step, self._login, self._client):
                yield
        finally:
            self.is_usable = self.is_usable and not self._client.is_broken

    def tell_progress(self, tell: Callable[[], None]) -> None:
        """`tell` is called every half minute while a long answer comes in, by whoever waits for it."""
        self._client.wire.tell_progress(tell)

    @property
    def capabilities(self) -> frozenset[str]:
        """Upper-case names, as offered after the login."""
        with self._step(Step.LOGIN):
            return frozenset(
                name.decode("ascii", "replace") for name in self._client.capabilities()
            )

    def folders(self) -> tuple[Folder, ...]:
        with self._step(Step.LIST):
            return tuple(
                _folder(flags, delimiter, name)
                for flags, delimiter, name in self._client.list_folders()
            )

    def status(self, folder: str) -> FolderStatus:
        """UIDVALIDITY, UIDNEXT and the number of messages, without selecting the folder."""
        with self._step(Step.SELECT):
            answer = self._client.folder_status(folder, ("UIDVALIDITY", "UIDNEXT", "MESSAGES"))
            return FolderStatus(
                uidvalidity=int(answer.get(b"UIDVALIDITY") or 0),
                uidnext=int(answer.get(b"UIDNEXT") or 0),
                messages=int(answer.get(b"MESSAGES") or 0),
            )

    def select(self, folder: str, *, readonly: bool = True) -> FolderStatus:
        """EXAMINE, or SELECT where flags shall change. Raises MailError (FOLDER_MISSING).

        A server without UIDVALIDITY keeps no UIDs (RFC 3501 6.3.1): nothing could be told apart.
        """
        with self._step(Step.SELECT):
            answer = self._client.select_folder(folder, readonly=readonly)
            if not answer.get(b"UIDVALIDITY"):
                raise MailError(Kind.SERVER_ERROR, Step.SELECT, "no UIDVALIDITY")
            self._status = FolderStatus(
                uidvalidity=int(answer[b"UIDVALIDITY"]),
                uidnext=int(answer.get(b"UIDNEXT", 0)),
                messages=int(answer[b"EXISTS"]),
            )
            self._is_readonly = readonly
            return self._status

    def list_new(self, after_uid: int, limit: int) -> tuple[MessageInfo, ...]:
        """The oldest `limit` messages above `after_uid` in the selected folder, by UID.

        SEARCH says which there are, FETCH what they are like: a message the server does not describe
        is listed all the same, so that it is missed by nobody.
        """
        uids = self._uids_above(after_uid, limit)
        told = {info.uid: info for info in self.describe(uids)}
        now = datetime.now(UTC)
        return tuple(told.get(uid) or MessageInfo(uid, 0, now) for uid in uids)

    def _uids_above(self, after_uid: int, limit: int) -> tuple[int, ...]:
        """The lowest `limit` UIDs above; windows that grow over gaps keep every answer short."""
        last, start, width = self._status.uidnext - 1, after_uid, limit
        found: list[int] = []
        while len(found) < limit:
            is_rest = start + width >= last if last > 0 else width > _WIDEST_WINDOW
            end = "*" if is_rest else str(start + width)
            # `n:*` also returns the last message when it is older than n (RFC 3501 6.4.8).
            found += self._search("UID", f"{start + 1}:{end}", above=start)
            if is_rest:
                break
            start, width = start + width, width * 4
        return tuple(found[:limit])

    def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Which of these are in the selected folder."""
        return frozenset(
            uid
            for chunk in _chunks(uids)
            for uid in self._search("UID", _uid_set(chunk))
            if uid in set(chunk)
        )

    def uids_since(self, day: date) -> tuple[int, ...]:
        """UIDs that may have arrived on or after the day: ask their INTERNALDATE (`describe`).

        SINCE knows days in the server's time zone only, so a day earlier is asked for.
        """
        return self._search("SINCE", day - timedelta(days=1))

    def all_uids(self) -> tuple[int, ...]:
        return self._search("ALL")

    def describe(self, uids: Sequence[int]) -> tuple[MessageInfo, ...]:
        """UID, size and INTERNALDATE, by UID; messages that are gone are left out."""
        return tuple(info for chunk in _chunks(uids) for info in self._describe(_uid_set(chunk)))

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The messages by UID, fetched in batches bounded by bytes. Flags stay as they were."""
        for batch in batch_by_bytes(self.describe(uids)):
            yield from sorted(self.fetch_batch([info.uid for info in batch]).items())

    def fetch_batch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """All these at once (bound the sum of their sizes); what is gone is missing."""
        return self._fetch_part(uids, "BODY.PEEK[]", b"BODY[]")

    def fetch_headers(self, uid: int) -> bytes:
        """The header block. Raises MailError (MESSAGE_REFUSED) if the message is gone."""
        found = self._fetch_part([uid], "BODY.PEEK[HEADER]", b"BODY[HEADER]")
        if uid not in found:
            raise MailError(Kind.MESSAGE_REFUSED, Step.FETCH, f"no message has the UID {uid}")
        return found[uid]

    def find_message_id(self, folder: str, message_id: str) -> tuple[int, ...]:
        """UIDs of the messages with this Message-ID (brackets optional). Selects the folder."""
        self.select(folder)
        wanted = "<" + message_id.strip().strip("<>") + ">"
        if any(character in wanted for character in "\r\n\0"):
            return ()
        return self._search("HEADER", "Message-ID", wanted.encode("utf-8", "replace"))

    def append(
        self,
        folder: str,
        raw: bytes,
        *,
        flags: Sequence[str] = ("\\Seen",),
        internaldate: datetime | None = None,
    ) -> int | None:
        """Files a message. Returns its UID where the server tells it (UIDPLUS)."""
        with self._step(Step.APPEND):
            answer = self._client.append(folder, raw, flags, internaldate)
            match = re.search(rb"APPENDUID \d+ (\d+)\]", answer or b"")
            return int(match[1]) if match else None

    def delete(self, uids: Sequence[int]) -> bool:
        """Flags as deleted and expunges exactly these; False: no UIDPLUS, so only flagged.

        The folder must be selected with readonly=False.
        """
        if self._is_readonly:  # some servers answer OK and do nothing
            raise MailError(Kind.SERVER_ERROR, Step.STORE, "the folder is selected read-only")
        can_expunge = "UIDPLUS" in self.capabilities
        with self._step(Step.STORE):
            for chunk in _chunks(uids):
                uid_set = _uid_set(chunk)
                self._client.add_flags(uid_set, ["\\Deleted"], silent=True)
                if can_expunge:
                    self._client.uid_expunge(uid_set)
        return can_expunge

    def noop(self) -> None:
        with self._step(Step.IDLE):
            self._client.noop()

    def fileno(self) -> int:
        return int(self._client.wire.sock.fileno())

    def idle_start(self) -> None:
        """From here on only idle_wait, idle_stop and close are allowed."""
        with self._step(Step.IDLE):
            self._client.wire.start_idle()

    def idle_wait(self, timeout: float) -> bool:
        """True as soon as a message has arrived, False after `timeout` seconds without one."""
        with self._step(Step.IDLE):
            return self._client.wire.wait_for_exists(timeout)

    def idle_stop(self) -> bool:
        """Ends IDLE. True if a message arrived that idle_wait has not told of."""
        with self._step(Step.IDLE):
            return self._client.wire.stop_idle()

    def _search(self, *criteria: str | bytes | date, above: int = 0) -> tuple[int, ...]:
        with self._step(Step.FETCH):
            return tuple(
                sorted({uid for uid in self._client.search(list(criteria)) if uid > above})
            )

    def _describe(self, uid_set: str) -> tuple[MessageInfo, ...]:
        with self._step(Step.FETCH):
            answer = self._client.fetch_set(uid_set, ("UID", "RFC822.SIZE", "INTERNALDATE"))
        now = datetime.now(UTC)
        return tuple(
            MessageInfo(
                uid=uid,
                size=int(values.get(b"RFC822.SIZE") or 0),
                internaldate=_utc(values.get(b"INTERNALDATE")) or now,
            )
            for uid, values in sorted(answer.items())
            # not a flag change the server tells of in passing
            if b"RFC822.SIZE" in values or b"INTERNALDATE" in values
        )

    def _fetch_part(self, uids: Sequence[int], item: str, key: bytes) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        with self._step(Step.FETCH):
            for chunk in _chunks(uids):
                answer = self._client.fetch_set(_uid_set(chunk), (item,))
                for uid in chunk:
                    value = answer.get(uid, {}).get(key)
                    if isinstance(value, bytes):
                        found[uid] = value
        return found


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.year < _FIRST_YEAR:
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):  # the year 1 or 9999 in another zone
        return None


def _folder(flags: tuple[bytes, ...], delimiter: bytes | None, name: str) -> Folder:
    names = tuple(flag.decode("ascii", "replace") for flag in flags)
    lowered = {flag.lower() for flag in names}
    special = next((use for use in _SPECIAL_USES if use.lower() in lowered), "")
    return Folder(name, (delimiter or b"").decode("ascii", "replace"), names, special)


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    ordered = sorted(set(uids))
    for start in range(0, len(ordered), _UIDS_PER_COMMAND):
        yield ordered[start : start + _UIDS_PER_COMMAND]


def _uid_set(uids: Sequence[int]) -> str:
    """Ascending UIDs as IMAP writes them: 1:3,7. Only UIDs that were asked for are named."""
    ranges: list[list[int]] = []
    for uid in uids:
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in ranges)
