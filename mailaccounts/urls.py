from django.urls import path

from mailaccounts import account_views, connection_test_views, list_views, which_sender_views

app_name = "mailaccounts"
urlpatterns = [
    path("", list_views.list_accounts, name="list"),
    path("export.csv", list_views.export_csv, name="export"),
    path("absender/", which_sender_views.which_sender, name="which_sender"),
    path("neu/", account_views.new_account, name="new"),
    path("neu/ordner/", account_views.list_folders),
    path("neu/ordner/zeile/", account_views.add_folder_row),
    path("neu/test/", connection_test_views.start_test),
    path("neu/test/<str:protocol>/<int:stage>/", connection_test_views.show_stage),
    path("kein-test/", connection_test_views.no_test, name="no_test"),
    path("<int:pk>/", account_views.edit_account, name="edit"),
    path("<int:pk>/ordner/", account_views.list_folders),
    path("<int:pk>/ordner/zeile/", account_views.add_folder_row),
    path("<int:pk>/test/", connection_test_views.start_test, name="test"),
    path("<int:pk>/test/<str:protocol>/<int:stage>/", connection_test_views.show_stage),
    path("<int:pk>/pausieren/", list_views.toggle_pause, name="pause"),
    path("<int:pk>/loeschen/", list_views.delete_account, name="delete"),
]
