"""The HTML of a signature as it was typed or pasted: kept to the letter, its pictures looked at."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LARGEST_PICTURE = 2_000_000  # bytes; the editor says the same before it takes a picture
LARGEST_SIGNATURE = 4_000_000  # characters, pictures in Base64 included
_PICTURE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']?\s*([^"'>]{1,40})([^"'>]*)""", re.IGNORECASE)
_SENDABLE = ("data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp")


def clean_signature_html(html: str) -> str:
    """The same HTML; browsers' line ends become those it was loaded with. Raises ValidationError."""
    html = html.replace("\r\n", "\n")
    for match in _PICTURE.finditer(html):
        start, rest = match[1].lower(), match[2]
        if start.startswith(("file:", "cid:", "blob:", "mhtml:")):
            raise ValidationError(
                _(
                    "Ein Bild der Signatur liegt nur auf Ihrem Rechner und käme nicht mit. Entfernen "
                    "Sie es und fügen Sie es mit „Bild einfügen“ neu ein."
                )
            )
        if start.startswith("data:") and not start.startswith(_SENDABLE):
            raise ValidationError(
                _("Bilder in Signaturen müssen PNG, JPEG, GIF oder WebP sein."),
            )
        if len(start + rest) * 3 // 4 > LARGEST_PICTURE + 100:
            raise ValidationError(
                _(
                    "Ein Bild der Signatur ist größer als 2 MB. Es ginge mit jeder E-Mail hinaus: "
                    "Verkleinern Sie es, meist genügen 50 kB."
                )
            )
    if len(html) > LARGEST_SIGNATURE:
        raise ValidationError(_("Die Signatur ist mit ihren Bildern größer als 3 MB."))
    return html
