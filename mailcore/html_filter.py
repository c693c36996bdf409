"""The last filter behind bleach: links open safely and honestly, remote pictures are held back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict
from urllib.parse import urlsplit

from bleach.html5lib_shim import Filter  # type: ignore[attr-defined]

_NAME = re.compile(r"[a-z0-9-]+")

_FILE_ENDINGS = frozenset(
    _NAME.findall(
        """
        pdf doc docx xls xlsx ppt pptx txt csv xml zip png jpg jpeg gif html htm eml msg odt ods
        """
    )
)
_SHOWN_HOST = re.compile(
    r"(https?://)?(?:[^\s/@]{1,100}@)?((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})\.?(?::\d{1,5})?(?=[/?#\s]|\Z)",
    re.IGNORECASE,
)
_LONGEST_LABEL = 2000

Attributes = dict[tuple[str | None, str], str]


class _Token(TypedDict, total=False):
    type: str
    name: str
    namespace: str | None
    data: Attributes | str


@dataclass(slots=True)
class Findings:
    """What cleaning met on its way."""

    blocked_images: int = 0


class MailFilter(Filter):  # type: ignore[misc]
    """Works on the tokens that bleach has already sanitised."""

    def __init__(self, source: object, findings: Findings) -> None:
        super().__init__(source)
        self._findings = findings

    def __iter__(self) -> Iterator[_Token]:
        href = ""
        label: list[str] = []
        for token in super().__iter__():
            kind, name = token["type"], token.get("name")
            if kind == "StartTag" and name == "a":
                href = _secure_link(token["data"])
                label = []
            elif kind in ("StartTag", "EmptyTag") and name == "img":
                _hold_back(token["data"], self._findings)
            elif href and kind in ("Characters", "SpaceCharacters"):
                label.append(token["data"])
            yield token
            if kind == "EndTag" and name == "a":
                if href:
                    yield from _warn("".join(label)[:_LONGEST_LABEL], href)
                href = ""


def _secure_link(attributes: Attributes) -> str:
    """Complete a link's attributes; its target, "" if it has none."""
    href = attributes.get((None, "href"), "")
    if href.startswith("//"):
        href = f"https:{href}"
        attributes[(None, "href")] = href
    if href:
        attributes[(None, "target")] = "_blank"
        attributes[(None, "rel")] = "noopener noreferrer nofollow"
    return href


def _hold_back(attributes: Attributes, findings: Findings) -> None:
    source = attributes.get((None, "src"), "")
    if source.startswith("//"):
        source = f"https:{source}"
    if source[:5].lower() in ("http:", "https"):
        del attributes[(None, "src")]
        attributes[(None, "data-remote-src")] = source
        findings.blocked_images += 1


def _warn(label: str, href: str) -> Iterator[_Token]:
    """A note with the real host behind a link whose text names another one."""
    target = _host(href)
    if not target or not _names_another_host(label.strip(), target):
        return
    yield {
        "type": "StartTag",
        "name": "span",
        "namespace": "http://www.w3.org/1999/xhtml",
        "data": {(None, "class"): "link-warning"},
    }
    yield {"type": "Characters", "data": f" [{target}]"}
    yield {
        "type": "EndTag",
        "name": "span",
        "namespace": "http://www.w3.org/1999/xhtml",
        "data": {},
    }


def _host(href: str) -> str:
    try:
        parts = urlsplit(href)
        return (parts.hostname or "").rstrip(".") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _names_another_host(label: str, target: str) -> bool:
    found = _SHOWN_HOST.match(label)
    if not found:
        return False
    shown = found.group(2).lower()
    ending = shown.rpartition(".")[2]
    if not found.group(1) and (ending in _FILE_ENDINGS or "@" in found.group()):
        return False
    shown, target = _plain(shown), _plain(target)
    return shown != target and not target.endswith(f".{shown}") and not shown.endswith(f".{target}")


def _plain(host: str) -> str:
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return host.lower().removeprefix("www.")
