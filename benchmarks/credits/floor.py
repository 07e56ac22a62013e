"""PostgreSQL alone: the rows of our path, in its two transactions for each text, by pgbench."""

import os
import re
import subprocess
from urllib.parse import urlsplit

from benchmarks.credits import world
from benchmarks.servers import Servers

CLIENTS = 8
"""They share the disk's flush, as `postgres_1` in the drain does."""


def run(servers: Servers) -> float:
    """Texts a second; every text that was written is sent."""
    per_client = world.sql("SELECT count(*) FROM credits_textmessage")[0][0] // CLIENTS
    script = servers.folder / "credit_rows.sql"
    script.write_text(SCRIPT)
    address = urlsplit(servers.database_url)
    command = [
        *(servers.program("pgbench"), "--no-vacuum", "--protocol", "prepared"),
        *("--client", str(CLIENTS), "--jobs", "2", "--transactions", str(per_client)),
        *("--define", "place=0", "--define", f"clients={CLIENTS}", "--file", script.name),
        *("--host", "127.0.0.1", "--port", str(address.port), "--username", "postgres"),
        address.path.lstrip("/"),
    ]
    done = subprocess.run(  # noqa: S603 (the command is our own)
        command,
        env={**os.environ, "PGPASSWORD": address.password or ""},
        cwd=servers.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # seconds
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
    return float(found[1])


# The text's own message is written as done at once: the queue itself is measured in the drain.
SCRIPT = """
\\set text :place * :clients + :client_id + 1
\\set place :place + 1
BEGIN;
INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent, attempts,
    crashes, alone, last_error, started_at, finished_at, worker, task_id)
VALUES (gen_random_uuid(), 'credits.send_text', jsonb_build_object('text_id', :text::bigint),
    'done', now(), gen_random_uuid(), '', 1, 0, false, '', now(), now(), 'bench', '');
UPDATE credits_textmessage SET state = 'sending', token = gen_random_uuid(),
    attempts = attempts + 1, handed_at = now(), sending_at = now(),
    lease_until = now() + interval '15 s'
WHERE id = :text AND state = 'queued';
INSERT INTO credits_textevent (text_id, kind, token, sid, status, detail, worker)
VALUES (:text, 'sending', gen_random_uuid(), '', '', '', 'bench');
INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent, attempts,
    crashes, alone, last_error, worker, task_id)
VALUES (gen_random_uuid(), 'credits.settle_text',
    jsonb_build_object('text_id', :text::bigint, 'look', 1), 'pending',
    now() + interval '20 s', gen_random_uuid(), '', 0, 0, false, '', '', '');
COMMIT;
BEGIN;
INSERT INTO credits_textevent (text_id, kind, token, sid, status, detail, worker)
VALUES (:text, 'accepted', gen_random_uuid(), 'SM' || :text::text, '', '', 'bench');
UPDATE credits_textmessage SET state = 'sent', sid = 'SM' || :text::text, settled_by = 'reply',
    finished_at = now()
WHERE id = :text AND state = 'sending';
UPDATE credits_community SET held = held - 1
WHERE id = (SELECT campaign.community_id FROM credits_campaign AS campaign
            JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
            WHERE text.id = :text) AND held >= 1;
COMMIT;
"""
