"""What has happened to credits cannot be rewritten, and no settled text is unsettled, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION credits_refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Correct it by a further entry.';
END
$$;
CREATE TRIGGER credit_entry_append_only BEFORE UPDATE OR DELETE ON credits_creditentry
    FOR EACH ROW EXECUTE FUNCTION credits_refuse_to_rewrite_history();

CREATE FUNCTION credits_refuse_to_go_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a text that was % cannot become %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation',
              HINT = 'Late evidence becomes a finding.';
END
$$;
CREATE TRIGGER text_never_goes_back BEFORE UPDATE OF state ON credits_textmessage
    FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (
        OLD.state IN ('delivered', 'failed', 'skipped')
        OR (OLD.state = 'sent' AND NEW.state NOT IN ('delivered', 'failed'))
    ))
    EXECUTE FUNCTION credits_refuse_to_go_back();
"""

ALLOW = """
DROP TRIGGER text_never_goes_back ON credits_textmessage;
DROP FUNCTION credits_refuse_to_go_back();
DROP TRIGGER credit_entry_append_only ON credits_creditentry;
DROP FUNCTION credits_refuse_to_rewrite_history();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
