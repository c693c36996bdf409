"""„Brief“: a letter without positions, sent through any channel like a document."""

from django.db import migrations

_LETTER = {
    "name": "Brief", "plural": "Briefe", "article": "der", "file_prefix": "BR",
    "first_number": 900000, "has_prices": False, "is_letter": True, "order": 90,
    "letter_intro": "{ANREDE},\n\n", "letter_closing": "",
    "mail_subject": "{BETREFF}",
    "mail_text": "{ANREDE},\n\nim Anhang erhalten Sie unser Schreiben vom {DATUM}.\n\n{GRUSS}",
}  # fmt: skip


def seed(apps, schema_editor):
    kind_model = apps.get_model("documents", "DocumentKind")
    kind_model.objects.get_or_create(key="brief", defaults=_LETTER)


def remove_unused(apps, schema_editor):
    kind_model = apps.get_model("documents", "DocumentKind")
    document_model = apps.get_model("documents", "Document")
    used = document_model.objects.values("kind")
    kind_model.objects.filter(key="brief").exclude(pk__in=used).delete()


class Migration(migrations.Migration):
    dependencies = [("documents", "0007_letters")]
    operations = [migrations.RunPython(seed, remove_unused)]
