from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0004_listed_states")]

    operations = [
        migrations.AddField(
            model_name="foldercursor",
            name="mailbox",
            field=models.CharField(blank=True, default="", max_length=600),
        ),
    ]
