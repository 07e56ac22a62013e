"""Every error of the outbox: first those that handlers raise, then those that report misuse."""

from datetime import timedelta

LONGEST = 4_000
"""Characters of an error that are kept: its end is in the log."""

LONGEST_DELAY = timedelta(days=3_650)
"""Of a snooze or a back-off. PostgreSQL knows years that Python cannot read again."""

LOCKED = ("40P01", "55P03")
"""PostgreSQL's codes of a deadlock, and of a lock that was not to be had in time: later perhaps."""


def text_of(error: BaseException) -> str:
    """The error as people read it: its class and its words, bounded, as PostgreSQL can store it."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return storable(text)[:LONGEST]


def storable(text: str) -> str:
    """Without NUL characters, and with lone surrogates (half a character) spelt out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "")


class Transient(Exception):
    """Raise it in a handler: not now, but perhaps later. Counted, and retried after a back-off.

    Any exception that is not named in this module is treated the same.
    """


class Fatal(Exception):
    """Raise it in a handler: no retry will ever help. The message is a dead letter at once."""


class Snooze(Exception):
    """Raise it in a handler: not yet. Due again after `delay`; nothing is counted."""

    def __init__(self, delay: timedelta, reason: str = "") -> None:
        if delay <= timedelta(0):
            raise ValueError(f"Snooze needs a delay above zero, not {delay}.")
        if delay > LONGEST_DELAY:
            raise ValueError(f"Snooze needs a delay of {LONGEST_DELAY.days} days at most: {delay}.")
        super().__init__(reason or f"not before {delay} from now")
        self.delay = delay


# ------------------------------------------------------------------------------------------------


class OutboxError(Exception):
    """The base of what the outbox raises when it is misused."""


class NotInTransaction(OutboxError):
    """You called the outbox outside `transaction.atomic()`.

    A message must commit with the business rows that it speaks of, or not at all: open one
    transaction around both.
    """


class UnknownHandler(OutboxError):
    """No handler of that name is registered. Is its module named `tasks`, and its app installed?"""


class InvalidArguments(OutboxError):
    """The arguments are not a small JSON object. Pass ids, and let the handler read the rows."""


class KeyConflict(OutboxError):
    """The idempotency key is known, with other arguments. Nothing was enqueued.

    Two different requests share one key: a key must name one operation and no other.
    """


class CancelsItself(OutboxError):
    """A handler cancels the message that it runs. It ends by returning, or by raising Fatal."""


class NotRedrivable(OutboxError):
    """The message cannot be run again: it waits, is done, or its key has a successor."""


class DirectCall(OutboxError, AttributeError):
    """Somebody called `.delay()` or `.apply_async()` on a handler.

    That would publish a Celery task that no row stands for. Use `outbox.enqueue(name, args=…)`
    inside the transaction instead.
    """
