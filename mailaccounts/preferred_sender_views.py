"""„Bevorzugter Absender“: the sender a person wants to see chosen first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from company.models import User
from company.rights import Right, needs, signed_in
from mailaccounts.models import PreferredSender
from mailaccounts.senders import identities_for


class PreferredSenderForm(forms.Form):
    email = forms.ChoiceField(label=gettext_lazy("Absender"), required=False)

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["email"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", _("keiner – wie vorgeschlagen")),
            *((one.email, one.label) for one in identities_for(user)),
        ]
        self.offered = [value for value, _label in field.choices if value]


@never_cache
@needs(Right.SEND_MAIL)
def choose_preferred_sender(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    stored = PreferredSender.objects.filter(user=user).first()
    form = PreferredSenderForm(
        request.POST if request.method == "POST" else None,
        user=user,
        initial={"email": stored.email if stored else ""},
    )
    if form.is_valid():
        _keep(user, form.cleaned_data["email"])
        messages.success(request, _("Ihre Einstellungen sind gespeichert."))
        return redirect("company:personal")
    lost = stored.email if stored and stored.email not in form.offered else ""
    context = {"form": form, "lost": lost}
    status = 422 if form.errors else 200
    return render(request, "mailaccounts/preferred_sender.html", context, status=status)


def _keep(user: User, email: str) -> None:
    if email:
        PreferredSender.objects.update_or_create(user=user, defaults={"email": email})
    else:
        PreferredSender.objects.filter(user=user).delete()
