"""„Testseite drucken“: whether a printer can be reached, and how our letters look on it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from company.models import CompanySettings, User
from documents.hand_over import PrintJob, hand_over
from documents.letter import Letter, company_footer
from documents.models import Printer
from documents.pdf import render_pdf


def draw_test_page(printer: Printer, user: User, now: datetime) -> bytes:
    company = CompanySettings.load()
    return render_pdf(
        Letter(
            title=f"Testseite für „{printer.name}“",
            date=timezone.localdate(now),
            company=company.name,
            return_line=company.name,
            address=(printer.name,),
            info=(("Datum", f"{timezone.localtime(now):%d.%m.%Y %H:%M}"), ("Benutzer", str(user))),
            intro="Umlaute und Zeichen: Ä Ö Ü ä ö ü ß € – „Anführung“\n\nSteht dies gerade und "
            "vollständig auf dem Papier, ist der Drucker richtig eingerichtet.",
            lines=(),
            sums=(),
            has_prices=False,
            closing="",
            greeting="",
            signatory="",
            footer=company_footer(company),
            logo=bytes(company.logo),
        )
    )


def print_test_page(printer: Printer, user: User) -> str:
    """What became of it, in German. Raises PrintRefused, PrintUncertain."""
    now = timezone.now()
    pdf = draw_test_page(printer, user, now)
    return hand_over(printer, PrintJob(pdf, "Testseite.pdf", f"{now:%Y%m%d-%H%M%S}"))
