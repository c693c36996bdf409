from django.urls import path

from autoresponder import preview_views

app_name = "autoresponder"
urlpatterns = [path("vorschau/", preview_views.preview, name="preview")]
