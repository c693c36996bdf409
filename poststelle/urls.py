"""All URLs; each app brings its own."""

from django.conf import settings
from django.urls import include, path
from django.views.generic import TemplateView

from poststelle import password_views, setup_steps, user_rights_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("einrichtung/", setup_steps.setup, name="setup"),
    path("health/", views.health, name="health"),
    path("systemzustand/", views.system_state, name="system_state"),
    path("benutzer/<int:pk>/rechte/", user_rights_views.show_rights, name="user_rights"),
    path("passwort-vergessen/", password_views.forgotten, name="password_forgotten"),
    path("passwort-neu/<str:user>/<str:token>/", password_views.choose, name="password_choose"),
    path("lizenzen/", views.licences, name="licences"),
    path("", include("company.urls")),
    path("adressen/", include("crm.urls")),
    path("accounts/", include("mailaccounts.urls")),
    path("accounts/autoresponder/", include("autoresponder.urls")),
    path("tickets/", include("tickets.urls")),
    path("", include("documents.urls")),
    path("postausgang/", include("outbox.urls")),
    path("archiv/", include("archive.urls")),
    path("eingang/", include("intake.urls")),
]
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", TemplateView.as_view(template_name="styleguide.html")))
