"""What all tests share."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from documents.models import DocumentKind

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(autouse=True)
def seeded_rows(request: pytest.FixtureRequest) -> None:
    """A test with real transactions empties the database; what migrations put there comes back."""
    if request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    if not DocumentKind.objects.exists():
        for number in ("0003_seed_kinds", "0005_seed_articles", "0008_seed_letter_kind"):
            import_module(f"documents.migrations.{number}").seed(apps, None)
