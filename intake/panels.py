"""„Ticketsystem“ on the account page: an earlier „Ab Datum“ fetches older mail, once that is confirmed."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from company.nudge import nudge
from intake.ledger import count_to_readmit
from intake.tasks import poll_account
from tickets import panels


class TicketForm(panels.TicketForm):
    backlog_confirmed = forms.BooleanField(label=_("Ja, nachholen"), required=False)


class TicketPanel(panels.TicketPanel):
    template = "intake/account_panel.html"
    form_class = TicketForm

    backlog_text = ""  # says how many older mails the date on the page would fetch

    def check(self) -> None:
        super().check()
        saved = self.saved
        if saved is None or self.account.since_date == saved.since_date:
            return
        count = count_to_readmit(self.account)
        if not count:
            return
        text = ngettext(
            "Eine ältere E-Mail wird nachgeholt.",
            "%(count)d ältere E-Mails werden nachgeholt.",
            count,
        )
        self.backlog_text = text % {"count": count}
        if not self.form.cleaned_data.get("backlog_confirmed"):
            self.form.add_error(
                "backlog_confirmed",
                _("Bitte bestätigen Sie das, oder lassen Sie „Ab Datum“, wie es war."),
            )

    def save(self) -> None:
        super().save()
        if self.backlog_text:
            nudge(poll_account, self.account.pk)
