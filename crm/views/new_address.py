"""A new address out of a ticket whose sender nobody knows yet."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from company.base_data_forms import AddressForm
from company.models import Address
from company.page_answers import show
from company.rights import Right, needs, signed_in
from company.take_number import take_number
from tickets.change import change
from tickets.models import Ticket

_FIRST_NUMBER = 10001


@needs(Right.EDIT_ADDRESSES)
def create_from_ticket(request: HttpRequest, number: str) -> HttpResponse:
    """The form, filled with what the ticket knows; saving puts the ticket to the address."""
    user = signed_in(request)
    ticket = get_object_or_404(Ticket.objects.visible_to(user), number=number, address=None)
    first = {"name": ticket.customer_name, "email": ticket.customer_email}
    form = AddressForm(request.POST or None, initial=first)
    form.fields["number"].required = False
    form.fields["number"].help_text = _("Leer = die nächste freie Nummer.")
    if request.method == "POST" and form.is_valid():
        form.instance.number = form.cleaned_data["number"] or _next_number()
        with transaction.atomic():
            address = form.save()
            change(ticket=ticket, actor=user, address=address)
        messages.success(request, _("„%(name)s“ ist gespeichert.") % {"name": address})
        return redirect("tickets:ticket", number)
    context = {"form": form, "ticket": ticket}
    status = 422 if form.is_bound else 200
    return show(request, "crm/address_from_ticket.html", context, status=status)


def _next_number() -> str:
    """The next free number; those given by hand are passed over."""
    while True:
        number = str(take_number("address", first=_FIRST_NUMBER))
        if not Address.objects.filter(number=number).exists():
            return number
