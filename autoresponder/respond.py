"""The automatic answer to a mail that came (RFC 3834), or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from autoresponder.limits import answer_key, reason_to_stop
from autoresponder.models import AnsweredToday, Autoresponder
from autoresponder.schedule import Turn, turn_at
from company.models import CompanySettings
from mailaccounts.models import MailAccount
from mailaccounts.senders import NoAccountForSender, SenderChoice, choose_account
from mailcore.automatic import Classification
from mailcore.errors import InvalidDraft
from mailcore.messages import Draft, Mailbox, ParsedMessage
from mailcore.placeholders import fill
from mailcore.threading import trim_references
from mailstore.models import StoredMessage
from outbox.enqueue import enqueue
from outbox.models import OutgoingMessage

VARIABLES = ("TICKET", "BETREFF")
_OLDEST = timedelta(hours=24)
_HEADERS = (
    ("Auto-Submitted", "auto-replied"),
    ("X-Auto-Response-Suppress", "All"),
    ("Precedence", "auto_reply"),
)
_REASONS = {
    "bounce": "Die E-Mail ist eine Unzustellbarkeitsmeldung.",
    "delivery-delayed": "Die E-Mail meldet eine verzögerte Zustellung.",
    "delivery-delivered": "Die E-Mail ist eine Zustellbestätigung.",
    "mailing-list": "Die E-Mail kam über eine Mailingliste.",
    "absence": "Die E-Mail ist eine Abwesenheitsnotiz.",
    "robot-sender": "Der Absender ist ein Mailserver.",
    "no-reply-sender": "Der Absender nimmt keine Antworten an.",
    "own-address": "Der Absender ist eine eigene Adresse.",
}
_AUTOMATIC = "Die E-Mail wurde automatisch verschickt."
BACKLOG = "Die E-Mail lag schon im Postfach, bevor Poststelle es abholte."
_SPAM = "Ein Spamfilter hat die E-Mail als Spam gekennzeichnet."
_OLD = "Die E-Mail ist älter als 24 Stunden."


@dataclass(frozen=True, slots=True)
class Question:
    """A mail that could be answered. `sender` is the address of ours to answer from."""

    account: MailAccount
    message: StoredMessage
    parsed: ParsedMessage
    classification: Classification
    received_at: datetime
    customer: Mailbox
    sender: str
    ticket_number: str = ""
    # When the customer got automatic answers in this ticket; None without a ticket.
    ticket_answers: Sequence[datetime] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The queued answer, or why there is none (German); both empty: the account answers nothing."""

    outgoing: OutgoingMessage | None = None
    suppressed: str = ""


def respond(question: Question, *, own_addresses: frozenset[str]) -> Response:
    """Queues the automatic answer inside the caller's transaction. Safe to repeat."""
    settings = Autoresponder.objects.filter(account=question.account, is_active=True).first()
    if settings is None:
        return Response()
    turn = turn_at(settings, question.received_at)
    reason = _reason_against(question, own_addresses) or turn.silent
    if reason:
        return Response(suppressed=reason)
    try:
        choice = choose_account(question.sender or question.account.from_email)
    except NoAccountForSender as error:
        return Response(suppressed=error.text)
    try:
        with transaction.atomic():
            if settings.once_a_day and not _claim_today(question):
                return Response(suppressed="An diese Adresse ging heute schon eine.")
            return Response(outgoing=_queue(question, turn, choice))
    except InvalidDraft:
        return Response(suppressed=f"An {question.customer.email} kann nicht gesendet werden.")


def fill_answer(subject: str, text: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject, on one line, and text of an answer with the values of VARIABLES."""
    filled = fill(subject, values, escape=False)
    return " ".join(filled.split()), fill(text, values, escape=False)


def _reason_against(question: Question, own_addresses: frozenset[str]) -> str:
    if timezone.now() - question.received_at > _OLDEST:
        return _OLD
    if question.classification.suppress_reply:
        return _describe(question.classification)
    if _is_marked_as_spam(question.parsed):
        return _SPAM
    if CompanySettings.load().autoresponses_paused:
        return "Der Autoresponder ist angehalten."
    if not question.customer.email:
        return "Die E-Mail hat keinen lesbaren Absender."
    if question.customer.email.lower() in own_addresses:
        return _REASONS["own-address"]
    return reason_to_stop(
        account=question.account,
        email=question.customer.email,
        message=question.message,
        ticket_answers=question.ticket_answers,
    )


def _is_marked_as_spam(parsed: ParsedMessage) -> bool:
    """As SpamAssassin, Rspamd and the providers built on them write it."""
    marks = (parsed.header(name) for name in ("X-Spam-Flag", "X-Spam-Status", "X-Spam"))
    return any((mark or "").strip().lower().startswith("yes") for mark in marks)


def _describe(classification: Classification) -> str:
    reason = classification.reason
    if classification.is_absence and not reason.startswith("delivery-"):
        reason = "absence"
    return _REASONS.get(reason, _AUTOMATIC)


def _claim_today(question: Question) -> bool:
    """True for the first answer of the day; two workers cannot both get it."""
    _, is_first = AnsweredToday.objects.get_or_create(
        account=question.account,
        email=question.customer.email.lower()[:320],
        day=timezone.localdate(),
    )
    return is_first


def _queue(question: Question, turn: Turn, choice: SenderChoice) -> OutgoingMessage:
    parsed = question.parsed
    values = {"TICKET": question.ticket_number, "BETREFF": parsed.subject}
    subject, text = fill_answer(turn.subject, turn.text, values)
    draft = Draft(
        from_=Mailbox(choice.name or choice.account.from_name, choice.email),
        to=(question.customer,),
        subject=subject,
        text=text,
        in_reply_to=parsed.message_id,
        references=trim_references((*(parsed.references or parsed.in_reply_to), parsed.message_id)),
        headers=_HEADERS,
    )
    return enqueue(
        draft=draft,
        bcc=(),
        account=choice.account,
        origin=OutgoingMessage.Origin.AUTORESPONSE,
        once_key=answer_key(question.account, question.message),
        created_by=None,
        sender_reason=choice.reason,
        envelope_from="",
    )
