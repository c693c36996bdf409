from django.urls import path

from archive import access_views, views

app_name = "archive"
urlpatterns = [
    path("", views.list_entries, name="list"),
    path("zugriffe/", access_views.list_accesses, name="accesses"),
    path("<int:pk>/", views.show_entry, name="detail"),
    path("<int:pk>/ansicht/", views.frame, name="frame"),
    path("<int:pk>/bild/", views.picture, name="picture"),
    path("<int:pk>/kopfzeilen/", views.headers, name="headers"),
    path("<int:pk>/original.eml", views.original, name="original"),
    path("<int:pk>/datei/<int:file>/", views.attachment, name="attachment"),
    path("<int:pk>/datei/<int:file>/ansicht/", views.preview, name="preview"),
]
