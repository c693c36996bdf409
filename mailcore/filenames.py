"""Names of attachments: found, made safe for every disk, or made up with the right extension."""

from __future__ import annotations

import mimetypes
import re
import unicodedata

from mailcore.charsets import one_line

_LONGEST_BYTES = 200  # UTF-8; file systems allow 255
_LONGEST_EXTENSION = 20
# Bidi controls turn „gpj.exe" around; zero-width characters hide; both have no place in a name.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c\u00ad]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_DRIVE = re.compile(r"^[A-Za-z]:")
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/rfc822-headers": ".txt",
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "message/feedback-report": ".txt",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/pjpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "audio/mpeg": ".mp3",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc",
    "application/pgp-keys": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/x-zip-compressed": ".zip",
}
_MIME_TYPES = mimetypes.MimeTypes()  # without the machine's files: the same name everywhere


def safe_filename(name: str) -> str:
    """The name without path, drive, controls and tricks, NFC; "" if nothing is left."""
    if not name:
        return ""
    name = unicodedata.normalize("NFC", _INVISIBLE.sub("", one_line(name)))
    pieces = [piece.strip(" .") for piece in re.split(r"[/\\]", name)]
    name = next((piece for piece in reversed(pieces) if piece), "")
    name = _FORBIDDEN.sub("_", _DRIVE.sub("", name)).strip(" .")
    name = " ".join(name.split())
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shorten(name)


def generate_filename(path: str, content_type: str) -> str:
    """A name for a part that brings none, e.g. `anhang-2.pdf`."""
    place = "-".join(path.split(".")[-4:])
    return f"anhang-{place}{extension_for(content_type)}"


def extension_for(content_type: str) -> str:
    known = _EXTENSIONS.get(content_type)
    return known or _MIME_TYPES.guess_extension(content_type) or ".bin"


def guess_type(filename: str) -> str:
    return _MIME_TYPES.guess_type(filename)[0] or "application/octet-stream"


def _shorten(name: str) -> str:
    if len(name.encode()) <= _LONGEST_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > _LONGEST_EXTENSION:
        stem, extension = name, ""
    room = _LONGEST_BYTES - len(extension.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{stem}.{extension}" if extension else stem
