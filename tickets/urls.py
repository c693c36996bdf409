from django.urls import path

from tickets.compose import Mode
from tickets.views import attributes, composing, mail, merging, pages, rules

app_name = "tickets"

_MAIL = "<str:number>/nachricht/<int:pk>/"

urlpatterns = [
    path("", pages.ticket_list, name="list"),
    path("neues/", pages.list_news, name="list_news"),
    path("sammelaktion/", attributes.change_many, name="change_many"),
    path("regeln/", rules.rule_list, name="rules"),
    path("regeln/neu/", rules.edit_rule, name="rule_new"),
    path("regeln/<int:pk>/", rules.edit_rule, name="rule_edit"),
    path("regeln/<int:pk>/verschieben/", rules.move_rule, name="rule_move"),
    path("regeln/<int:pk>/schalten/", rules.switch_rule, name="rule_switch"),
    path("regeln/<int:pk>/loeschen/", rules.delete_rule, name="rule_delete"),
    path("<str:number>/", pages.ticket_page, name="ticket"),
    path("<str:number>/neues/", pages.ticket_news, name="ticket_news"),
    path("<str:number>/aendern/", attributes.change_ticket, name="change"),
    path("<str:number>/antworten/", composing.compose, {"mode": Mode.REPLY}, name="reply"),
    path("<str:number>/an-alle/", composing.compose, {"mode": Mode.REPLY_ALL}, name="reply_all"),
    path("<str:number>/weiterleiten/", composing.compose, {"mode": Mode.FORWARD}, name="forward"),
    path("<str:number>/notiz/", composing.note, name="note"),
    path("<str:number>/zusammenfuehren/", merging.merge_ticket, name="merge"),
    path("<str:number>/trennen/<int:pk>/", merging.part_tickets, name="part"),
    path("<str:number>/kein-bezug/", merging.keep_apart, name="keep_apart"),
    path("<str:number>/signatur/", composing.signature, name="signature"),
    path(_MAIL, mail.mail_frame, name="mail_frame"),
    path(f"{_MAIL}bild/", mail.remote_picture, name="remote_picture"),
    path(f"{_MAIL}kopfzeilen/", mail.mail_headers, name="mail_headers"),
    path(f"{_MAIL}original.eml", mail.mail_original, name="mail_original"),
    path(f"{_MAIL}zustand/", mail.mail_state, name="mail_state"),
    path(f"{_MAIL}rueckgaengig/", composing.undo, name="undo"),
    path(f"{_MAIL}erneut/", composing.send_again, name="retry"),
    path(f"{_MAIL}datei/<int:file>/", mail.attachment, name="attachment"),
    path(f"{_MAIL}datei/<int:file>/ansicht/", mail.preview, name="preview"),
]
