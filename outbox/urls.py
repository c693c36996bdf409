from django.urls import path

from outbox import test_mail_views, views

app_name = "outbox"
urlpatterns = [
    path("", views.list_outgoing, name="list"),
    path("mehrere/", views.act_on_many, name="act_on_many"),
    path("<int:pk>/", views.show_outgoing, name="detail"),
    path("<int:pk>/zustand/", views.show_state, name="state"),
    path("<int:pk>/erneut-senden/", views.retry_outgoing, name="retry"),
    path("<int:pk>/jetzt-senden/", views.send_outgoing_now, name="send_now"),
    path("<int:pk>/abbrechen/", views.cancel_outgoing, name="cancel"),
    path("<int:pk>/als-gesendet-markieren/", views.mark_outgoing_sent, name="mark_sent"),
    path("<int:pk>/kopie-ablegen/", views.retry_copy, name="retry_copy"),
    path("<int:pk>/original.eml", views.original, name="original"),
    path("<int:pk>/ansicht/", views.frame, name="frame"),
    path("<int:pk>/bild/", views.picture, name="picture"),
    path("<int:pk>/datei/<int:file>/", views.attachment, name="attachment"),
    path("<int:pk>/datei/<int:file>/ansicht/", views.preview, name="preview"),
    path("testmail/", test_mail_views.test_mail, name="test_mail"),
    path("testmail/account/<int:pk>/", test_mail_views.own_test_mail, name="own_test_mail"),
    path("testmail/<int:pk>/", test_mail_views.test_mail_sent, name="test_mail_sent"),
]
