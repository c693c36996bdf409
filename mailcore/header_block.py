"""Cuts the header of a message or part into its fields, as bytes, however broken it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER_LIMIT = 256 * 1024  # bytes read of one header
FIELD_LIMIT = 2000

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
_KNOWN_FIELD = re.compile(
    rb"(?:content-[a-z-]+|mime-version|received|return-path|delivered-to|from|to|cc|bcc|sender"
    rb"|reply-to|subject|date|message-id|in-reply-to|references|x-[!-9;-~]+|list-[a-z]+|precedence"
    rb"|auto-submitted|dkim-signature|authentication-results|importance|user-agent|return-receipt-to"
    rb"|disposition-notification-to|thread-[a-z]+|arc-[a-z-]+|received-spf|envelope-to|resent-[a-z-]+"
    rb"|organization|comments|keywords|priority|sensitivity|status|feedback-id|errors-to"
    rb"|mailing-list|autocrypt|accept-language|original-[a-z-]+|domainkey-signature"
    rb"|reporting-mta|final-recipient|action)[ \t]*:",
    re.IGNORECASE,
)
_COLON_BELOW = re.compile(rb"[ \t]+:[^:]")
_FOLD = re.compile(rb"\r*\n([ \t])")
_BLANK_LINE = re.compile(rb"\n\r*\n")
_LEADING_BLANK_LINE = re.compile(rb"\r*\n")
_PREAMBLE = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r*\n)*(?:>?From [^\r\n]*\r*\n)?(?:\r*\n)*")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    fields: tuple[tuple[str, bytes], ...]  # names as written, values unfolded
    body_start: int  # offset in the buffer that was read
    defects: tuple[str, ...] = ()


def skip_preamble(raw: bytes) -> int:
    """Where the message begins, behind a byte order mark, blank lines and an mbox `From ` line."""
    found = _PREAMBLE.match(raw)
    return found.end() if found else 0


def split_header(raw: bytes, start: int, end: int) -> HeaderBlock:
    """Read the header that begins at `start`; where nothing is a header, everything is body."""
    leading = _LEADING_BLANK_LINE.match(raw, start, end)
    if leading:
        return HeaderBlock((), leading.end())
    blank = _BLANK_LINE.search(raw, start, end)
    block_end, body_start = (blank.start(), blank.end()) if blank else (end, end)
    defects: list[str] = []
    if block_end - start > HEADER_LIMIT:
        defects.append("header-limit")
        cut = raw.rfind(b"\n", start, start + HEADER_LIMIT) + 1
        block_end = cut if cut > start else start + HEADER_LIMIT
        if blank is None:
            body_start = block_end
    lines = raw[start:block_end].split(b"\n")
    fields, used = _read_fields(lines, defects)
    if used < len(lines) and block_end > start:
        # What follows is no header: the blank line is missing, the body begins here.
        defects.append("no-blank-line")
        body_start = start + sum(len(line) + 1 for line in lines[:used])
    return HeaderBlock(tuple(fields), min(body_start, end), tuple(defects))


def split_fields(block: bytes) -> tuple[tuple[str, bytes], ...]:
    """The fields of a block without a body, whatever their names."""
    unfolded = _FOLD.sub(rb"\1", block[:HEADER_LIMIT])
    found = (_FIELD.match(line) for line in unfolded.split(b"\n"))
    return tuple((one.group(1).decode("ascii"), one.group(2).strip()) for one in found if one)


def _read_fields(lines: list[bytes], defects: list[str]) -> tuple[list[tuple[str, bytes]], int]:
    """The fields and the number of lines they and the junk between them take."""
    from_last = range(len(lines) - 1, -1, -1)
    last_known = next((at for at in from_last if _KNOWN_FIELD.match(lines[at])), -1)
    if last_known < 0:
        return [], 0
    fields: list[tuple[str, bytes]] = []
    name: bytes | None = None
    values: list[bytes] = []
    used = len(lines)
    for at, line in enumerate(lines):
        if line[:1] in (b" ", b"\t"):
            if _ends_header(lines, at):
                used = at + 1
                break
            if name is not None:
                values.append(line.rstrip(b"\r"))
                continue
            line = line.strip()
        elif at + 1 < len(lines) and _COLON_BELOW.match(lines[at + 1]) and b":" not in line:
            line = line.rstrip() + lines[at + 1].strip()  # the name is folded (RFC 5322, 4.5)
            lines[at + 1] = b" "
        found = _FIELD.match(line)
        if found:
            _finish(fields, name, values)
            name, values = found.group(1), [found.group(2).rstrip(b"\r")]
        elif at > last_known and line.strip() and line[:1] != b":":
            used = at
            break
        elif line.strip():
            _finish(fields, name, values)
            name = None
            if "junk-in-header" not in defects:
                defects.append("junk-in-header")
    _finish(fields, name, values)
    if len(fields) > FIELD_LIMIT:
        del fields[FIELD_LIMIT:]
        defects.append("header-limit")
    return fields, used


def _ends_header(lines: list[bytes], at: int) -> bool:
    """Whether a line of blanks stands for the empty one: what follows it belongs to no header."""
    if lines[at].strip():
        return False
    following = lines[at + 1] if at + 1 < len(lines) else b""
    if not following.strip() or following[:1] in (b" ", b"\t"):
        return False
    return following.startswith(b"--") or not _FIELD.match(following)


def _finish(fields: list[tuple[str, bytes]], name: bytes | None, values: list[bytes]) -> None:
    if name is not None:
        fields.append((name.decode("ascii"), b"".join(values).strip()))
