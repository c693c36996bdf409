"""All URLs; each app brings its own."""

from django.conf import settings
from django.urls import include, path
from django.views.generic import TemplateView

from poststelle import setup_steps, views

urlpatterns = [
    path("", views.home, name="home"),
    path("einrichtung/", setup_steps.setup, name="setup"),
    path("health/", views.health, name="health"),
    path("systemzustand/", views.system_state, name="system_state"),
    path("lizenzen/", views.licences, name="licences"),
    path("", include("company.urls")),
    path("accounts/", include("mailaccounts.urls")),
    path("tickets/", include("tickets.urls")),
    path("belege/", include("documents.urls")),
    path("postausgang/", include("outbox.urls")),
    path("archiv/", include("archive.urls")),
    path("eingang/", include("intake.urls")),
]
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", TemplateView.as_view(template_name="styleguide.html")))
