"""The original below an answer."""

from __future__ import annotations

from html import escape

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from mailaccounts.compose_body import Quoted
from mailcore.html_body import clean_html, rewrite_images
from mailcore.messages import ParsedMessage
from mailstore.models import StoredMessage

_LONGEST = 200_000  # characters that are quoted
_STYLE = "margin:0 0 0 0.8ex;border-left:2px solid #c5ccd4;padding-left:1ex"


def quote_original(message: StoredMessage, parsed: ParsedMessage) -> Quoted:
    """„Am … schrieb …:“ and the original; its pictures are left out, its files never go back."""
    line = _introduction(message)
    text = parsed.text[:_LONGEST]
    quoted = "\n".join(_marked(one) for one in text.splitlines())
    return Quoted(
        text=f"{line}\n\n{quoted}",
        html=(
            f"<p>{escape(line)}</p>"
            f'<blockquote type="cite" style="{_STYLE}">{_html_of(parsed, text)}</blockquote>'
        ),
    )


def _introduction(message: StoredMessage) -> str:
    moment = timezone.localtime(message.date or message.received_at)
    sender = message.from_name or message.from_email
    if message.from_name and message.from_email:
        sender = f"{message.from_name} <{message.from_email}>"
    return _("Am %(date)s um %(time)s schrieb %(sender)s:") % {
        "date": date_format(moment, "d.m.Y"),
        "time": date_format(moment, "H:i"),
        "sender": sender,
    }


def _marked(line: str) -> str:
    return f">{line}" if line.startswith(">") else f"> {line}".rstrip()


def _html_of(parsed: ParsedMessage, text: str) -> str:
    cleaned = clean_html(parsed.html) if parsed.html else None
    if cleaned is None or cleaned.too_complex or len(cleaned.html) > 2 * _LONGEST:
        return "<br>\n".join(escape(line, quote=False) for line in text.splitlines())
    return rewrite_images(cleaned.html, cid=lambda _cid: None, remote=None)
