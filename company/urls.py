from django.urls import URLPattern, path

from company import (
    audit_views,
    notification_views,
    second_factor_views,
    session_views,
    settings_views,
)
from company.section_urls import section_urls
from company.sections import SECTIONS

app_name = "company"

urlpatterns: list[URLPattern] = [
    path("anmelden/", session_views.sign_in, name="login"),
    path("anmelden/code/", second_factor_views.sign_in_code, name="login_code"),
    path("abmelden/", session_views.sign_out, name="logout"),
    path("willkommen/", session_views.first_run, name="first_run"),
    path("persoenlich/", session_views.personal, name="personal"),
    path("persoenlich/passwort/", session_views.own_password, name="own_password"),
    path("persoenlich/zweiter-schritt/", second_factor_views.set_up, name="second_factor"),
    path(
        "persoenlich/zweiter-schritt/aendern/",
        second_factor_views.change,
        name="second_factor_change",
    ),
    path("persoenlich/darstellung/", session_views.appearance, name="appearance"),
    path("protokoll/", audit_views.list_changes, name="audit"),
    path("hinweise/", notification_views.list_notifications, name="notifications"),
    path("hinweise/gelesen/", notification_views.read_all, name="notifications_read"),
    path(
        "hinweise/<int:pk>/oeffnen/",
        notification_views.open_notification,
        name="notification_open",
    ),
    path("grundeinstellungen/", settings_views.edit_settings, name="settings"),
    path("grundeinstellungen/pausieren/", settings_views.pause_all, name="pause"),
    path("grundeinstellungen/logo/", settings_views.logo, name="logo"),
]
urlpatterns += section_urls(SECTIONS)
