from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from company.rights import Right

if TYPE_CHECKING:
    from company.models.user import User
from django.utils.translation import pgettext_lazy


class Employee(models.Model):
    """A person of the company; fills the {MITARBEITER…} variables of signatures."""

    name = models.CharField(_("Name"), max_length=120)
    salutation = models.CharField(_("Anrede"), max_length=40, blank=True)
    email = models.EmailField(_("E-Mail"), blank=True)
    phone = models.CharField(_("Telefon"), max_length=60, blank=True)
    mobile = models.CharField(_("Mobil"), max_length=60, blank=True)
    fax = models.CharField(_("Telefax"), max_length=60, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("one", "Benutzer"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="employee",
    )
    is_active = models.BooleanField(_("aktiv"), default=True)

    class Meta:
        verbose_name = pgettext_lazy("one", "Mitarbeiter")
        verbose_name_plural = _("Mitarbeiter")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """Tickets and documents belong to a project; it may bring its own signature and sender."""

    code = models.CharField(_("Abkürzung"), max_length=20, unique=True)
    name = models.CharField(_("Bezeichnung"), max_length=120)
    sender_email = models.EmailField(_("Absenderadresse"), blank=True)
    greeting = models.TextField(_("Grußformel"), blank=True)
    signature_active = models.BooleanField(_("Eigene Signatur aktivieren"), default=False)
    signature_html = models.TextField(_("Signatur"), blank=True)
    mail_template = models.TextField(_("HTML-Template"), blank=True)
    is_active = models.BooleanField(_("aktiv"), default=True)

    class Meta:
        verbose_name = _("Projekt")
        verbose_name_plural = _("Projekte")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} – {self.name}"


class QueueQuerySet(models.QuerySet["Queue"]):
    def visible_to(self, user: User) -> QueueQuerySet:
        """Queues whose tickets the user may see: admins and auditors all, others by the members."""
        if user.may(Right.ADMINISTER) or user.may(Right.SEE_PERSONAL_MAIL):
            return self.all()
        members = Queue.members.through.objects.filter(queue_id=models.OuterRef("pk"))
        return self.filter(models.Exists(members.filter(user_id=user.pk)) | ~models.Exists(members))


class Queue(models.Model):
    """A „Warteschlange“: where tickets wait for a department or a person."""

    class AnswerToClosed(models.TextChoices):
        REOPEN = "reopen", _("Ticket wieder öffnen")
        NEW = "new", _("neues, verknüpftes Ticket anlegen")

    name = models.CharField(_("Name"), max_length=80)
    key = models.SlugField(_("Kennung"), max_length=40)
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Verantwortlicher"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Sichtbar für"),
        blank=True,
        related_name="queues",
        help_text=_("Leer = für alle, die Tickets sehen dürfen."),
    )
    answer_to_closed = models.CharField(
        _("Antwort auf abgeschlossenes Ticket"),
        max_length=8,
        choices=AnswerToClosed,
        default=AnswerToClosed.REOPEN,
    )

    objects = QueueQuerySet.as_manager()

    class Meta:
        verbose_name = _("Warteschlange")
        verbose_name_plural = _("Warteschlangen")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("key"), name="queue_key_once")]

    def __str__(self) -> str:
        return self.name
