"""An effect that always fails, and remembers each try: memory is undone by no rollback."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from outbox import handlers
from pricing import services
from pricing.models import Product
from races.explorer import Killed, Outcome, point

tries: list[str] = []
"""What was tried, whoever died or failed of it."""


class Broken(Exception):
    """The effect's own error."""


def fail(what: str = "the job") -> None:
    """Try, and fail."""
    attempt(what)
    raise Broken(what)


def attempt(what: str = "the job") -> None:
    """Try."""
    point(f"{what} is tried", "effect")
    tries.append(what)


def forget() -> None:
    """Before each schedule."""
    tries.clear()


def deaths(outcomes: Sequence[Outcome]) -> int:
    """How many processes were killed."""
    return sum(isinstance(outcome.error, Killed) for outcome in outcomes)


@contextmanager
def instead_of_apply_reduction() -> Iterator[None]:
    """Our handler with an effect that is half done when it fails; its back-off is a minute."""

    def half(**_: Any) -> None:
        Product.objects.filter(sku="A").update(price=1)
        fail()

    with (
        patch.object(services, "apply_reduction", half),
        patch.object(handlers.Retry, "delay", lambda *_: timedelta(minutes=1)),
    ):
        yield


@contextmanager
def before_apply_reduction() -> Iterator[None]:
    """Our handler, with each try noted before its effect."""
    real = services.apply_reduction

    def noted(*, reduction_id: str) -> None:
        attempt()
        real(reduction_id=reduction_id)

    with (
        patch.object(services, "apply_reduction", noted),
        patch.object(handlers.Retry, "delay", lambda *_: timedelta(minutes=1)),
    ):
        yield
