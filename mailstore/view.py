"""The safe view of a stored message, for every app that shows mail.

The URL and the check of rights belong to the app that calls; here is what all of them show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from company.page_answers import private
from mailcore.html_body import rewrite_images
from mailcore.html_tokens import scan
from mailcore.parse import parse
from mailstore.clean import clean_guarded
from mailstore.models import CleanedBody, StoredAttachment, StoredMessage
from mailstore.read import read_raw

if TYPE_CHECKING:
    from mailcore.html_tokens import Token

# Raise it whenever mailcore's cleaning changes: kept results of older versions are made anew.
POLICY_VERSION = 1
FRAME_SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
    f"frame-ancestors 'self'; sandbox {FRAME_SANDBOX}"
)
SAFE_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class MailBody:
    """What can be shown of a message. `html` is safe; empty if there is none or it is too complex."""

    html: str
    blocked_images: int  # remote pictures that were left out
    is_too_complex: bool
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    value: str


def render_body(
    message: StoredMessage,
    *,
    cid_url: Callable[[StoredAttachment], str],
    remote_url: Callable[[str], str] | None,
) -> MailBody:
    """The body of a message with the caller's URLs for the pictures inside it.

    `remote_url` makes the proxy's address from that of a remote picture; with None these pictures
    stay blocked and are counted. The first call for a message cleans its HTML and keeps the result.
    """
    if not message.has_html:
        return MailBody("", 0, False, message.text)
    cleaned = _cleaned(message)
    inline = {
        attachment.content_id: attachment
        for attachment in message.attachments.exclude(content_id="")
        if attachment.content_type in SAFE_PICTURES
    }

    def find_picture(content_id: str) -> str | None:
        return cid_url(inline[content_id]) if content_id in inline else None

    html = rewrite_images(
        cleaned.html, cid=find_picture, remote=partial(_remote, remote_url) if remote_url else None
    )
    blocked = 0 if remote_url else cleaned.blocked_images
    return MailBody(_fold_quote(html), blocked, cleaned.is_too_complex, message.text)


def read_headers(message: StoredMessage) -> tuple[Header, ...]:
    """All header fields, decoded, in their order. Raises what read_raw raises."""
    return tuple(Header(name, value) for name, value in parse(read_raw(message)).headers)


def mail_frame_response(
    request: HttpRequest, body: MailBody, *, subject: str, show_remote: str
) -> HttpResponse:
    """The page inside a mail's <iframe>. `show_remote` is the address that shows it with pictures."""
    page = render_to_string(
        "mailstore/frame.html",
        {"body": body, "subject": subject, "show_remote": show_remote},
        request=request,
    )
    response = HttpResponse(page)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return private(response)


def _cleaned(message: StoredMessage) -> CleanedBody:
    kept = CleanedBody.objects.filter(message=message, policy=POLICY_VERSION).first()
    if kept is not None:
        return kept
    try:
        cleaned = clean_guarded(parse(read_raw(message)).html)
    except (FileNotFoundError, ValueError):
        # The bytes are gone or damaged: the text that was read from them is still there.
        return CleanedBody(message=message, policy=POLICY_VERSION, html="")
    made = CleanedBody(
        message=message,
        policy=POLICY_VERSION,
        html=cleaned.html,
        blocked_images=cleaned.blocked_images,
        is_too_complex=cleaned.too_complex,
    )
    CleanedBody.objects.bulk_create([made], ignore_conflicts=True)
    CleanedBody.objects.filter(message=message, policy__lt=POLICY_VERSION).delete()
    return made


def _remote(remote_url: Callable[[str], str], address: str) -> str:
    return remote_url(f"https:{address}" if address.startswith("//") else address)


def _fold_quote(html: str) -> str:
    """Folds the quoted mail at the end away; quotes with an answer below stay open."""
    start = end = depth = 0
    opened: Token | None = None
    for token in scan(html):
        if token.tag == "blockquote":
            if not token.is_end and not depth:
                opened = opened or token
            depth = max(0, depth + (-1 if token.is_end else 1))
            end = token.end
        elif opened and not depth and not token.tag and token.value.replace("&nbsp;", "").strip():
            opened = None  # something was written below
    if opened is None or depth:
        return html
    start = opened.start
    before, quote, after = html[:start], html[start:end], html[end:]
    if not _has_words(before):
        return html
    label = _("Zitierten Text anzeigen")
    return f'{before}<details class="quote"><summary>{label}</summary>{quote}</details>{after}'


def _has_words(html: str) -> bool:
    return any(not token.tag and token.value.strip() for token in scan(html))
