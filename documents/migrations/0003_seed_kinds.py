"""The kinds of documents every company has."""

from django.db import migrations

_INTRO = "{ANREDE},\n\n"
_MAIL_END = "\n\n{GRUSS}"


def _kinds() -> list[dict[str, object]]:
    return [
        {
            "key": "angebot", "name": "Angebot", "plural": "Angebote", "file_prefix": "AN",
            "first_number": 100000,
            "letter_intro": _INTRO + "vielen Dank für Ihre Anfrage. Gerne bieten wir Ihnen an:",
            "letter_closing": "Über Ihren Auftrag freuen wir uns. An dieses Angebot halten wir uns "
            "30 Tage gebunden.",
            "mail_subject": "Ihr Angebot {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "vielen Dank für Ihre Anfrage. Im Anhang erhalten Sie unser "
            "Angebot {NUMMER} vom {DATUM}.\n\nHaben Sie Fragen dazu? Antworten Sie einfach auf "
            "diese E-Mail." + _MAIL_END,
        },
        {
            "key": "auftrag", "name": "Auftrag", "plural": "Aufträge", "file_prefix": "AB",
            "first_number": 200000,
            "letter_intro": _INTRO + "vielen Dank für Ihren Auftrag, den wir wie folgt bestätigen:",
            "letter_closing": "",
            "mail_subject": "Ihr Auftrag {NUMMER} bei {FIRMA}",
            "mail_text": _INTRO + "vielen Dank für Ihren Auftrag. Im Anhang erhalten Sie unsere "
            "Auftragsbestätigung {NUMMER} vom {DATUM}." + _MAIL_END,
        },
        {
            "key": "lieferschein", "name": "Lieferschein", "plural": "Lieferscheine",
            "file_prefix": "LS", "first_number": 300000, "has_prices": False,
            "letter_intro": _INTRO + "wir liefern Ihnen wie vereinbart:",
            "letter_closing": "Bitte prüfen Sie die Lieferung auf Vollständigkeit.",
            "mail_subject": "Ihre Lieferung {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "Ihre Lieferung ist unterwegs. Im Anhang erhalten Sie den "
            "Lieferschein {NUMMER} vom {DATUM}." + _MAIL_END,
        },
        {
            "key": "rechnung", "name": "Rechnung", "plural": "Rechnungen", "file_prefix": "RE",
            "first_number": 400000, "shows_service_date": True,
            "letter_intro": _INTRO + "vielen Dank für Ihren Auftrag. Wir berechnen Ihnen wie folgt:",
            "letter_closing": "Bitte überweisen Sie den Gesamtbetrag innerhalb von 14 Tagen ohne "
            "Abzug unter Angabe der Rechnungsnummer auf das unten genannte Konto.",
            "mail_subject": "Ihre Rechnung {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "im Anhang erhalten Sie unsere Rechnung {NUMMER} vom {DATUM} "
            "über {BETRAG}." + _MAIL_END,
        },
        {
            "key": "gutschrift", "name": "Gutschrift", "plural": "Gutschriften",
            "file_prefix": "GS", "first_number": 500000, "shows_service_date": True,
            "letter_intro": _INTRO + "wir schreiben Ihnen gut:",
            "letter_closing": "Der Betrag wird mit Ihren offenen Rechnungen verrechnet oder Ihnen "
            "überwiesen.",
            "mail_subject": "Ihre Gutschrift {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "im Anhang erhalten Sie unsere Gutschrift {NUMMER} vom {DATUM} "
            "über {BETRAG}." + _MAIL_END,
        },
        {
            "key": "bestellung", "name": "Bestellung", "plural": "Bestellungen",
            "file_prefix": "BE", "first_number": 600000,
            "letter_intro": _INTRO + "hiermit bestellen wir:",
            "letter_closing": "Bitte bestätigen Sie uns die Bestellung und den Liefertermin.",
            "mail_subject": "Bestellung {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "im Anhang erhalten Sie unsere Bestellung {NUMMER} vom {DATUM}. "
            "Bitte bestätigen Sie uns den Liefertermin." + _MAIL_END,
        },
        {
            "key": "retoure", "name": "Retoure", "plural": "Retouren", "file_prefix": "RT",
            "first_number": 700000, "has_prices": False,
            "letter_intro": _INTRO + "die folgenden Artikel gehen zurück:",
            "letter_closing": "Bitte legen Sie dieses Schreiben der Rücksendung bei.",
            "mail_subject": "Ihre Retoure {NUMMER} bei {FIRMA}",
            "mail_text": _INTRO + "im Anhang erhalten Sie die Unterlagen zu Ihrer Retoure {NUMMER} "
            "vom {DATUM}." + _MAIL_END,
        },
        {
            "key": "proformarechnung", "name": "Proformarechnung", "plural": "Proformarechnungen",
            "file_prefix": "PR", "first_number": 800000,
            "letter_intro": _INTRO + "für Ihre Unterlagen stellen wir Ihnen diese "
            "Proformarechnung aus:",
            "letter_closing": "Diese Proformarechnung ist keine Zahlungsaufforderung und berechtigt "
            "nicht zum Vorsteuerabzug.",
            "mail_subject": "Ihre Proformarechnung {NUMMER} von {FIRMA}",
            "mail_text": _INTRO + "im Anhang erhalten Sie unsere Proformarechnung {NUMMER} vom "
            "{DATUM}." + _MAIL_END,
        },
    ]


def seed(apps, schema_editor):
    kind_model = apps.get_model("documents", "DocumentKind")
    for order, kind in enumerate(_kinds(), start=1):
        kind_model.objects.get_or_create(key=kind["key"], defaults={**kind, "order": order * 10})


def remove_unused(apps, schema_editor):
    kind_model = apps.get_model("documents", "DocumentKind")
    document_model = apps.get_model("documents", "Document")
    keys = [kind["key"] for kind in _kinds()]
    used = document_model.objects.values("kind")
    kind_model.objects.filter(key__in=keys).exclude(pk__in=used).delete()


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_letter_texts_and_own_pdf")]
    operations = [migrations.RunPython(seed, remove_unused)]
