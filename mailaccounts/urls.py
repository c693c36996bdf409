from django.urls import path, register_converter

from mailaccounts import (
    account_views,
    connection_test_views,
    discovery_views,
    list_views,
    oauth_views,
    preferred_sender_views,
    provider_views,
    signature_views,
    which_sender_views,
)


class ProviderConverter:
    """The providers one can sign in with."""

    regex = "google|microsoft"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ProviderConverter, "provider")

app_name = "mailaccounts"
urlpatterns = [
    path("", list_views.list_accounts, name="list"),
    path("export.csv", list_views.export_csv, name="export"),
    path("absender/", which_sender_views.which_sender, name="which_sender"),
    path(
        "bevorzugter-absender/",
        preferred_sender_views.choose_preferred_sender,
        name="preferred_sender",
    ),
    path("neu/", account_views.new_account, name="new"),
    path("neu/ordner/", account_views.list_folders),
    path("neu/ordner/zeile/", account_views.add_folder_row),
    path("neu/test/", connection_test_views.start_test),
    path("neu/test/<str:protocol>/<int:stage>/", connection_test_views.show_stage),
    path("server-suchen/", discovery_views.find_servers, name="discover"),
    path("signatur/vorschau/", signature_views.preview, name="signature_preview"),
    path("standard-versand/", provider_views.sending, name="sending"),
    path("standard-versand/lokal/", provider_views.use_local_server, name="use_local_server"),
    path("standard-versand/waehlen/", provider_views.make_default, name="make_default"),
    path("anbieter/", provider_views.oauth_apps, name="oauth_apps"),
    path("anmeldung/<provider:provider>/", oauth_views.mailboxes, name="oauth_mailboxes"),
    path("anmeldung/<provider:provider>/start/", oauth_views.start, name="oauth_start"),
    path("anmeldung/<provider:provider>/zurueck/", oauth_views.callback, name="oauth_callback"),
    path("anmeldung/trennen/<int:pk>/", oauth_views.disconnect_grant, name="oauth_disconnect"),
    path("kein-test/", connection_test_views.no_test, name="no_test"),
    path("<int:pk>/", account_views.edit_account, name="edit"),
    path("<int:pk>/ordner/", account_views.list_folders),
    path("<int:pk>/ordner/zeile/", account_views.add_folder_row),
    path("<int:pk>/test/", connection_test_views.start_test, name="test"),
    path("<int:pk>/test/<str:protocol>/<int:stage>/", connection_test_views.show_stage),
    path("<int:pk>/pausieren/", list_views.toggle_pause, name="pause"),
    path("<int:pk>/loeschen/", list_views.delete_account, name="delete"),
]
