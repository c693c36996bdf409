"""What all tests share."""

from __future__ import annotations

import gc
from importlib import import_module

import pytest
from django.apps import apps

from documents.models import DocumentKind
from tests.servers.empty_database import fill_test_database

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Migrating takes seconds, copying a migrated database does not."""
    fill_test_database()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The copy is taken as it is."""
    return True


@pytest.fixture(autouse=True)
def seeded_rows(request: pytest.FixtureRequest) -> None:
    """A test with real transactions empties the database; what migrations put there comes back."""
    if request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    if not DocumentKind.objects.exists():
        for number in ("0003_seed_kinds", "0005_seed_articles", "0008_seed_letter_kind"):
            import_module(f"documents.migrations.{number}").seed(apps, None)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not look at it again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every process of a shared run begins with its part of the long tests, so that none comes last.

    xdist hands out the list in contiguous shares; a file with long tests stays in one of them.
    """
    count: int = getattr(config, "workerinput", {}).get("workercount", 1)
    long_files: dict[str, list[pytest.Item]] = {}
    others = []
    for item in items:
        if item.get_closest_marker("slow"):
            long_files.setdefault(item.nodeid.partition("::")[0], []).append(item)
        else:
            others.append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(count)]
    for number, tests in enumerate(long_files.values()):
        shares[number % count] += tests
    size = -(-len(items) // count)
    for share in shares:
        taken = max(0, size - len(share))
        share += others[:taken]
        del others[:taken]
    items[:] = [item for share in shares for item in share] + others
