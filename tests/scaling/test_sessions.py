"""What leans on a database session is known, each with the reason why a pooler does not harm it."""

import re
from collections.abc import Iterator

from config.embedded.child import PROJECT

ROOMS = ("config", "outbox", "pricing", "credits", "orders", "intake")
LEANS = re.compile(
    r"pg_(?:try_)?advisory_(?!xact)\w+|chunked_cursor|CREATE TEMPORARY|pg_backend_pid"
    r"|\bLISTEN [a-z]|SET (?:SESSION|ROLE) |DISCARD (?:ALL|PLANS|TEMP)|PREPARE "
    r"|set_config\([^)]*false\)"
)
KNOWN = {
    # Past the pooler: DIRECT_DATABASE_URL.
    ("config/scheduler.py", "pg_try_advisory_lock"),
    ("credits/sending.py", "pg_try_advisory_lock"),
    ("credits/sending.py", "pg_advisory_unlock"),
    # Made and dropped within one transaction.
    ("pricing/services/products.py", "CREATE TEMPORARY"),
    ("credits/services/members.py", "CREATE TEMPORARY"),
    ("credits/audience.py", "CREATE TEMPORARY"),
    # Opened and read within one transaction: such a cursor ends with it.
    ("credits/audience.py", "chunked_cursor"),
    # Only to leave the asking session out of a figure.
    ("config/operations/database.py", "pg_backend_pid"),
    # Who drives a run. Given up by the clock where a pooler keeps the session, and guarded by the
    # run's turn where it ends the session too early.
    ("outbox/reconciliation/run.py", "pg_backend_pid"),
}


def test_nothing_leans_on_a_session_unseen() -> None:
    """Something new belongs past the pooler, or into one transaction; then add it here."""
    assert set(leaning()) == KNOWN


def leaning() -> Iterator[tuple[str, str]]:
    """Files of ours, and what in them needs a session."""
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            if "tests" not in path.parts:
                for found in LEANS.findall(path.read_text()):
                    yield str(path.relative_to(PROJECT)), found
