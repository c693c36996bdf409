"""„Hinweise“: what the signed-in user was told; each opens its page and counts as read then."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from company.models import Notification
from company.rights import signed_in

_PAGE = 50


@require_safe
def list_notifications(request: HttpRequest) -> HttpResponse:
    found = Notification.objects.filter(user=signed_in(request))
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    has_unread = found.filter(read_at=None).exists()
    context = {"page_obj": page, "query": "", "has_unread": has_unread}
    return render(request, "company/notifications.html", context)


@require_POST
def open_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks one as read and goes where it points."""
    found = get_object_or_404(Notification, pk=pk, user=signed_in(request))
    if found.read_at is None:
        found.read_at = timezone.now()
        found.save(update_fields=["read_at"])
    return redirect(found.url or "company:notifications")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    unread = Notification.objects.filter(user=signed_in(request), read_at=None)
    unread.update(read_at=timezone.now())
    return redirect("company:notifications")
