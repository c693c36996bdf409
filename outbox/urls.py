from django.urls import path

from outbox import test_mail_views

app_name = "outbox"
urlpatterns = [
    path("testmail/", test_mail_views.test_mail, name="test_mail"),
    path("testmail/<int:pk>/", test_mail_views.test_mail_sent, name="test_mail_sent"),
]
