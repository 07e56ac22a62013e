"""What has happened to money cannot be rewritten, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION orders_refuse_to_rewrite_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payment entries are append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Correct a movement of money by a further one.';
END
$$;
CREATE TRIGGER payment_entry_append_only BEFORE UPDATE OR DELETE ON orders_paymententry
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_to_rewrite_money();
"""

ALLOW = """
DROP TRIGGER payment_entry_append_only ON orders_paymententry;
DROP FUNCTION orders_refuse_to_rewrite_money();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
