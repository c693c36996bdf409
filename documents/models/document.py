from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from company.models import Address, ContactPerson, Project, User
from company.rights import Right


class DocumentKind(models.Model):
    """Angebot, Rechnung, … and free kinds of a company's own."""

    class Article(models.TextChoices):
        DER = "der", _("der")
        DIE = "die", _("die")
        DAS = "das", _("das")

    key = models.SlugField(_("Kennung"), max_length=20, unique=True)
    name = models.CharField(_("Bezeichnung"), max_length=60)
    article = models.CharField(  # „Die Rechnung wurde noch nicht versendet!“
        _("Artikel"), max_length=3, choices=Article, default=Article.DIE
    )
    plural = models.CharField(_("Mehrzahl"), max_length=60)
    file_prefix = models.CharField(_("Kürzel im Dateinamen"), max_length=6)
    first_number = models.PositiveIntegerField(_("Erste Nummer"), default=100000)
    has_prices = models.BooleanField(_("mit Preisen"), default=True)
    # A letter has a subject and a text in place of positions.
    is_letter = models.BooleanField(_("Brief"), default=False)
    # § 14 (4) 6 UStG: an invoice names the time of supply.
    shows_service_date = models.BooleanField(_("Leistungsdatum ausweisen"), default=False)
    letter_intro = models.TextField(_("Einleitung"), blank=True)
    letter_closing = models.TextField(_("Schlusstext"), blank=True)
    mail_subject = models.CharField(_("Betreff"), max_length=200, blank=True)
    mail_text = models.TextField(_("Text"), blank=True)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("Belegart")
        verbose_name_plural = _("Belegarten")
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def with_article(self) -> str:
        """„Die Rechnung“, at the beginning of a sentence."""
        return f"{self.get_article_display().capitalize()} {self.name}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: User) -> DocumentQuerySet:
        """Documents belong to the company: all of them or none."""
        return self.all() if user.may(Right.SEE_DOCUMENTS) else self.none()


class Document(models.Model):
    """A „Beleg“. Its PDF is frozen when it is dispatched for the first time."""

    class State(models.TextChoices):
        DRAFT = "angelegt", _("angelegt")
        RELEASED = "freigegeben", _("freigegeben")
        SENT = "versendet", _("versendet")

    kind = models.ForeignKey(DocumentKind, verbose_name=_("Art"), on_delete=models.PROTECT)
    number = models.CharField(_("Nummer"), max_length=20)
    date = models.DateField(_("Datum"), default=timezone.localdate)
    state = models.CharField(_("Status"), max_length=12, choices=State, default=State.DRAFT)
    address = models.ForeignKey(
        Address, verbose_name=_("Adresse"), on_delete=models.PROTECT, related_name="documents"
    )
    contact = models.ForeignKey(
        ContactPerson,
        verbose_name=_("Ansprechpartner"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    project = models.ForeignKey(
        Project,
        verbose_name=_("Projekt"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="documents",
    )
    service_date = models.CharField(
        _("Leistungsdatum oder -zeitraum"),
        max_length=60,
        blank=True,
        help_text=_("Leer = Datum des Belegs."),
    )
    subject = models.CharField(_("Betreff"), max_length=200, blank=True)  # of letters
    intro = models.TextField(_("Einleitung"), blank=True)
    closing = models.TextField(_("Schlusstext"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # A PDF from elsewhere that is sent instead of the rendered letter; in the blob store.
    own_pdf_sha256 = models.CharField(max_length=64, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)  # the frozen PDF, in the blob store

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("Beleg")
        verbose_name_plural = _("Belege")
        ordering = ["-date", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "number"],
                name="document_number_once",
                violation_error_message=_("Diese Nummer ist schon vergeben."),
            ),
        ]
        indexes = [models.Index(fields=["state", "-date"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def file_name(self) -> str:
        return f"{self.kind.file_prefix}{self.number}.pdf"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def is_sent(self) -> bool:
        return self.state == self.State.SENT

    @property
    def is_frozen(self) -> bool:
        """Something of it left the house: it is changed no more."""
        return bool(self.pdf_sha256)


class Position(models.Model):
    """A line of a document. Amounts are Decimal; rounding is half up per line (documents/totals.py)."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="positions")
    order = models.PositiveSmallIntegerField(default=0)
    article = models.CharField(_("Artikel-Nr."), max_length=40, blank=True)
    text = models.CharField(_("Bezeichnung"), max_length=500)
    quantity = models.DecimalField(_("Menge"), max_digits=12, decimal_places=3, default=1)
    unit = models.CharField(_("Einheit"), max_length=12, default="Stk.")
    price = models.DecimalField(_("Einzelpreis netto"), max_digits=12, decimal_places=2, default=0)
    tax_rate = models.DecimalField(
        _("USt. %"), max_digits=4, decimal_places=1, default=19, validators=[MinValueValidator(0)]
    )

    class Meta:
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.text
