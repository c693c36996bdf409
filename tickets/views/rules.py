"""„Ticketregeln“: list with order and switch, form, trial."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from company.model_forms import make_read_only
from company.rights import Right, has_right, needs, signed_in
from mailcore.threading import normalise_subject
from tickets.apply_rule import apply_to_tickets
from tickets.models import Rule, Ticket
from tickets.rule_forms import ConditionLines, Conditions, RuleForm, rule_as_typed, save_rule
from tickets.rules import load_rule, load_saved_rule
from tickets.try_rule import Trial, try_rule


@require_safe
@needs(Right.SEE_SETTINGS)
def rule_list(request: HttpRequest) -> HttpResponse:
    rules = Rule.objects.select_related("queue", "project", "assignee", "account")
    rows = [
        (rule, [str(one) for one in rule.conditions.all()], words_of(rule))
        for rule in rules.prefetch_related("conditions", "tags")
    ]
    may_change = has_right(signed_in(request), Right.ADMINISTER)
    context = {
        "rows": rows,
        "may_change": may_change,
        "moved": request.GET.get("verschoben", ""),
        "moved_up": request.GET.get("richtung") == "auf",
    }
    return render(request, "tickets/rules/list.html", context)


@needs(Right.SEE_SETTINGS, to_change=Right.ADMINISTER)
def edit_rule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form; with „testen“ it shows what the rule as typed would be for, and saves nothing."""
    rule = get_object_or_404(Rule, pk=pk) if pk else Rule()
    data = request.POST if request.method == "POST" else None
    suggested = {} if pk or data else _suggested(request)
    form = RuleForm(data, instance=rule, initial=suggested.get("rule"))
    lines = ConditionLines(data, instance=rule, initial=suggested.get("conditions"))
    is_valid = data is not None and form.is_valid() and lines.is_valid()
    context: dict[str, object] = {"rule": rule, "form": form, "lines": lines}
    if is_valid and "testen" in request.POST:
        context["trial"] = _try(request, form, lines)
    elif is_valid and "anwenden" in request.POST:
        return _save_and_apply(request, form, lines)
    elif is_valid:
        messages.success(
            request, _("„%(name)s“ ist gespeichert.") % {"name": save_rule(form, lines)}
        )
        return redirect("tickets:rules")
    context["may_change"] = has_right(signed_in(request), Right.ADMINISTER)
    if not context["may_change"]:
        for one in (form, *lines):
            make_read_only(one)
    status = 422 if data is not None and not is_valid else 200
    return render(request, "tickets/rules/form.html", context, status=status)


def _try(request: HttpRequest, form: RuleForm, lines: Conditions) -> Trial:
    tags = form.cleaned_data["tag_names"]
    return try_rule(rule_as_typed(form, lines), signed_in(request), tags=tags)


def _save_and_apply(request: HttpRequest, form: RuleForm, lines: Conditions) -> HttpResponse:
    """The rule is saved and does to the tickets of the last 30 days what the test has shown."""
    trial = _try(request, form, lines)
    rule = save_rule(form, lines)
    changed = apply_to_tickets(load_saved_rule(rule), trial.to_change, actor=signed_in(request))
    text = ngettext(
        "„%(name)s“ ist gespeichert und hat ein Ticket geändert.",
        "„%(name)s“ ist gespeichert und hat %(count)d Tickets geändert.",
        changed,
    )
    messages.success(request, text % {"name": rule, "count": changed})
    return redirect("tickets:rules")


@require_POST
@needs(Right.ADMINISTER)
def move_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down, as „richtung“ says."""
    with transaction.atomic():
        rules = list(Rule.objects.select_for_update().order_by("order", "pk"))
        place = next((n for n, rule in enumerate(rules) if rule.pk == pk), None)
        other = (
            -1 if place is None else place + (-1 if request.POST.get("richtung") == "auf" else 1)
        )
        if place is not None and 0 <= other < len(rules):
            rules[place], rules[other] = rules[other], rules[place]
        for number, rule in enumerate(rules, start=1):
            rule.order = number
        Rule.objects.bulk_update(rules, ["order"])
    # The focus stays on the button, so that a rule is moved on with the same key.
    moved: dict[str, str | int] = {"verschoben": pk, "richtung": request.POST.get("richtung", "")}
    return redirect(f"{reverse('tickets:rules')}?{urlencode(moved)}")


@require_POST
@needs(Right.ADMINISTER)
def switch_rule(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(Rule, pk=pk)
    rule.is_active = "an" in request.POST
    rule.save(update_fields=["is_active"])
    text = (
        _("„%(name)s“ ist eingeschaltet.") if rule.is_active else _("„%(name)s“ ist ausgeschaltet.")
    )
    messages.success(request, text % {"name": rule})
    return redirect("tickets:rules")


@require_POST
@needs(Right.ADMINISTER)
def delete_rule(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(Rule, pk=pk)
    rule.delete()
    messages.success(request, _("„%(name)s“ ist gelöscht.") % {"name": rule})
    return redirect("tickets:rules")


def words_of(rule: Rule) -> str:
    """What the rule does, on one line."""
    loaded = load_rule(rule, (), tags=[(tag.pk, tag.name) for tag in rule.tags.all()])
    words = [*loaded.words, *([_("kein Ticket")] if rule.ignores else [])]
    return ", ".join(words)


def _suggested(request: HttpRequest) -> dict[str, list[dict[str, str]] | dict[str, str]]:
    """A rule for mails like those of the ticket that `?ticket=` names."""
    visible = Ticket.objects.visible_to(signed_in(request))
    ticket = visible.filter(number=request.GET.get("ticket", "")).first()
    if ticket is None:
        return {}
    conditions = [("sender", "is", ticket.customer_email), ("subject", "contains", ticket.subject)]
    return {
        "rule": {"name": ticket.customer_email[:80]},
        "conditions": [
            {"field": field, "operator": operator, "value": normalise_subject(value)[:300]}
            for field, operator, value in conditions
            if value
        ],
    }
