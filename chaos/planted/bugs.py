"""Seeded bugs: mistakes that people make, planted in the application to prove the checkers.

Each replaces a few functions. None can be planted anywhere but in a home that `manage.py chaos` has
made for itself, or in a test's own process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from chaos import own_home
from chaos.planted import naive


class NotOurs(RuntimeError):
    """ONCEPROOF_CHAOS_BUG is set, and this home was not made by `manage.py chaos`. Unset it."""


Patch = tuple[str, str, Callable[[Any], Any]]
"""A module, the name of something in it, and what makes its replacement from it."""

BUGS: dict[str, tuple[Patch, ...]] = {
    # The claim takes no lock, and the mark does not look whether the row is still pending.
    "no_lock": (
        ("outbox.claims", "_CLAIM_FIRST", naive.without_lock),
        ("outbox.claims", "_CLAIM_RECORDED", naive.without_lock),
        ("outbox.claims", "_OPEN_NEXT", naive.without_lock),
        ("outbox.claims", "_MARK_DONE", naive.without_guard),
    ),
    # The mark "done" is committed first, and the effect after it, in another transaction.
    "done_marked_outside": (("outbox.execution", "_run", naive.done_first),),
    # The effect is committed first, and the mark after it, as a late acknowledgement is.
    "acks_late": (("outbox.execution", "_run", naive.done_last),),
    # The claim is committed before the effect, and nothing takes it back from a worker that died.
    "claim_lost": (("outbox.execution", "_run", naive.claim_for_ever),),
    # Every attempt to charge goes to the provider under a key, and so with a payment, of its own.
    "fresh_provider_key": (
        ("orders.providers.stripe_api", "confirm_intent", naive.charge_under_a_fresh_key),
    ),
    # The balance is read, changed in Python and written back.
    "balance_written_absolute": (("credits.ledger", "_change", naive.write_balance),),
}


def plant_by_name(name: str) -> None:
    """Plant a bug for the life of this process. Raises NotOurs, or KeyError for a wrong name."""
    if not own_home.is_here():
        raise NotOurs(NotOurs.__doc__)
    _apply(name)


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the bug in this process for a while: for tests of the checkers."""
    originals = _apply(name)
    try:
        yield
    finally:
        for module, attribute, original in originals:
            setattr(module, attribute, original)


def _apply(name: str) -> list[tuple[Any, str, Any]]:
    originals = []
    for path, attribute, replacement in BUGS[name]:
        module = import_module(path)
        original = getattr(module, attribute)
        setattr(module, attribute, replacement(original))
        originals.append((module, attribute, original))
    return originals
