"""[Vorschau] of a signature's editor: „so wird sie gesendet“, before anything is saved."""

from __future__ import annotations

import base64

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from company.models import Employee
from company.rights import Right, needs, signed_in
from company.signature_html import LARGEST_SIGNATURE, clean_signature_html
from mailaccounts.signatures import Signature, show_signature

_CHOICE = "vorschau-mitarbeiter"


@needs(Right.SEE_SETTINGS)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """`feld` names the field that holds the HTML; the employee is the one chosen, else oneself."""
    field = request.POST.get("feld", "")
    html = request.POST.get(field, "")[: LARGEST_SIGNATURE + 1]
    employees = list(Employee.objects.filter(is_active=True))
    employee = _chosen(request, employees)
    context: dict[str, object] = {
        "field": field,
        "employees": employees,
        "employee": employee,
        "choice": _CHOICE,
    }
    try:
        signature = show_signature(clean_signature_html(html), employee)
    except ValidationError as error:
        context["problem"] = " ".join(error.messages)
        return render(request, "mailaccounts/_signature_preview.html", context)
    context |= {"signature": signature, "page": _with_pictures(signature)}
    return render(request, "mailaccounts/_signature_preview.html", context)


def _chosen(request: HttpRequest, employees: list[Employee]) -> Employee | None:
    number = request.POST.get(_CHOICE, "")
    own = signed_in(request).find_employee()
    wanted = int(number) if number.isdecimal() else (own.pk if own else 0)
    by_number = {employee.pk: employee for employee in employees}
    return by_number.get(wanted) or next(iter(employees), None)


def _with_pictures(signature: Signature) -> str:
    """The HTML with its pictures in it, as a mail program shows it."""
    html = signature.html
    for file in signature.files:
        data = base64.b64encode(file.content).decode("ascii")
        html = html.replace(f"cid:{file.content_id}", f"data:{file.content_type};base64,{data}")
    return html
