"""Numbers that are given out once. Gaps are allowed, doubles are not."""

from __future__ import annotations

from django.db.models import F

from company.models import NumberRange


def take_number(name: str, *, count: int = 1, first: int = 1) -> int:
    """Reserves `count` consecutive numbers of a range and returns the first of them.

    Inside the caller's transaction a roll-back gives them back; outside it they are spent.
    The claim is a conditional UPDATE: two workers never get the same number.
    """
    while True:
        row, _ = NumberRange.objects.get_or_create(name=name, defaults={"next_number": first})
        taken = NumberRange.objects.filter(pk=row.pk, next_number=row.next_number).update(
            next_number=F("next_number") + count
        )
        if taken:
            return row.next_number
