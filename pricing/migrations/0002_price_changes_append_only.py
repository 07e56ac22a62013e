"""What has happened to a price cannot be rewritten, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION pricing_refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'price changes are append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Correct a price by a further change.';
END
$$;
CREATE TRIGGER price_change_append_only BEFORE UPDATE OR DELETE ON pricing_pricechange
    FOR EACH ROW EXECUTE FUNCTION pricing_refuse_to_rewrite_history();
"""

ALLOW = """
DROP TRIGGER price_change_append_only ON pricing_pricechange;
DROP FUNCTION pricing_refuse_to_rewrite_history();
"""


class Migration(migrations.Migration):
    dependencies = [("pricing", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
