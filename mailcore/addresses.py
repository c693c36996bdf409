"""Address headers as they really come: linear time, nothing raises, nothing is guessed silently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailcore.charsets import one_line
from mailcore.encoded_words import decode_words
from mailcore.messages import Mailbox

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,1000}\?=")
_ANGLE = re.compile(r"<([^<>]*)>")
_PLAIN = re.compile(r'[^",;:<>()\\=\[\]]+')
_ADDRESS = re.compile(r"[^\s@<>,;\"()\[\]]+@(?:[^\s@<>,;\"()\[\]]+|\[[^\[\]\s]*\])")
_LAST_QUOTED_LOCAL = re.compile(r'^"[^"]{1,64}"@[^\s@"]+$')
_SOURCE_ROUTE = re.compile(r"^@[^:]*:")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BLANK = re.compile(r"\s")
_NAME_LIMIT = 1000
_ADDRESS_LIMIT = 320  # RFC 5321: 64 + 1 + 255


@dataclass(slots=True)
class _Chunk:
    """What stands between two separators."""

    words: list[str] = field(default_factory=list)  # text outside brackets, in order
    quoted: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    words_at_angle: int = 0  # the number of words before the last bracket

    def is_empty(self) -> bool:
        return not (self.angles or self.comments or "".join(self.words).strip())

    def take_words_behind(self) -> _Chunk:
        """A new chunk with the words behind the last bracket."""
        words = self.words[self.words_at_angle :]
        del self.words[self.words_at_angle :]
        return _Chunk(words)

    def text(self) -> str:
        return "".join(self.words).strip()


def parse_addresses(text: str) -> tuple[Mailbox, ...]:
    """The mailboxes of a header value in which encoded words are not yet decoded.

    A mailbox without a usable address keeps its name and has the address "".
    """
    return _read_chunks(text, depth=0)


def unite(mailboxes: Iterable[Mailbox]) -> tuple[Mailbox, ...]:
    """Repeated headers as one list: the first of each address stays."""
    seen: dict[tuple[str, str], Mailbox] = {}
    for mailbox in mailboxes:
        key = (mailbox.email.lower(), "" if mailbox.email else mailbox.name)
        seen.setdefault(key, mailbox)
    return tuple(seen.values())


def _read_chunks(text: str, depth: int) -> tuple[Mailbox, ...]:
    found: list[Mailbox] = []
    surname = ""
    for chunk, separator in _split(text):
        if chunk.is_empty():
            continue
        if separator == "," and not chunk.angles and "@" not in chunk.text() and not surname:
            surname = chunk.text()  # „Müller, Hans <h@x.de>" without quotes
            continue
        if surname:
            if chunk.angles and "@" in chunk.angles[-1] and chunk.text():
                chunk.words.insert(0, f"{surname}, ")
            else:
                found.append(Mailbox(_readable(surname), ""))
            surname = ""
        found.extend(_mailboxes(chunk, depth))
    if surname:
        found.append(Mailbox(_readable(surname), ""))
    return tuple(mailbox for mailbox in found if mailbox.name or mailbox.email)


def _split(text: str) -> Iterator[tuple[_Chunk, str]]:
    chunk = _Chunk()
    at, length = 0, len(text)
    has_at = False
    # After one that is not closed, the others are plain characters: that keeps it linear.
    quotes_end = comments_end = True
    while at < length:
        char = text[at]
        if char == '"' and quotes_end:
            quoted = _QUOTED.match(text, at)
            if quoted:
                chunk.words.append(quoted.group())
                chunk.quoted.append(_ESCAPED.sub(r"\1", quoted.group(1)))
                at = quoted.end()
                continue
            quotes_end = False
        elif char == "<":
            angle = _ANGLE.match(text, at)
            if angle:
                if "@" in angle.group(1) and chunk.angles and "@" in chunk.angles[-1]:
                    following = chunk.take_words_behind()  # „A <a@x> B <b@y>", no comma between
                    yield chunk, " "
                    chunk = following
                chunk.angles.append(angle.group(1))
                chunk.words_at_angle = len(chunk.words)
                at = angle.end()
                continue
        elif char == "(" and comments_end:
            comment, at = _read_comment(text, at)
            comments_end = comment is not None
            chunk.comments.append(comment or "")
            continue
        elif char in ",;":
            yield chunk, char
            chunk, has_at = _Chunk(), False
            at += 1
            continue
        elif char == ":" and not chunk.angles and not has_at:
            chunk = _Chunk()  # the name of a group
            at += 1
            continue
        word = _WORD.match(text, at) if char == "=" else None
        plain = word or _PLAIN.match(text, at)
        chunk.words.append(plain.group() if plain else char)
        has_at = has_at or "@" in chunk.words[-1]
        at = plain.end() if plain else at + 1
    yield chunk, ""


def _read_comment(text: str, at: int) -> tuple[str | None, int]:
    """The comment that opens at `at` and the place behind it; None if its end is not near."""
    depth = 0
    for place in range(at, min(len(text), at + 2000)):
        if text[place] == "(":
            depth += 1
        elif text[place] == ")":
            depth -= 1
            if depth == 0:
                return text[at + 1 : place], place + 1
    # No end in sight: a bomb. All its opening brackets are passed over at once.
    end = at
    while end < len(text) and text[end] == "(":
        end += 1
    return None, end


def _mailboxes(chunk: _Chunk, depth: int) -> Iterator[Mailbox]:
    for angle in reversed(chunk.angles):
        email = _normalise(angle)
        if email:
            yield Mailbox(_name(chunk, chunk.text()), email)
            return
    text = chunk.text()
    email = _normalise(text) if _LAST_QUOTED_LOCAL.match(text) else ""
    if email:
        yield Mailbox(_name(chunk, ""), email)
        return
    bare = _ADDRESS.search(text.replace("=?", " =?")) if "@" in text else None
    if bare:
        email = _normalise(bare.group())
        if email:
            rest = text.replace(bare.group(), " ", 1).strip(" \"'[]<>")
            yield Mailbox(_name(chunk, rest), email)
            return
    decoded = decode_words(text)
    if "=?" in text and "@" in decoded and depth == 0:
        yield from _read_chunks(decoded, depth=1)  # the whole address was encoded
        return
    name = _readable(text) or " ".join(map(_readable, chunk.angles))
    comment = " ".join(map(_readable, chunk.comments)).strip()
    yield Mailbox(f"{name} ({comment})" if name and comment else name, "")


def _name(chunk: _Chunk, text: str) -> str:
    name = _readable(text)
    return name or " ".join(_readable(comment) for comment in chunk.comments).strip()


def _readable(text: str) -> str:
    """A display name: quotes resolved, encoded words decoded, one line."""
    text = text[:_NAME_LIMIT]
    text = _QUOTED.sub(lambda quoted: _ESCAPED.sub(r"\1", quoted.group(1)), text)
    text = " ".join(one_line(decode_words(text)).split())
    text = text.removesuffix("<>").removesuffix("<").rstrip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text if text.strip("()<>[]\"'.,") else ""


def _normalise(text: str) -> str:
    """The addr-spec with a lower-case domain, or "" if it is none."""
    text = decode_words(text).strip().strip("'")
    text = _SOURCE_ROUTE.sub("", text)
    if text[:7].lower() == "mailto:":
        text = text[7:].split("?", 1)[0]
    if len(text) > 2 and text[0] == "[" and text[-1] == "]":
        text = text[1:-1]
    if len(text) > 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    local, at, domain = text.rpartition("@")
    local, domain = local.strip(), domain.strip().rstrip(".").lower()
    is_quoted = len(local) > 2 and local[0] == local[-1] == '"'
    if not is_quoted and (_BLANK.search(local) or '"' in local):
        return ""
    if not at or not local or not domain or _BLANK.search(domain):
        return ""
    email = one_line(f"{local}@{domain}")
    return email if len(email) <= _ADDRESS_LIMIT else ""
