"""A savepoint around what others wrote: what it undoes without a word is said aloud."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from outbox.errors import Transient


@contextmanager
def savepoint(whose: str) -> Iterator[None]:
    """Run what is inside in a savepoint.

    Raises Transient where `whose` code swallowed an exception inside atomic(): Django would undo
    the savepoint silently, and undone work be taken for done.
    """
    with transaction.atomic():
        yield
        if transaction.get_rollback():
            raise Transient(f"The {whose} swallowed an exception inside atomic().")
