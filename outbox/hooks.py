"""What the outbox itself does after a commit: quick, made up for by the relay, known by its class.

Whatever else a transaction leaves to be done after its commit may take as long as it likes.
"""

from typing import Self, TypeVar

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

MOST_STEPS = 16
"""Of all hooks of one commit: above it they take a time that counts."""


class Hook:
    """A hook of the outbox's own. It gathers what one transaction, or a savepoint of it, did."""

    @property
    def steps(self) -> int:
        """Transactions, or so, that it takes: some milliseconds each."""
        return 1

    def __call__(self) -> None:
        """Do it, after the commit."""
        raise NotImplementedError

    def share_with(self, other: Self) -> None:
        """Have in common with one of another savepoint what counts for the whole transaction."""


Kind = TypeVar("Kind", bound=Hook)


def of_this_commit(connection: BaseDatabaseWrapper, kind: type[Kind]) -> Kind:
    """The one hook of that kind that runs after the current transaction's commit.

    A savepoint has its own, which is forgotten with it.
    """
    savepoints = set(connection.savepoint_ids)
    made = kind()
    for known, hook, *_ in connection.run_on_commit:
        if isinstance(hook, kind):
            if known == savepoints:
                return hook
            made.share_with(hook)
    made.__qualname__ = kind.__qualname__  # type: ignore[attr-defined]  # Django's log names it
    transaction.on_commit(made, using=connection.alias, robust=True)
    return made


def may_take_long(connection: BaseDatabaseWrapper, first: int = 0) -> bool:
    """Whether the hooks from `first` on, after the commit, are not the outbox's own, or many."""
    left = [hook for _, hook, *_ in connection.run_on_commit[first:]]
    steps = sum(hook.steps for hook in left if isinstance(hook, Hook))
    return steps > MOST_STEPS or not all(isinstance(hook, Hook) for hook in left)
