from __future__ import annotations

from django.db import models


class NumberRange(models.Model):
    """The next free number of a range such as „ticket-20261123“; taken by company/take_number.py."""

    name = models.CharField(max_length=64, unique=True)
    next_number = models.PositiveBigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.name}: {self.next_number}"
