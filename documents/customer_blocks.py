"""What stands beside a customer: documents not sent yet, and how they want them."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from company.customer_blocks import Block, Line
from company.models import Address, User
from company.rights import Right
from company.timeline import Mark
from documents.badges import document_badge
from documents.delivery import describe_preference
from documents.german_format import format_date
from documents.models import DeliveryPreference, Document

_MOST = 5


def open_documents(address: Address, user: User) -> Block | None:
    """The newest documents that have not been sent."""
    visible = Document.objects.visible_to(user).filter(address=address)
    found = visible.exclude(state=Document.State.SENT).select_related("kind")[:_MOST]
    lines = tuple(_line(document) for document in found)
    if not lines:
        return None
    everything = f"{reverse('documents:list')}?adresse={address.pk}"
    return Block(_("Offene Belege"), lines, _("Alle Belege"), everything)


def _line(document: Document) -> Line:
    badge = document_badge(document, has_failed=False, is_under_way=False)
    return Line(
        text=document.subject or str(document),
        url=reverse("documents:detail", args=[document.pk]),
        sub=format_date(document.date),
        mark=Mark(badge.text, badge.tone, badge.icon),
    )


def delivery(address: Address, user: User) -> Block | None:
    """The delivery preferences, one line for each kind that has any."""
    if not user.may(Right.SEE_ADDRESSES):
        return None
    found = DeliveryPreference.objects.filter(address=address).select_related("kind")
    page = reverse("documents:delivery", args=[address.pk])
    lines = tuple(Line(one.kind.name, page, sub=describe_preference(one)) for one in found)
    shown = _("Bearbeiten") if user.may(Right.EDIT_ADDRESSES) else _("Ansehen")
    return Block(_("Versandvorgaben"), lines, shown, page)
