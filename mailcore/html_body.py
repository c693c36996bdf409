"""Makes the HTML of a mail safe to show: bleach with allow-lists, bounded before, links marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from urllib.parse import unquote

from bleach.sanitizer import Cleaner

from mailcore.html_attributes import read_attributes
from mailcore.html_bounds import simplify
from mailcore.html_filter import Findings, MailFilter
from mailcore.html_policy import PROTOCOLS, TAGS, MailCss, is_allowed_attribute
from mailcore.html_tokens import scan

_REMOTE = "data-remote-src"


@dataclass(frozen=True, slots=True)
class CleanedHtml:
    """With `too_complex` nothing was cleaned and `html` is "": show the plain text."""

    html: str
    blocked_images: int
    too_complex: bool


def clean_html(html: str) -> CleanedHtml:
    """Safe HTML for a sandboxed frame; remote pictures wait in `data-remote-src`, `cid:` stays.

    Never raises. Takes up to a second or two for the largest mail within the bounds.
    """
    findings = Findings()
    simplified = simplify(html, findings)
    if simplified is None:
        return CleanedHtml("", 0, too_complex=True)
    cleaner = Cleaner(
        tags=TAGS,
        attributes=is_allowed_attribute,
        protocols=PROTOCOLS,
        strip=True,
        strip_comments=True,
        css_sanitizer=MailCss(findings),
        filters=[partial(MailFilter, findings=findings)],
    )
    try:
        cleaned = cleaner.clean(simplified)
    except Exception:  # noqa: BLE001 - hostile bytes in a foreign parser: the plain text is shown
        return CleanedHtml("", 0, too_complex=True)
    return CleanedHtml(cleaned, findings.blocked_images, too_complex=False)


def rewrite_images(
    html: str, *, cid: Callable[[str], str | None], remote: Callable[[str], str] | None
) -> str:
    """Put the page's own URLs into cleaned HTML.

    `cid` gets a Content-ID without brackets and returns its URL or None; `remote` gets the URL of a
    remote picture and returns the proxy's. With `remote=None` remote pictures stay blocked.
    """
    pieces: list[str] = []
    at = 0
    for token in scan(html):
        if token.tag != "img" or token.is_end:
            continue
        pieces.append(html[at : token.start])
        pieces.append(_rewrite_image(dict(read_attributes(token.value)), cid, remote))
        at = token.end
    pieces.append(html[at:])
    return "".join(pieces)


def _rewrite_image(
    attributes: dict[str, str],
    cid: Callable[[str], str | None],
    remote: Callable[[str], str] | None,
) -> str:
    source = attributes.get("src", "")
    if source[:4].lower() == "cid:":
        url = cid(unquote(source[4:]))
        if url is None:
            del attributes["src"]
        else:
            attributes["src"] = url
    if remote is not None and _REMOTE in attributes:
        attributes["src"] = remote(attributes.pop(_REMOTE))
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<img{written}>"
