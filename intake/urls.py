from django.urls import path

from intake import views

app_name = "intake"
urlpatterns = [
    path("<int:pk>/abrufen/", views.poll_now, name="poll_now"),
]
