from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailaccounts", "0003_account_rights")]

    operations = [
        migrations.AddField(
            model_name="accountlink",
            name="alerted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
