"""What the demo's people noted, wrote and said before: so that the pages of its addresses live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from company.models import Address, User
from crm.activities import ActivityContent, add_activity
from crm.models import Activity
from crm.write_mail import MailContent, write_mail
from documents.dispatch import dispatch
from documents.dispatch_content import Channel, DispatchContent
from documents.models import Document, DocumentKind
from documents.release import release
from documents.save import save_document
from mailcore.messages import Mailbox

_SENDER = "max@musterfirma.example"


@dataclass(frozen=True, slots=True)
class _Noted:
    address: str
    author: str
    days_ago: int
    time: tuple[int, int]
    text: str
    direction: str = ""  # of a call
    person: str = ""
    minutes: int | None = None
    is_pinned: bool = False


_NOTED = (
    _Noted("10002", "max", 41, (9, 12), "Zahlt zuverlässig; Lieferung bitte immer vor 9 Uhr, Rampe "
           "im Hof. Ansprechpartner für Reklamationen ist Herr Huber selbst.", is_pinned=True),
    _Noted("10002", "max", 33, (14, 40), "Braucht für den neuen Standort in Friedberg zwölf "
           "Arbeitsplätze. Möchte ein Angebot mit und ohne Montage.", "in", "Hans Huber", 14),
    _Noted("10002", "petra", 12, (10, 5), "Die Rollcontainer kamen mit einem verkratzten Deckel. "
           "Ersatz zugesagt, Foto liegt im Ticket.", "in", "Hans Huber", 6),
    _Noted("10002", "max", 5, (16, 20), "Angebot telefonisch besprochen: nimmt die Variante mit "
           "Montage, will aber 3 % Skonto. Rückmeldung bis Freitag zugesagt.", "out", "Hans Huber", 9),
    _Noted("10002", "max", 2, (11, 30), "Skonto mit der Geschäftsführung geklärt: 2 % sind möglich."),
    _Noted("10001", "max", 20, (13, 15), "Messe im Frühjahr: Frau Schulz kommt an beiden Tagen.",
           "out", "Sabine Schulz", 11),
    _Noted("10001", "petra", 3, (8, 50), "Rechnungen künftig nur noch an die Buchhaltung senden."),
    _Noted("10003", "max", 8, (15, 0), "Asked for delivery to Southampton instead of London.",
           "in", "Emily Carter", 4),
    _Noted("70001", "max", 15, (9, 45), "Papierpreise steigen zum Jahreswechsel um 4 %.", "in",
           "Vertrieb", 5),
)  # fmt: skip


def add_correspondence() -> None:
    """Calls, notes, a letter and mails; once."""
    if Activity.objects.exists():
        return
    for number, noted in enumerate(_NOTED):
        _note(noted, number)
    writer = User.objects.get(username="max")
    address = Address.objects.get(number="10002")
    _send_letter(address, writer)
    _write(address, writer, "Ihr Besuch in unserer Ausstellung", "wir haben für Donnerstag, "
           "10 Uhr, einen Tisch mit drei Mustern für Sie vorbereitet.")  # fmt: skip
    _write(Address.objects.get(number="10001"), writer, "Unsere neuen Katalogseiten",
           "die Katalogseiten mit den höhenverstellbaren Tischen sind fertig.")  # fmt: skip


def _note(noted: _Noted, number: int) -> None:
    is_call = bool(noted.direction)
    add_activity(
        address=Address.objects.get(number=noted.address),
        author=User.objects.get(username=noted.author),
        content=ActivityContent(
            kind=Activity.Kind.CALL if is_call else Activity.Kind.NOTE,
            text=noted.text,
            happened_at=_moment(noted.days_ago, *noted.time),
            direction=noted.direction,
            person=noted.person,
            minutes=noted.minutes,
            is_pinned=noted.is_pinned,
        ),
        once_key=f"demo-{number}",
    )


def _moment(days_ago: int, hour: int, minute: int) -> datetime:
    day = timezone.localtime() - timedelta(days=days_ago)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _send_letter(address: Address, writer: User) -> None:
    kind = DocumentKind.objects.get(key="brief")
    text = "{ANREDE},\n\nvielen Dank für Ihr Vertrauen in diesem Jahr. Über die neuen "
    text += "Lieferzeiten ab Januar informiert Sie die beiliegende Übersicht."
    letter = Document(
        kind=kind,
        address=address,
        contact=address.contacts.first(),
        subject="Neue Lieferzeiten ab Januar",
        intro=text,
    )
    save_document(document=letter, positions=(), user=writer)
    release(document=letter)
    content = DispatchContent(frozenset({Channel.OTHER}), note="Mit der Post verschickt")
    sent = dispatch(document=letter, user=writer, content=content, press="demo-letter")
    moment = _moment(9, 12, 0)
    letter.dispatches.filter(pk__in=[one.pk for one in sent]).update(created_at=moment)


def _write(address: Address, writer: User, subject: str, text: str) -> None:
    person = address.contacts.get()
    write_mail(
        address=address,
        author=writer,
        content=MailContent(
            sender_email=_SENDER,
            to=(Mailbox(person.name, person.email),),
            subject=subject,
            html=f"<p>{{ANREDE}},</p><p>{text}</p><p>{{GRUSS}}</p>",
        ),
        once_key=f"demo-{address.number}",
    )
