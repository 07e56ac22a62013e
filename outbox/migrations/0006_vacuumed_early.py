"""A queue's tables are vacuumed by what turns over in them, not by a fifth of what they hold.

A message that is done leaves a dead version and index entries that every look from the start passes.
Of ten million rows autovacuum would by default wait for two million such. Run records are few, and
all of them short-lived. The lock is one that neither readers nor writers notice.
"""

from django.db import migrations

SET = """
    ALTER TABLE outbox_message SET (autovacuum_vacuum_scale_factor = 0.01);
    ALTER TABLE outbox_run
        SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
"""
RESET = """
    ALTER TABLE outbox_message RESET (autovacuum_vacuum_scale_factor);
    ALTER TABLE outbox_run
        RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0005_reconciliation_goes_on")]

    operations = [migrations.RunSQL(SET, RESET)]
