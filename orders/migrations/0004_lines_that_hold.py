from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_attempts_forgiven"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="orderline",
            index=models.Index(
                condition=models.Q(("hold", "held")), fields=["product"], name="line_that_holds"
            ),
        ),
    ]
