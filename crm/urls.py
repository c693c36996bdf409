from django.urls import path

from crm.models import Activity
from crm.views import activities, mail, new_address, page

app_name = "crm"

_ENTRY = "<int:pk>/eintrag/<int:activity>/"

urlpatterns = [
    path("<int:pk>/", page.show_address, name="address"),
    path("<int:pk>/e-mail/", mail.compose_mail, name="mail"),
    path("<int:pk>/e-mail/vorschau/", mail.preview, name="mail_preview"),
    path("<int:pk>/e-mail/vorlage/", mail.load_template, name="mail_template"),
    path("<int:pk>/e-mail/signatur/", mail.signature, name="mail_signature"),
    path("<int:pk>/e-mail/<int:outgoing>/rueckgaengig/", mail.undo, name="mail_undo"),
    path("<int:pk>/telefonat/", activities.add, {"kind": Activity.Kind.CALL}, name="call"),
    path("<int:pk>/notiz/", activities.add, {"kind": Activity.Kind.NOTE}, name="note"),
    path(_ENTRY, activities.edit, name="activity_edit"),
    path(f"{_ENTRY}anheften/", activities.pin, name="activity_pin"),
    path(f"{_ENTRY}loeschen/", activities.delete, name="activity_delete"),
    path(f"{_ENTRY}wiederherstellen/", activities.restore, name="activity_restore"),
    path(f"{_ENTRY}verlauf/", activities.history, name="activity_history"),
    path("neu/aus-ticket/<str:number>/", new_address.create_from_ticket, name="from_ticket"),
]
