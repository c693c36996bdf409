"""What the three columns of the ticket page hold, gathered for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from company.bounced import find_bounced
from company.customer_blocks import Block, load_blocks
from company.models import BouncedEmail, Project, Queue, User
from company.rights import RIGHTS_OF_ROLE, Right
from mailaccounts.models import MailAccount
from outbox.badges import Badge
from tickets.badges import status_badge
from tickets.conversation import Conversation, load_conversation
from tickets.listing import (
    TicketPage,
    ViewLink,
    Wanted,
    count_views,
    default_view,
    empty_text,
    load_page,
    view_links,
)
from tickets.merge import merges_to_undo
from tickets.models import Ticket, TicketMerge
from tickets.moments import full_moment, span_text

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_MOST_RELATED = 5


@dataclass(frozen=True, slots=True)
class ListPane:
    wanted: Wanted
    page: TicketPage
    views: tuple[ViewLink, ...]
    current: ViewLink
    queues: tuple[Queue, ...]
    accounts: tuple[MailAccount, ...]
    assignees: tuple[User, ...]
    statuses: Sequence[tuple[str, StrOrPromise]]
    empty: StrOrPromise
    everywhere: str  # query string of the same search in all tickets; empty where it is this one
    address: str  # query string of this list
    news_address: str


@dataclass(frozen=True, slots=True)
class TicketPane:
    ticket: Ticket
    badge: Badge
    conversation: Conversation
    can_answer: bool  # a merged ticket is answered where it went
    may_change: bool
    may_administer: bool
    maybe_answers: Ticket | None
    merges: tuple[TicketMerge, ...]
    is_mine: bool
    is_done: bool
    details: Details


@dataclass(frozen=True, slots=True)
class Details:
    """The right column."""

    ticket: Ticket
    can_change: bool
    statuses: Sequence[tuple[str, StrOrPromise]]
    priorities: Sequence[tuple[int, StrOrPromise]]
    assignees: tuple[User, ...]
    queues: tuple[Queue, ...]
    projects: tuple[Project, ...]
    tags: str
    related: tuple[Related, ...]
    received: str
    waiting: str
    bounced: tuple[BouncedEmail, ...]  # of the customer's addresses
    blocks: tuple[Block, ...]  # what other apps know of the customer
    may_add_address: bool


@dataclass(frozen=True, slots=True)
class Related:
    """Another ticket of the same customer."""

    number: str
    subject: str
    badge: Badge
    moment: str


def load_list_pane(user: User, values: QueryDict) -> ListPane:
    counts = count_views(user)
    wanted = Wanted.read(values)
    if not wanted.view:
        # A search without a view looks everywhere.
        wanted = replace(wanted, view="alle" if wanted.is_narrowed else default_view(counts))
    views, page = view_links(wanted, counts), load_page(user, wanted)
    return ListPane(
        wanted=wanted,
        page=page,
        views=views,
        current=next(view for view in views if view.is_current),
        queues=tuple(Queue.objects.visible_to(user)),
        accounts=tuple(
            MailAccount.objects.kept().filter(tickets_enabled=True).mail_visible_to(user)
        ),
        assignees=assignable_users() if user.may(Right.ANSWER_TICKETS) else (),
        statuses=Ticket.Status.choices,
        empty=empty_text(wanted),
        everywhere=wanted.address(ansicht="alle") if wanted.query and wanted.view != "alle" else "",
        address=wanted.address(),
        news_address=wanted.address(seit=page.newest),
    )


def load_ticket_pane(ticket: Ticket, user: User) -> TicketPane:
    return TicketPane(
        ticket=ticket,
        badge=status_badge(ticket.status),
        conversation=load_conversation(ticket, user),
        can_answer=user.may(Right.ANSWER_TICKETS) and ticket.merged_into_id is None,
        may_change=user.may(Right.ANSWER_TICKETS),
        may_administer=user.may(Right.ADMINISTER),
        maybe_answers=_guess(ticket, user),
        merges=_merges(ticket, user),
        is_mine=ticket.assignee_id == user.pk,
        is_done=ticket.status in (Ticket.Status.CLOSED, Ticket.Status.TRASH),
        details=load_details(ticket, user),
    )


def load_details(ticket: Ticket, user: User) -> Details:
    now, can_change = timezone.now(), user.may(Right.ANSWER_TICKETS)
    return Details(
        ticket=ticket,
        can_change=can_change,
        statuses=Ticket.Status.choices,
        priorities=Ticket.Priority.choices,
        assignees=assignable_users() if can_change else (),
        queues=tuple(Queue.objects.visible_to(user)) if can_change else (),
        projects=tuple(Project.objects.filter(is_active=True)) if can_change else (),
        tags=", ".join(tag.name for tag in ticket.tags.all()),
        related=_related(ticket, user),
        received=full_moment(ticket.created_at, now=now),
        waiting=span_text(now - ticket.waiting_since) if ticket.waiting_since else "",
        bounced=find_bounced(
            (ticket.customer_email, ticket.address.email if ticket.address else "")
        ),
        blocks=load_blocks(settings.CUSTOMER_BLOCKS, ticket.address, user)
        if ticket.address
        else (),
        may_add_address=user.may(Right.EDIT_ADDRESSES),
    )


def _guess(ticket: Ticket, user: User) -> Ticket | None:
    """The ticket this one may belong to, as far as the user may see it."""
    if ticket.maybe_answers_id is None or ticket.merged_into_id is not None:
        return None
    visible = Ticket.objects.visible_to(user).filter(merged_into=None)
    return visible.filter(pk=ticket.maybe_answers_id).first()


def _merges(ticket: Ticket, user: User) -> tuple[TicketMerge, ...]:
    merges = merges_to_undo(ticket)
    if not merges:
        return ()
    pks = {pk for done in merges for pk in (done.ticket_id, done.into_id)}
    visible = set(Ticket.objects.visible_to(user).filter(pk__in=pks).values_list("pk", flat=True))
    return tuple(done for done in merges if {done.ticket_id, done.into_id} <= visible)


def assignable_users() -> tuple[User, ...]:
    """Everybody who may answer tickets."""
    roles = [role for role, rights in RIGHTS_OF_ROLE.items() if Right.ANSWER_TICKETS in rights]
    users = User.objects.filter(is_active=True, role__in=roles)
    return tuple(users.order_by("first_name", "last_name", "username"))


def _related(ticket: Ticket, user: User) -> tuple[Related, ...]:
    same = Q(address=ticket.address) if ticket.address else Q()
    if ticket.customer_email:
        same |= Q(customer_email=ticket.customer_email)
    if not same:
        return ()
    now = timezone.now()
    found = Ticket.objects.visible_to(user).filter(same, merged_into=None).exclude(pk=ticket.pk)
    return tuple(
        Related(
            number=other.number,
            subject=other.subject,
            badge=status_badge(other.status),
            moment=full_moment(other.last_message_at, now=now),
        )
        for other in found.order_by("-last_message_at")[:_MOST_RELATED]
    )
