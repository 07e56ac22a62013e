"""Handlers: what a message's name stands for, declared where its Celery task is."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, NoReturn

from celery import Task, shared_task

from outbox.errors import LONGEST_DELAY, DirectCall, UnknownHandler

CRASH_LIMIT = 3
"""Crashes while running alone after which a message is dead, even where retries are unlimited."""

MOST_ATTEMPTS = 32_766
"""Where counting failed attempts stops, though not the attempts: the column has room for one more,
which succeeds. At the longest default back-off that takes months."""

TIME_SLICE = timedelta(seconds=2)
"""How long one dispatch works off a backlog before other dispatches get a turn."""

LONGEST_NAME = 200
"""Characters of a handler's name: what its column takes."""

LONGEST_DEADLINE = timedelta(days=24)
"""PostgreSQL counts a time-out in milliseconds of 31 bits; at zero it has none."""


class Late(StrEnum):
    """What becomes of a message that is claimed after its `expires_at`."""

    DROP = "drop"  # it ends as `expired`
    RUN = "run"  # it runs all the same
    ASK = "ask"  # it ends as `dead`, for a person to redrive or discard


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and how soon a transient failure is tried again. Raises ValueError for nonsense.

    `limit` counts all attempts; None means for ever. The delay before attempt n + 1 is drawn
    evenly from zero to `base * 2**(n - 1)`, at most `cap` ("full jitter": Marc Brooker,
    "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
    """

    limit: int | None = 8
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if self.limit is not None and not 1 <= self.limit <= MOST_ATTEMPTS:
            raise ValueError(
                f"Retry needs a limit of 1 to {MOST_ATTEMPTS:,} or None, for ever: {self.limit}."
            )
        if min(self.base, self.cap) <= timedelta(0):
            raise ValueError(f"Retry needs a base and a cap above zero: {self.base}, {self.cap}.")
        if self.cap > LONGEST_DELAY:
            raise ValueError(f"Retry needs a cap of {LONGEST_DELAY.days} days at most: {self.cap}.")

    def delay(self, attempts: int) -> timedelta:
        """The delay to draw after `attempts` failed attempts, at least one of them."""
        grown = self.base.total_seconds() * 2 ** min(attempts - 1, 30)
        return timedelta(seconds=min(self.cap.total_seconds(), grown) * random.random())  # noqa: S311 - spreads load, protects nothing

    def exhausted(self, attempts: int) -> bool:
        """Whether `attempts` failed attempts are all there may be."""
        return self.limit is not None and attempts >= self.limit


Abandoned = Callable[[dict[str, Any], str, str], None]


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A named effect. Made by `@handler`, found by name, never called through Celery directly."""

    name: str
    function: Callable[..., Any]
    queue: str
    batch_size: int | None
    deadline: timedelta
    retry: Retry
    late: Late
    on_abandoned: Abandoned | None
    renamed_from: tuple[str, ...] = ()
    task: Task = field(repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the effect itself, here and now, in the caller's transaction."""
        return self.function(*args, **kwargs)

    @property
    def targets(self) -> list[str]:
        """What a person may pause to stop this handler: itself, or its whole queue."""
        return [f"handler:{self.name}", f"queue:{self.queue}"]

    def delay(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refused: see `DirectCall`."""
        raise DirectCall(
            f"{self.name} is an outbox handler: call outbox.enqueue({self.name!r}, …)."
        )

    apply_async = delay


_registry: dict[str, Handler] = {}


def handler(
    name: str,
    *,
    queue: str = "default",
    batch_size: int | None = None,
    deadline: timedelta = timedelta(seconds=30),
    retry: Retry = Retry(),
    late: Late = Late.DROP,
    on_abandoned: Abandoned | None = None,
    renamed_from: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Handler]:
    """Declare a function as the handler `name`, and the Celery task that is its bell.

    The function receives a message's arguments as keywords or, with a `batch_size`, a list of up
    to so many `Message` objects that commit together. It runs inside one transaction of at most
    `deadline`; it must not talk to anyone outside that transaction. `on_abandoned(args, state,
    reason)` runs in the transaction that ends a message otherwise than done; and again with each
    further such end, as of one that was dead and is discarded, or was redriven and died once more.
    Messages that wait under one of the names in `renamed_from` are brought under `name` by
    reconciliation.

    Raises ValueError where another function has the name already, or an option makes no sense.
    """
    _check_options(name, batch_size, deadline)

    def declare(function: Callable[..., Any]) -> Handler:
        known = _registry.get(name)
        if known is not None and _place(known.function) != _place(function):
            raise ValueError(f"Two handlers are named {name!r}.")
        declared = Handler(
            name=name,
            function=function,
            queue=queue,
            batch_size=batch_size,
            deadline=deadline,
            retry=retry,
            late=Late(late),
            on_abandoned=on_abandoned,
            renamed_from=renamed_from,
            task=_dispatch_task(name, queue),
        )
        _registry[name] = declared
        return declared

    return declare


def _check_options(name: str, batch_size: int | None, deadline: timedelta) -> None:
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(
            f"A handler's name has 1 to {LONGEST_NAME} printable characters, not {name!r:.80}."
        )
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"{name}: a batch holds at least one message, not {batch_size}.")
    if not timedelta(milliseconds=1) <= deadline <= LONGEST_DEADLINE:
        raise ValueError(f"{name}: a deadline is 1 ms to {LONGEST_DEADLINE.days} days: {deadline}.")


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    """Where it was declared; a module that is loaded again declares the same once more."""
    return function.__module__, function.__qualname__


def _dispatch_task(name: str, queue: str) -> Task:
    """The Celery task of a handler: it only opens the consumer's door."""

    @shared_task(name=name, queue=queue, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
    def dispatch(task: Task, ids: list[str] | None = None) -> dict[str, int]:
        from outbox import consumer  # the consumer knows handlers; here the arrow turns round

        return consumer.receive(task, ids or [])

    return dispatch


def get(name: str) -> Handler:
    """The handler of that name. Raises UnknownHandler."""
    try:
        return _registry[name]
    except KeyError:
        known = ", ".join(sorted(_registry)) or "none"
        raise UnknownHandler(f"No outbox handler is named {name!r}. Known: {known}.") from None


def find(name: str) -> Handler | None:
    """The handler of that name, or None for a name that only an older or newer release knows."""
    return _registry.get(name)


def successor(name: str) -> Handler | None:
    """The handler that was renamed from that name, if any."""
    return next((each for each in _registry.values() if name in each.renamed_from), None)


def names() -> list[str]:
    """The names of all handlers, sorted."""
    return sorted(_registry)
