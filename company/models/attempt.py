from __future__ import annotations

from django.db import models


class LoginAttempt(models.Model):
    """Failed logins of one name from one address; see company/throttle_login.py."""

    name = models.CharField(max_length=254)  # as typed, case-folded; it need not exist
    address = models.GenericIPAddressField()
    failures = models.PositiveSmallIntegerField(default=0)
    last_failed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "address"], name="login_attempts_once")
        ]
        indexes = [models.Index(fields=["last_failed_at"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.address}): {self.failures}"
