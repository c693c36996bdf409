"""Cleans the HTML of a mail under a hard time limit: a hostile mail never holds up the web server."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from django.conf import settings

from mailcore.html_body import CleanedHtml, clean_html

log = logging.getLogger(__name__)

TIME_LIMIT = 10  # seconds
SMALL = 60_000  # characters that take well below a second, whatever stands in them
_COMMAND = [sys.executable, "-m", "mailstore.clean"]


def clean_guarded(html: str) -> CleanedHtml:
    """Like clean_html, but within TIME_LIMIT: what takes longer counts as too complex."""
    if len(html) <= SMALL:
        return clean_html(html)
    try:
        done = subprocess.run(  # noqa: S603 - our own module, the mail comes by standard input
            _COMMAND,
            input=html.encode("utf-8", "replace"),
            capture_output=True,
            cwd=settings.BASE_DIR,
            timeout=TIME_LIMIT,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.warning("HTML of %d characters was not cleaned: %s", len(html), type(error).__name__)
        return CleanedHtml("", 0, too_complex=True)
    cleaned, blocked_images, too_complex = json.loads(done.stdout)
    return CleanedHtml(cleaned, blocked_images, too_complex)


if __name__ == "__main__":
    found = clean_html(sys.stdin.buffer.read().decode("utf-8", "replace"))
    json.dump((found.html, found.blocked_images, found.too_complex), sys.stdout)
