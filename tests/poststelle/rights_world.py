"""One object of everything, twice: in an account for all, and in the personal account of somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from django.db import transaction
from django.utils import timezone

from archive.add import add
from archive.models import ArchiveEntry
from company.models import Address, Notification, User
from documents.models import Document, LetterTemplate, Printer
from intake.models import IntakeItem
from mailaccounts.models import MailAccount, OAuthGrant
from mailcore.messages import FilePart
from mailstore.blobs import put_blob
from mailstore.models import StoredMessage
from outbox.models import OutgoingMessage
from tests.crm.world import note
from tests.factories import (
    make_account,
    make_address,
    make_document,
    make_employee,
    make_mail,
    make_project,
    make_queue,
    make_ticket,
    make_user,
)
from tests.outbox.outgoing import make_draft, queue
from tickets.models import Rule, Ticket, TicketMessage

Argument: TypeAlias = "int | str"
_RAW = (
    b"From: Hans <hans@huber.example>\r\nTo: info@firma.example\r\nSubject: Frage %d\r\n"
    b"Message-ID: <%d@huber.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
    b"Guten Tag\r\n--b\r\nContent-Type: image/png\r\n"
    b'Content-Disposition: attachment; filename="bild.png"\r\n\r\nPNG\r\n--b--\r\n'
)


@dataclass(frozen=True, slots=True)
class MailRoom:
    """What belongs to one account."""

    account: MailAccount
    ticket: Ticket
    mail: TicketMessage
    answer: TicketMessage
    outgoing: OutgoingMessage
    entry: ArchiveEntry
    item: IntakeItem


@dataclass(frozen=True, slots=True)
class World:
    users: dict[str, User]  # by role
    rooms: dict[bool, MailRoom]  # is it somebody else's?
    base: dict[str, int]
    document: Document
    job: int
    rule: Rule

    def arguments(self, route: str, user: User | None, is_foreign: bool) -> dict[str, Argument]:
        """What fills the route's placeholders."""
        room = self.rooms[is_foreign]
        section = route.partition("/")[0]
        values: dict[str, Argument] = {
            "number": room.ticket.number,
            "pk": self._pk(route, section, room, user, is_foreign),
            "kind": "rechnung",
            "press": "x" * 22,
            "job": self.job,
            "protocol": "imap",
            "stage": 0,
            "provider": "google",
            "user": "MQ",
            "token": "falsch",
        }
        if section == "adressen":
            values |= self._written(self._owner(user, is_foreign), room)
        attached = {
            "tickets": room.mail.message,
            "archiv": room.entry.message,
            "postausgang": room.outgoing.message,
        }
        if message := attached.get(section):
            values["file"] = message.attachments.get().pk
        return values

    def _pk(
        self, route: str, section: str, room: MailRoom, user: User | None, is_foreign: bool
    ) -> int:
        if route.startswith("tickets/regeln/"):
            return self.rule.pk
        if route.startswith("belege/versandvorgaben/"):
            return self.base["adressen"]
        if route.startswith(("belege/datei/", "belege/vorlagendatei/")):
            return self.base[route.split("/")[1]]
        if route.startswith("accounts/anmeldung/"):
            return self._grant(user, is_foreign).pk
        if route.startswith("hinweise/"):
            return self._notice(user, is_foreign).pk
        if route.startswith("eingang/nachricht/"):
            return room.item.pk
        if route.endswith(("rueckgaengig/", "erneut/", "zustand/")) and section == "tickets":
            return room.answer.pk
        found = {
            "accounts": room.account.pk,
            "eingang": room.account.pk,
            "tickets": room.mail.pk,
            "archiv": room.entry.pk,
            "belege": self.document.pk,
            "postausgang": room.account.pk if "testmail/account" in route else room.outgoing.pk,
        }
        return found.get(section) or self.base.get(section, 0)

    def _written(self, author: User, room: MailRoom) -> dict[str, Argument]:
        """What this person wrote at the page of the address."""
        address = Address.objects.get(pk=self.base["adressen"])
        with transaction.atomic():
            mail = queue(room.account, origin="letter", address=address, created_by=author)
        return {"activity": note(address, author).pk, "outgoing": mail.pk}

    def _owner(self, user: User | None, is_foreign: bool) -> User:
        return self.users["owner"] if is_foreign or user is None else user

    def _grant(self, user: User | None, is_foreign: bool) -> OAuthGrant:
        soon = timezone.now() + timedelta(hours=1)
        return OAuthGrant.objects.create(
            user=self._owner(user, is_foreign),
            provider="google",
            email="wer@gmail.example",
            expires_at=soon,
            refreshed_at=soon,
        )

    def _notice(self, user: User | None, is_foreign: bool) -> Notification:
        owner = self._owner(user, is_foreign)
        return Notification.objects.create(user=owner, text="Hinweis", url="/", once_key="x")


def make_world() -> World:
    users = {role: make_user(role, role=role) for role in ("admin", "staff", "support", "auditor")}
    users["owner"] = make_user("owner")
    personal = make_account(
        "owner@firma.example", employees=(make_employee(user=users["owner"]),), imap_enabled=True
    )
    shared = make_account("info@firma.example", is_default=True)
    document = make_document(state="freigegeben")
    file = {"name": "a.txt", "content_type": "text/plain", "sha256": put_blob(b"a"), "size": 1}
    template = LetterTemplate.objects.create(
        name="Vorlage", kind=document.kind, subject="Betreff", text="<p>Text</p>"
    )
    printer = Printer.objects.create(name="Selbst", kind=Printer.Kind.DOWNLOAD)
    job = document.dispatches.create(
        press="p", channel="printer", printer=printer, pdf_sha256=put_blob(b"%PDF-")
    )
    return World(
        users=users,
        rooms={False: _room(shared, 1), True: _room(personal, 2)},
        base={
            "projekte": make_project().pk,
            "warteschlangen": make_queue().pk,
            "mitarbeiter": make_employee("Hans Meier").pk,
            "benutzer": make_user("jemand").pk,
            "adressen": make_address().pk,
            "drucker": printer.pk,
            "belegarten": document.kind_id,
            "vorlagen": template.pk,
            "datei": document.files.create(**file).pk,
            "vorlagendatei": template.files.create(**file).pk,
        },
        document=document,
        job=job.pk,
        rule=Rule.objects.create(name="Regel"),
    )


def _room(account: MailAccount, number: int) -> MailRoom:
    now = timezone.now()
    MailAccount.objects.filter(pk=account.pk).update(archive_enabled=True)
    account.refresh_from_db()
    ticket = make_ticket(account=account)
    mail = make_mail(ticket, _RAW % (number, number))
    with transaction.atomic():
        picture = FilePart("bild.png", "image/png", b"PNG")
        outgoing = queue(account, draft=make_draft(files=(picture,)), origin="ticket")
    answer = TicketMessage.objects.create(
        ticket=ticket,
        kind=TicketMessage.Kind.REPLY,
        account=account,
        message=outgoing.message,
        outgoing=outgoing,
        created_at=now,
    )
    assert mail.message is not None
    entry = add(
        account=account,
        message=mail.message,
        direction=StoredMessage.Direction.INCOMING,
        mail_date=now,
    )
    assert entry is not None
    folder = account.folders.create(name="INBOX")
    item = IntakeItem.objects.create(
        account=account,
        folder=folder,
        uidvalidity=1,
        uid=number,
        state=IntakeItem.State.QUARANTINED,
        internal_date=now,
        blob=mail.message.sha256,
        attempts=1,
    )
    return MailRoom(account, ticket, mail, answer, outgoing, entry, item)
