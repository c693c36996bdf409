"""The page „Testmail“: send one, then watch what becomes of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from company.page_answers import is_htmx
from company.rights import Right, needs, signed_in
from mailaccounts.models import MailAccount
from mailaccounts.remedies import explain
from mailcore.errors import InvalidDraft
from outbox.models import OutgoingMessage
from outbox.test_mail import send_test_mail

_TONES = {
    OutgoingMessage.State.SENT: ("ok", "check-circle"),
    OutgoingMessage.State.SENDING: ("info", "send"),
    OutgoingMessage.State.RETRY: ("warn", "clock"),
    OutgoingMessage.State.UNCERTAIN: ("warn", "help-circle"),
    OutgoingMessage.State.FAILED: ("err", "x-circle"),
    OutgoingMessage.State.BOUNCED: ("err", "x-circle"),
}
_OVER = {
    OutgoingMessage.State.SENT,
    OutgoingMessage.State.FAILED,
    OutgoingMessage.State.BOUNCED,
    OutgoingMessage.State.CANCELLED,
}


class TestMailForm(forms.Form):
    __test__ = False

    account = forms.ModelChoiceField(
        label=_("Account"), queryset=MailAccount.objects.none(), empty_label=None
    )
    to = forms.EmailField(
        label=_("An"), help_text=_("Am besten eine Adresse bei einem anderen Anbieter.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = MailAccount.objects.kept().filter(smtp_enabled=True)
        self.fields["account"].queryset = accounts.order_by("-is_default", "description", "email")  # type: ignore[attr-defined]


@needs(Right.ADMINISTER)
def test_mail(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    initial = {"to": user.email, "account": request.GET.get("account")}
    form = TestMailForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            sent = send_test_mail(user=user, **form.cleaned_data)
        except InvalidDraft:
            form.add_error("to", _now("An diese Adresse lässt sich keine E-Mail senden."))
        else:
            messages.success(request, _now("Die Testmail ist unterwegs."))
            return redirect("outbox:test_mail_sent", pk=sent.pk)
    has_accounts = form.fields["account"].queryset.exists()  # type: ignore[attr-defined]
    context = {"form": form, "has_accounts": has_accounts}
    return render(request, "outbox/test_mail.html", context, status=422 if form.errors else 200)


@require_POST
def own_test_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """A test mail to oneself through a mailbox one has signed in to oneself, whatever the role."""
    user = signed_in(request)
    own = MailAccount.objects.kept().filter(smtp_enabled=True, oauth_grant__user=user)
    account = get_object_or_404(own, pk=pk)
    try:
        sent = send_test_mail(account=account, to=user.email or account.from_email, user=user)
    except InvalidDraft:
        messages.error(request, _now("An Ihre eigene Adresse lässt sich keine E-Mail senden."))
        return redirect("mailaccounts:oauth_mailboxes", account.oauth_grant.provider)  # type: ignore[union-attr]
    messages.success(request, _now("Die Testmail ist unterwegs."))
    return redirect("outbox:test_mail_sent", pk=sent.pk)


def test_mail_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; asked by htmx, only its changing part. Others than admins see their own tests."""
    user = signed_in(request)
    tests = OutgoingMessage.objects.filter(origin=OutgoingMessage.Origin.TEST)
    if not user.may(Right.ADMINISTER):
        tests = tests.filter(created_by=user)
    outgoing = get_object_or_404(
        tests.select_related("account").prefetch_related("recipients"), pk=pk
    )
    tone, icon = _TONES.get(OutgoingMessage.State(outgoing.state), ("neutral", "clock"))
    context = {
        "outgoing": outgoing,
        "tone": tone,
        "icon": icon,
        "is_over": outgoing.state in _OVER,
        "is_admin": user.may(Right.ADMINISTER),
        "explanation": explain(outgoing.error_kind) if outgoing.error_kind else None,
    }
    is_part = is_htmx(request)
    template = "outbox/_test_mail_state.html" if is_part else "outbox/test_mail_sent.html"
    return render(request, template, context)
