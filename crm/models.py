from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from company.models import Address, User
from company.rights import Right


class ActivityQuerySet(models.QuerySet["Activity"]):
    def visible_to(self, user: User) -> ActivityQuerySet:
        """Whoever sees addresses sees what colleagues noted there; not what they took back."""
        kept = self.filter(deleted_at__isnull=True)
        return kept if user.may(Right.SEE_ADDRESSES) else kept.none()

    def written_by(self, user: User) -> ActivityQuerySet:
        """What this person may change or take back: their own, also what they took back."""
        return self.filter(author=user) if user.may(Right.EDIT_ADDRESSES) else self.none()


class Activity(models.Model):
    """A „Telefonat“ or a „Notiz“ at an address."""

    class Kind(models.TextChoices):
        CALL = "call", _("Telefonat")
        NOTE = "note", _("Notiz")

    class Direction(models.TextChoices):
        IN = "in", _("eingehend")
        OUT = "out", _("ausgehend")

    address = models.ForeignKey(Address, on_delete=models.PROTECT, related_name="activities")
    kind = models.CharField(max_length=4, choices=Kind)
    direction = models.CharField(_("Richtung"), max_length=3, choices=Direction, blank=True)
    person = models.CharField(_("Mit wem"), max_length=160, blank=True)
    happened_at = models.DateTimeField(_("Wann"), default=timezone.now)
    minutes = models.PositiveSmallIntegerField(
        _("Dauer in Minuten"), null=True, blank=True, validators=[MaxValueValidator(1440)]
    )
    text = models.TextField(_("Text"), max_length=20_000)
    is_pinned = models.BooleanField(_("oben anheften"), default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The form's token: a second press finds it taken.
    once_key = models.CharField(max_length=60, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name = _("Telefonat oder Notiz")
        verbose_name_plural = _("Telefonate und Notizen")
        ordering = ["-happened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="note") | ~models.Q(direction=""),
                name="call_has_a_direction",
            ),
        ]
        indexes = [models.Index(fields=["address", "kind", "-happened_at"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.happened_at:%d.%m.%Y %H:%M}"

    @property
    def is_call(self) -> bool:
        return self.kind == self.Kind.CALL


class ActivityChange(models.Model):
    """What an activity said before it was changed or taken back. Rows are only ever added."""

    class Kind(models.TextChoices):
        EDITED = "edited", _("geändert")
        DELETED = "deleted", _("gelöscht")
        RESTORED = "restored", _("wiederhergestellt")

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=8, choices=Kind)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now_add=True)
    before = models.TextField(blank=True)  # as a person reads it

    class Meta:
        verbose_name = _("Änderung")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.activity_id}: {self.kind}"
