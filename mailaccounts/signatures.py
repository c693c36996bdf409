"""Which signature stands under a mail: the account's, the project's or the company's (F1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import unquote_to_bytes

from django.utils.translation import gettext as _

from company.models import CompanySettings, Employee, Project
from mailaccounts.models import MailAccount
from mailcore.html_attributes import read_attributes
from mailcore.html_body import clean_html, rewrite_images
from mailcore.html_text import html_to_text
from mailcore.html_tokens import scan
from mailcore.messages import FilePart
from mailcore.placeholders import fill

_DATA_URI = re.compile(
    r"\s*data:(image/(png|jpeg|gif|webp))(?:;[^,;]*)*?(;base64)?,(.*)", re.DOTALL | re.IGNORECASE
)
_VISIBLE_TAGS = {"img", "hr"}
# „Mobil {MITARBEITER_MOBIL}“ says nothing of somebody without one; „Es grüßt {MITARBEITER}“ does.
_REACHED_BY = (
    "MITARBEITER_TELEFON",
    "MITARBEITER_MOBIL",
    "MITARBEITER_EMAIL",
    "MITARBEITER_TELEFAX",
)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with its variables filled in. `files`: the pictures its HTML shows by cid:."""

    html: str
    text: str
    source: str  # German: „Signatur des Accounts „Support““, for the composer
    files: tuple[FilePart, ...] = ()


def choose_signature(
    *, account: MailAccount | None, project: Project | None, employee: Employee | None
) -> Signature:
    """The first active, non-empty signature of account, project, company; else an empty one."""
    values = signature_values(employee)
    for html, source in _levels(account, project):
        if not _is_blank(html):
            return _filled(html, source, values)
    return Signature("", "", _("ohne Signatur"))


def show_signature(html: str, employee: Employee | None) -> Signature:
    """What this very HTML becomes in a mail of the employee; for the preview of its editor."""
    return _filled(html, "", signature_values(employee))


def signature_values(employee: Employee | None) -> dict[str, str]:
    """The variables of F2; all empty where no employee writes."""
    return {
        "MITARBEITER": employee.name if employee else "",
        "MITARBEITER_TELEFON": employee.phone if employee else "",
        "MITARBEITER_MOBIL": employee.mobile if employee else "",
        "MITARBEITER_EMAIL": employee.email if employee else "",
        "MITARBEITER_TELEFAX": employee.fax if employee else "",
    }


def _levels(account: MailAccount | None, project: Project | None) -> Iterator[tuple[str, str]]:
    if account and account.signature_active:
        yield account.signature_html, _("Signatur des Accounts „%(name)s“") % {"name": account}
    if project and project.signature_active:
        yield project.signature_html, _("Signatur des Projekts „%(name)s“") % {"name": project.code}
    yield CompanySettings.load().signature_html, _("Standardsignatur der Grundeinstellungen")


def _filled(html: str, source: str, values: dict[str, str]) -> Signature:
    cleaned, files = clean_with_pictures(html)
    filled = fill(cleaned, values, escape=True, labelled=_REACHED_BY)
    return Signature(filled, html_to_text(filled), source, files)


def _is_blank(html: str) -> bool:
    """Editors leave `<p><br></p>` behind: what shows nothing is no signature."""
    return not any(
        token.tag in _VISIBLE_TAGS
        or (not token.tag and token.value.replace("&nbsp;", " ").replace("\u00a0", " ").strip())
        for token in scan(html)
    )


@lru_cache(maxsize=128)
def clean_with_pictures(html: str) -> tuple[str, tuple[FilePart, ...]]:
    """HTML that may be sent, and the pictures of its data: URIs as files shown by cid:.

    Scripts, forms and event handlers go; tables, inline styles and pictures stay. HTML too complex
    to be cleaned becomes its text.
    """
    with_cids, files = take_out_pictures(html)
    cleaned = clean_html(with_cids)
    if cleaned.too_complex:
        return "<br>".join(escape(line) for line in html_to_text(html).splitlines()), ()
    return rewrite_images(cleaned.html, cid=lambda cid: f"cid:{cid}", remote=str), files


def take_out_pictures(html: str) -> tuple[str, tuple[FilePart, ...]]:
    """The HTML with cid: in place of data: URIs, and the pictures as files."""
    pieces: list[str] = []
    files: dict[str, FilePart] = {}
    at = 0
    for token in scan(html):
        if token.tag != "img" or token.is_end:
            continue
        source = dict(read_attributes(token.value)).get("src", "")
        picture = _read_picture(source)
        if picture is None:
            continue
        files.setdefault(picture.content_id, picture)
        # The attribute's value stands in the tag literally: base64 has nothing to escape.
        tag = html[token.start : token.end]
        pieces += [html[at : token.start], tag.replace(source, f"cid:{picture.content_id}", 1)]
        at = token.end
    pieces.append(html[at:])
    return "".join(pieces), tuple(files.values())


def _read_picture(source: str) -> FilePart | None:
    """The picture of a data: URI; its name and Content-ID come from the bytes."""
    found = _DATA_URI.fullmatch(source)
    if not found:
        return None
    content_type, kind, is_base64, data = found.groups()
    content = unquote_to_bytes(data)
    if is_base64:
        try:
            content = base64.b64decode(b"".join(content.split()))
        except binascii.Error:
            return None
    digest = hashlib.sha256(content).hexdigest()[:16]
    return FilePart(
        filename=f"bild-{digest[:6]}.{kind.lower().replace('jpeg', 'jpg')}",
        content_type=content_type.lower(),
        content=content,
        content_id=f"{digest}@signatur",
    )
