"""`[[rules]]` of a provisioning file."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_queue
from tickets.models import Rule

pytestmark = pytest.mark.django_db(transaction=True)

FILE = """
[[rules]]
name = "Shop"
match = "any"
conditions = [
  { field = "sender", operator = "wildcard", value = "*@shop.example" },
  { field = "header", header = "X-Shop", value = "nord" },
]
queue = "einkauf"
priority = 3
tags = ["Shop", "eilig"]
stop = true

[[rules]]
name = "Werbung"
conditions = [{ field = "subject", operator = "contains", value = "Newsletter" }]
ignore = true
"""


def provision(tmp_path: Path, text: str) -> str:
    file, out = tmp_path / "firma.toml", StringIO()
    file.write_text(text)
    call_command("provision", str(file), stdout=out)
    return out.getvalue()


def test_rules_are_made_once_and_changed(tmp_path: Path) -> None:
    make_queue("Einkauf", key="einkauf")
    provision(tmp_path, FILE)
    shop, spam = Rule.objects.order_by("order")
    assert (shop.name, shop.match, shop.priority, shop.stops) == ("Shop", "any", 3, True)
    assert [str(one) for one in shop.conditions.all()] == [
        "Absender passt auf „*@shop.example“",
        "X-Shop enthält „nord“",
    ]
    assert {tag.name for tag in shop.tags.all()} == {"Shop", "eilig"}
    assert (spam.ignores, spam.order > shop.order) == (True, True)
    assert "0 Änderungen" in provision(tmp_path, FILE)
    told = provision(tmp_path, FILE.replace("Newsletter", "Angebot"))
    assert "conditions" in told
    assert "Angebot" in spam.conditions.get().value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('field = "subject"', 'field = "betreff"'),
        ('operator = "contains"', 'operator = "equals"'),
        ('value = "Newsletter"', 'value = ""'),
        ('header = "X-Shop", ', ""),
        ('tags = ["Shop", "eilig"]', 'tags = "Shop"'),
        ("priority = 3", "priority = 9"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_made(tmp_path: Path, old: str, new: str) -> None:
    make_queue("Einkauf", key="einkauf")
    assert old in FILE
    with pytest.raises(CommandError, match="Zeile"):
        provision(tmp_path, FILE.replace(old, new, 1))
    assert not Rule.objects.exists()
