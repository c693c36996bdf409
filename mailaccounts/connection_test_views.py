"""The connection test on the account page: one request per stage, so that each shows as it is done.

Nothing is kept between the requests: each carries the form, so any web worker can answer, and leaving
the page ends the test.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from mailaccounts.account_access import account_or_new
from mailaccounts.account_page import AccountPage
from mailaccounts.connection_test import (
    ImapTest,
    Outcome,
    SmtpTest,
    TestStep,
    run_stage,
    stage_titles,
)
from mailaccounts.tested_values import PROTOCOLS, values_to_test

_PASSWORDS = ("imap-password", "smtp-password")


@dataclass(frozen=True, slots=True)
class _Part:
    """One protocol's part of the test card."""

    protocol: str
    is_used: bool
    missing: list[str]
    first_title: str
    url: str  # of the first stage


@require_POST
@sensitive_post_parameters(*_PASSWORDS)
@never_cache
def start_test(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The card of the test; its lists then ask for one stage after the other."""
    page = AccountPage(account_or_new(request, pk), request.POST)
    parts = []
    for protocol in PROTOCOLS:
        values = values_to_test(page, protocol)
        missing = values if isinstance(values, list) else []
        title = str(stage_titles(values)[0][0]) if isinstance(values, ImapTest | SmtpTest) else ""
        parts.append(
            _Part(protocol, values is not None, missing, title, f"{request.path}{protocol}/0/")
        )
    context = {"parts": parts, "address": page.account.from_email, "warnings": page.warnings}
    return render(request, "mailaccounts/_test.html", context)


@require_POST
@sensitive_post_parameters(*_PASSWORDS)
@never_cache
def show_stage(
    request: HttpRequest, protocol: str, stage: int, pk: int | None = None
) -> HttpResponse:
    if protocol not in PROTOCOLS:
        raise Http404
    values = values_to_test(AccountPage(account_or_new(request, pk), request.POST), protocol)
    if not isinstance(values, ImapTest | SmtpTest):
        return render(request, "mailaccounts/_test_steps.html", {"missing": values})
    titles = stage_titles(values)
    if stage >= len(titles):
        raise Http404
    steps = list(run_stage(values, stage))
    following = titles[stage + 1] if stage + 1 < len(titles) else ()
    if any(step.outcome is Outcome.FAILED for step in steps):
        names = [
            *titles[stage][len(steps) :],
            *(name for later in titles[stage + 1 :] for name in later),
        ]
        steps += [TestStep(name, Outcome.SKIPPED) for name in names]
        following = ()
    context = {
        "steps": steps,
        "next_title": following[0] if following else "",
        "next_url": f"{request.path.rsplit('/', 2)[0]}/{stage + 1}/",
    }
    return render(request, "mailaccounts/_test_steps.html", context)


@require_safe
def no_test(request: HttpRequest) -> HttpResponse:
    """Takes the card of the test away and thereby ends it: no further stage is asked for."""
    return HttpResponse("")
