"""The grammatical gender of the kinds that every company has."""

from django.db import migrations

_ARTICLES = {"angebot": "das", "auftrag": "der", "lieferschein": "der"}  # all others: „die“


def seed(apps, schema_editor):
    kind_model = apps.get_model("documents", "DocumentKind")
    for key, article in _ARTICLES.items():
        kind_model.objects.filter(key=key).update(article=article)


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_kind_article")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
