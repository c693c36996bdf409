"""What every page shows around its content: navigation and banners."""

from __future__ import annotations

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav` and `banners` for base.html."""
    return {"nav": [], "banners": []}
