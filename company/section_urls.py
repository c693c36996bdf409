"""The four URLs of every Section, with its rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern, path

from company import section_views
from company.rights import needs
from company.section import Section


def section_urls(sections: Iterable[Section[Any]]) -> list[URLPattern]:
    found: list[URLPattern] = []
    for section in sections:
        see = needs(section.see, to_change=section.change)
        change = needs(section.change)
        base, key, given = section.path, section.key, {"section": section}
        form = f"{base}/<int:pk>/bearbeiten/" if section.page else f"{base}/<int:pk>/"
        found += [
            path(f"{base}/", see(section_views.list_rows), given, key),
            path(f"{base}/neu/", change(section_views.edit_row), given, f"{key}_new"),
            path(form, see(section_views.edit_row), given, f"{key}_edit"),
            path(
                f"{base}/<int:pk>/loeschen/",
                change(section_views.delete_row),
                given,
                f"{key}_delete",
            ),
        ]
    return found
