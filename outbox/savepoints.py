"""A savepoint around what others wrote: what it undoes without a word is said aloud."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from outbox.errors import Transient


@contextmanager
def savepoint(whose: str, *, complete: bool = False) -> Iterator[None]:
    """Run what is inside in a savepoint. What is `complete` answers for its constraints at its end.

    Raises Transient where `whose` code swallowed an exception inside atomic(): Django would undo
    the savepoint silently, and undone work be taken for done. A deferred constraint, as Django's
    foreign keys are, would else speak up at COMMIT, when nothing but the whole can be undone. From
    then on all deferrable constraints are deferred, also those that were not.
    """
    with transaction.atomic():
        yield
        if transaction.get_rollback():
            raise Transient(f"The {whose} swallowed an exception inside atomic().")
        if complete:
            connection.check_constraints()
