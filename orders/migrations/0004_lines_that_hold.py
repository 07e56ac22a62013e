from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # built beside those who place orders

    dependencies = [
        ("orders", "0003_attempts_forgiven"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="orderline",
            index=models.Index(
                condition=models.Q(("hold", "held")), fields=["product"], name="line_that_holds"
            ),
        ),
    ]
