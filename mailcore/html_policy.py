"""What a mail's HTML may contain: tags, attributes, protocols, CSS."""

from __future__ import annotations

import html
import re
from typing import Protocol

import tinycss2  # type: ignore[import-untyped]
from bleach.css_sanitizer import CSSSanitizer

_NAME = re.compile(r"[a-z0-9-]+")

TAGS = frozenset(
    _NAME.findall(
        """
        a abbr acronym address article aside b bdi bdo big blockquote br caption center cite
        code col colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3
        h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span
        strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
        """
    )
)
PROTOCOLS = frozenset({"http", "https", "mailto", "tel", "cid", "data"})
_EVERYWHERE = frozenset({"style", "align", "dir", "lang", "title", "bgcolor"})
_ATTRIBUTES = {
    "a": frozenset({"href"}),
    "col": frozenset({"span", "width", "valign"}),
    "colgroup": frozenset({"span", "width", "valign"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"color", "noshade", "size", "width"}),
    "img": frozenset({"src", "alt", "width", "height", "border", "hspace", "vspace"}),
    "li": frozenset({"value", "type"}),
    "ol": frozenset({"start", "type", "reversed"}),
    "table": frozenset(
        {"border", "cellpadding", "cellspacing", "width", "height", "rules", "frame"}
    ),
    "tbody": frozenset({"valign"}),
    "td": frozenset({"colspan", "rowspan", "width", "height", "valign", "nowrap"}),
    "th": frozenset({"colspan", "rowspan", "width", "height", "valign", "nowrap", "scope"}),
    "thead": frozenset({"valign"}),
    "tr": frozenset({"valign", "height"}),
    "ul": frozenset({"type"}),
}
_PICTURE_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=%\s]*\Z", re.I)
_LINK = re.compile(r"(?:https?://|//|mailto:|tel:)", re.IGNORECASE)
_PICTURE = re.compile(r"(?:https?://|//|cid:)", re.IGNORECASE)

_PROPERTIES = frozenset(
    _NAME.findall(
        """
        background-color border border-bottom border-bottom-color border-bottom-style
        border-bottom-width border-collapse border-color border-left border-left-color
        border-left-style border-left-width border-radius border-right border-right-color
        border-right-style border-right-width border-spacing border-style border-top
        border-top-color border-top-style border-top-width border-width caption-side clear color
        direction display empty-cells float font font-family font-size font-style font-variant
        font-weight height letter-spacing line-height list-style list-style-position
        list-style-type margin margin-bottom margin-left margin-right margin-top max-height
        max-width min-height min-width overflow overflow-wrap padding padding-bottom
        padding-left padding-right padding-top table-layout text-align text-decoration
        text-indent text-transform unicode-bidi vertical-align white-space width word-break
        word-spacing word-wrap
        """
    )
)
_BACKGROUND_WORDS = frozenset(
    _NAME.findall(
        """
        repeat no-repeat repeat-x repeat-y space round scroll fixed local center left right top
        bottom cover contain auto none border-box padding-box content-box inherit initial unset
        """
    )
)
_COLOUR_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla"})
_PLAIN_TYPES = frozenset(
    {"ident", "hash", "number", "percentage", "dimension", "whitespace", "string"}
)
_LONGEST_STYLE = 4000  # characters


class ImageCounter(Protocol):
    blocked_images: int


def is_allowed_attribute(tag: str, name: str, value: str) -> bool:
    """Whether bleach keeps an attribute; URLs are checked here first, then by their protocol."""
    if name == "href":
        return tag == "a" and bool(_LINK.match(value.strip()))
    if name == "src":
        is_picture = bool(_PICTURE.match(value.strip()) or _PICTURE_DATA.match(value.strip()))
        return tag == "img" and is_picture
    return name in _EVERYWHERE or name in _ATTRIBUTES.get(tag, ())


class MailCss(CSSSanitizer):
    """Keeps known properties with plain values; anything that loads or computes is dropped."""

    def __init__(self, counter: ImageCounter) -> None:
        super().__init__(allowed_css_properties=_PROPERTIES)
        self._counter = counter
        self._seen: dict[str, tuple[str, int]] = {}  # newsletters repeat their styles

    def sanitize_css(self, style: str) -> str:
        if style not in self._seen:
            # bleach hands over the attribute with its entities: font-family:&quot;Calibri&quot;
            self._seen[style] = _clean_style(html.unescape(style[:_LONGEST_STYLE]))
        cleaned, pictures = self._seen[style]
        self._counter.blocked_images += pictures
        return cleaned


def _clean_style(style: str) -> tuple[str, int]:
    """The cleaned style and the number of pictures it would have loaded."""
    kept: list[str] = []
    pictures = 0
    for declaration in tinycss2.parse_declaration_list(
        style, skip_comments=True, skip_whitespace=True
    ):
        if declaration.type != "declaration":
            continue
        name, values = declaration.lower_name, declaration.value
        loads = sum(_loads_picture(value) for value in values)
        pictures += loads
        if name == "background":
            name, values = "background-color", [one for one in values if _is_colour(one)][:1]
        elif loads or not all(_is_plain(value) for value in values):
            continue
        written = tinycss2.serialize(values).strip()
        # Escapes hide a meaning from the reader; no mail program writes them.
        if name in _PROPERTIES and written and not set(written) & {"<", "&", "\\"}:
            important = " !important" if declaration.important else ""
            kept.append(f"{name}: {written}{important};")
    return " ".join(kept), pictures


def _loads_picture(value: tinycss2.ast.Node) -> bool:
    if value.type == "url":
        return not value.value.lower().startswith(("data:", "cid:"))
    return value.type == "function" and value.lower_name in ("url", "image-set", "image", "src")


def _is_colour(value: tinycss2.ast.Node) -> bool:
    if value.type == "ident":
        return value.lower_value not in _BACKGROUND_WORDS
    return value.type == "hash" or (
        value.type == "function" and value.lower_name in _COLOUR_FUNCTIONS
    )


def _is_plain(value: tinycss2.ast.Node) -> bool:
    if value.type == "function":
        return value.lower_name in _COLOUR_FUNCTIONS and all(map(_is_plain, value.arguments))
    if value.type == "literal":
        return value.value in (",", "/")
    return value.type in _PLAIN_TYPES
