"""Bytes to text, whatever the label says: nothing here raises, and every result can be stored."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from mailcore.iso2022jp import decode_iso2022jp, looks_like_iso2022jp

# Supersets that senders mean (WHATWG Encoding) and names that Python does not know.
_ALIASES = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "hz-gb-2312": "hz",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "euc_kr": "cp949",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp",
    "x-euc": "euc_jp",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-11": "cp874",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-6-i": "iso8859_6",
    "unicode-1-1-utf-7": "utf_7",
    "unicode-1-1-utf-8": "utf_8",
    "x-unicode-2-0-utf-7": "utf_7",
    "utf-8mb4": "utf_8",
    "utf8mb4": "utf_8",
    "unicode": "utf_16",
    "ucs-2": "utf_16",
    "x-mac-roman": "mac_roman",
    "x-macintosh": "mac_roman",
    "macintosh": "mac_roman",
    "ansi": "cp1252",
    "x-ansi": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "x-user-defined": "cp1252",
    "iso-2022-jp-ms": "iso2022_jp",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
}
# By canonical codec name, after the look-up.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso2022_jp_1": "iso2022_jp",
    "iso2022_jp_2": "iso2022_jp",
    "iso2022_jp_3": "iso2022_jp",
    "iso2022_jp_ext": "iso2022_jp",
    "iso2022_jp_2004": "iso2022_jp",
}
# Codecs that are no character sets of mail; punycode and idna also take quadratic time.
_REFUSED = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
_CJK = frozenset(
    {"gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "euc_jis_2004", "johab", "cp950"}
)
_NOT_ASCII_COMPATIBLE = frozenset({"hz", "iso2022_kr", "iso2022_jp", "utf-7"})
_NAME = re.compile(r"[A-Za-z0-9_.:()+-]{1,64}\Z")
_NAME_INSIDE_JUNK = re.compile(
    r"(utf-?8|utf-?16(?:le|be)?|iso-?8859-?1?\d|windows-?125\d|koi8-[ru]|iso-2022-jp|shift_jis"
    r"|gb18030|gb2312|gbk|big5|euc-(?:jp|kr))",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:+-]{2,40})", re.I)
_META_WINDOW = 8192  # bytes of an HTML part searched for its <meta charset>
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_ASCII = bytes(range(128))
# Bytes that are no UTF-8 come out of the decoder as lone surrogates; this is what they are instead.
_WINDOWS_CHARACTERS = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(128, 256)
}
_LINE_CONTROLS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]+")
_OTHER_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]+")


@lru_cache(maxsize=512)
def find_codec(label: str) -> str | None:
    """The Python codec for a charset label as found in a mail, or None where it means nothing."""
    name = label.strip().strip("\"'`").strip().lower().split("*", 1)[0]
    return _lookup(name) or _lookup_inside(name)


def _lookup_inside(name: str) -> str | None:
    # „3Dutf-8", „utf-8http-equivcontent-type": the real name stands inside.
    found = _NAME_INSIDE_JUNK.search(name[:200])
    return _lookup(found.group(1)) if found else None


def _lookup(name: str) -> str | None:
    if not _NAME.match(name):
        return None
    name = _ALIASES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError, ImportError):
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name in _REFUSED:
        return None
    return _SUPERSETS.get(info.name, info.name)


def decode_text(data: bytes, label: str | None, *, is_html: bool = False) -> tuple[str, bool]:
    """Decode a text; the second value says that the label was missing a meaning or was untrue.

    Order: the declared charset strictly, UTF-8, windows-1252, replacement characters last.
    """
    codec = find_codec(label) if label else None
    defective = bool(label) and codec is None
    if codec is None and is_html:
        codec = _meta_codec(data)
    text, lied = _decode(data, codec)
    if text.startswith("\ufeff"):
        text = text[1:]
    return storable(text), defective or lied


def _meta_codec(data: bytes) -> str | None:
    found = _META_CHARSET.search(data, 0, _META_WINDOW)
    codec = find_codec(found.group(1).decode("ascii", "replace")) if found else None
    # The label was read as ASCII, so the text cannot be UTF-16 (WHATWG HTML, prescan).
    return None if codec is not None and codec.startswith(("utf-16", "utf-32")) else codec


def _decode(data: bytes, codec: str | None) -> tuple[str, bool]:
    if codec in (None, "cp1252", "utf-8", "iso2022_jp") and looks_like_iso2022jp(data):
        return decode_iso2022jp(data), False
    if data.startswith(codecs.BOM_UTF8):
        codec = "utf-8"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in data:
        codec = "utf-16"
    if codec is not None and codec.startswith("utf-16") and len(data) % 2:
        data = data[:-1]  # half a character: the line end a gateway put behind
    if data.isascii() and _reads_ascii(codec, data):
        return data.decode("ascii"), False
    if codec is None or _is_single_byte(codec):
        # No single-byte text is valid UTF-8 by chance: the label is what lies.
        text = _try_decode(data, "utf-8")
        if text is not None:
            return text, codec is not None
    if codec is not None:
        text = _try_decode(data, codec)
        if text is not None:
            return text, False
        if codec in _CJK or codec in _NOT_ASCII_COMPATIBLE or codec.startswith("utf-16"):
            text = data.decode(codec, "replace")
            if text.count("\ufffd") * 20 < len(text):
                return text, True
    return _decode_undeclared(data, is_labelled=codec == "utf-8"), codec is not None


def _reads_ascii(codec: str | None, data: bytes) -> bool:
    if codec is None:
        return True
    if codec.startswith(("utf-16", "utf-32")):
        return b"\0" not in data  # labelled so, but plain ASCII
    return codec not in _NOT_ASCII_COMPATIBLE


def _is_single_byte(codec: str) -> bool:
    return codec not in _CJK and codec not in _NOT_ASCII_COMPATIBLE and codec[:3] != "utf"


def _decode_undeclared(data: bytes, *, is_labelled: bool) -> str:
    text = _try_decode(data, "utf-8")
    if text is not None:
        return text
    sequences = sum(map(len, _UTF8_SEQUENCE.findall(data)))
    if sequences * (10 if is_labelled else 2) > len(data.translate(None, _ASCII)):
        # UTF-8 with some foreign bytes, e.g. a footer added by a gateway.
        return data.decode("utf-8", "surrogateescape").translate(_WINDOWS_CHARACTERS)
    return data.decode("cp1252", "replace")


def is_utf8(data: bytes) -> bool:
    return _try_decode(data, "utf-8") is not None


def _try_decode(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii() and not _is_encodable(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _is_encodable(text: str) -> bool:
    """Whether the text has no lone surrogate; encoding finds one faster than a search."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def one_line(text: str) -> str:
    """The text as one line without control characters, for header values and names."""
    if not text.isprintable():
        text = _OTHER_CONTROLS.sub("", _LINE_CONTROLS.sub(" ", text))
    return storable(text).strip()
