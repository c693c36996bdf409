"""„Grundeinstellungen“ and the emergency brake."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from company.audit import record_changes, snapshot_stored
from company.model_forms import make_read_only
from company.models import CompanySettings, User
from company.rights import Right, has_right, needs, signed_in
from company.settings_form import PAUSES, PauseForm, SettingsForm, logo_type


@needs(Right.SEE_SETTINGS, to_change=Right.ADMINISTER)
def edit_settings(request: HttpRequest) -> HttpResponse:
    row = CompanySettings.load()
    form = SettingsForm(request.POST or None, request.FILES or None, instance=row)
    if request.method == "POST" and form.is_valid():
        # Not the switches: somebody may have pulled the brake since this page was opened.
        kept = [name for name in _settings_fields() if name not in PAUSES]
        _save(form.save(commit=False), kept, signed_in(request))
        messages.success(request, _("Die Grundeinstellungen sind gespeichert."))
        return redirect("company:settings")
    pause_form = PauseForm(instance=CompanySettings.load())
    may_change = has_right(signed_in(request), Right.ADMINISTER)
    if not may_change:
        make_read_only(form)
        make_read_only(pause_form)
    context = {
        "form": form,
        "pause_form": pause_form,
        "may_change": may_change,
        "has_logo": bool(row.logo),
    }
    return render(request, "company/settings.html", context, status=422 if form.errors else 200)


@needs(Right.ADMINISTER)
@require_POST
def pause_all(request: HttpRequest) -> HttpResponse:
    form = PauseForm(request.POST, instance=CompanySettings.load())
    if form.is_valid():
        _save(form.save(commit=False), PAUSES, signed_in(request))
        paused = any(form.cleaned_data.values())
        text = _("Angehalten, was Sie gewählt haben.") if paused else _("Alles läuft wieder.")
        messages.success(request, text)
    return redirect("company:settings")


@require_safe
@needs(Right.SEE_SETTINGS)
def logo(request: HttpRequest) -> HttpResponse:
    image = bytes(CompanySettings.load().logo)
    kind = logo_type(image)
    if not kind:
        raise Http404
    return HttpResponse(image, content_type=kind, headers={"X-Content-Type-Options": "nosniff"})


def _save(row: CompanySettings, fields: Sequence[str], actor: User) -> None:
    with transaction.atomic():
        before = snapshot_stored(row)
        row.save(update_fields=fields)
        record_changes(actor, before, snapshot_stored(row))


def _settings_fields() -> list[str]:
    return [field.name for field in CompanySettings._meta.fields if not field.primary_key]
