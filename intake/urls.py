from django.urls import path

from intake import incoming_views, views

app_name = "intake"
urlpatterns = [
    path("", incoming_views.list_incoming, name="list"),
    path("aktion/", incoming_views.act, name="act"),
    path("exportieren/", incoming_views.export, name="export"),
    path("nachricht/<int:pk>/", incoming_views.show_incoming, name="detail"),
    path("nachricht/<int:pk>/original.eml", incoming_views.original, name="original"),
    path("<int:pk>/abrufen/", views.poll_now, name="poll_now"),
]
