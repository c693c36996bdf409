"""What a browser would send for a form of a page, as a dictionary to change before posting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lxml.html

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

Values = dict[str, list[str]]


def form_values(response: Response, form: str = "@method='post'") -> Values:
    """The successful controls of the first form whose XPath condition holds, file inputs left out."""
    page = lxml.html.fromstring(response.content.decode())
    found: Any = page.xpath(f"//main//form[{form}]")
    values: Values = {}
    for name, value in found[0].form_values():
        if name != "csrfmiddlewaretoken":
            values.setdefault(name, []).append(value)
    return values
