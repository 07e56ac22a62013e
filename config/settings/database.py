"""PostgreSQL: how a process of ours connects."""

from typing import Any

import dj_database_url


def databases(url: str, direct_url: str, *, application: str) -> dict[str, Any]:
    """Django's setting DATABASES.

    Where the addresses differ, a pooler in transaction mode is in between: "default" goes through
    it, and "direct" past it, for what needs a session.
    """
    if url == direct_url:
        return {"default": _database(url, direct=True, application=application)}
    return {
        "default": _database(url, direct=False, application=application),
        "direct": _database(direct_url, direct=True, application=application),
    }


def _database(url: str, *, direct: bool, application: str) -> dict[str, Any]:
    """One address. Through a pooler, start-up options and server-side cursors do not work; those
    settings belong to the role there (ALTER ROLE … SET)."""
    database: dict[str, Any] = dict(
        dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    )
    database["ENGINE"] = "django.db.backends.postgresql"
    database["DISABLE_SERVER_SIDE_CURSORS"] = not direct
    database["OPTIONS"] = {
        **database.get("OPTIONS", {}),
        "application_name": application,
        "connect_timeout": 5,
        # A process whose database's host is gone learns it within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    if direct:
        # A worker that is cut off keeps its row locks until the server notices.
        database["OPTIONS"].setdefault(
            "options",
            "-c client_connection_check_interval=2s -c tcp_keepalives_idle=10"
            " -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
            " -c idle_in_transaction_session_timeout=60s",
        )
    return database
