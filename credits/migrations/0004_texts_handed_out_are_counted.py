from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0003_texts_are_marked_when_listed"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="textmessage",
            index=models.Index(
                condition=models.Q(("handed_at__isnull", False), ("state", "queued")),
                fields=["campaign"],
                name="text_handed_out",
            ),
        ),
    ]
