"""`synchronous_commit` must be on: off, four acknowledged messages were lost in one crash.

Any process asks at each new connection, so none works on a database that may forget its commits;
`migrate` and `check --database default` say the same as a system check.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# `local` waits for this server's disk and not for a replica's: a failover is outside the promise.
SAFE = ("on", "local", "remote_write", "remote_apply")


def refuse_lossy_commits(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receiver of `connection_created`; raises ImproperlyConfigured where commits may be lost."""
    setting = _synchronous_commit(connection)
    if setting not in SAFE:
        connection.close()
        raise ImproperlyConfigured(
            f"synchronous_commit is {setting}: this database acknowledges commits that a crash "
            "loses. Set it to on (ALTER DATABASE … SET synchronous_commit = on)."
        )


def check_durability(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A system check for `databases`; none given, none asked."""
    errors: list[CheckMessage] = []
    for alias in databases or ():
        try:
            connections[alias].ensure_connection()
        except ImproperlyConfigured as problem:
            errors.append(Error(str(problem), id="onceproof.E001"))
    return errors


def _synchronous_commit(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])
