from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from company.models import User


class OAuthGrantQuerySet(models.QuerySet["OAuthGrant"]):
    def visible_to(self, user: User) -> OAuthGrantQuerySet:
        """A person's own sign-ins; nobody else's, whatever the role."""
        return self.filter(user=user)


class OAuthGrant(models.Model):
    """A person signed in with a provider and let us into a mailbox; its tokens, sealed.

    Whoever sets `refreshing_by` by a conditional update asks the provider for new tokens; all
    others wait for the result on the row.
    """

    class Provider(models.TextChoices):
        GOOGLE = "google", _("Google")
        MICROSOFT = "microsoft", _("Microsoft 365")

    class State(models.TextChoices):
        OK = "ok", _("verbunden")
        REAUTH = "reauth", _("neu anmelden")  # dead until the person signs in again

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="oauth_grants")
    provider = models.CharField(_("Anbieter"), max_length=12, choices=Provider)
    email = models.EmailField(_("angemeldet als"))  # lower-case
    access_secret = models.TextField(editable=False)  # sealed, see oauth_seals.py
    refresh_secret = models.TextField(editable=False)
    expires_at = models.DateTimeField(editable=False)  # of the access token
    refreshed_at = models.DateTimeField(editable=False)
    state = models.CharField(max_length=6, choices=State, default=State.OK)
    refreshing_by = models.CharField(max_length=80, blank=True, editable=False)
    refreshing_until = models.DateTimeField(null=True, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(
        max_length=300, blank=True, editable=False
    )  # the provider's words
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OAuthGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("Anmeldung beim Anbieter")
        verbose_name_plural = _("Anmeldungen bei Anbietern")
        ordering = ["provider", "email"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "provider", "email"], name="oauth_grant_once_per_mailbox"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_provider_display()})"
