"""How a call to the outside can end, and how much time is left for it.

A step's action returns what it learned, or raises one of these four. Anything else that it raises
is taken for Unknown: a bug of ours after the provider has acted is no proof that it did not.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Refused(Exception):
    """A definite no. The call had no effect, and asking again will not change that."""


class NotNow(Exception):
    """The call surely had no effect, and may have one later: a rate limit, no connection made."""


class Barred(Exception):
    """A person is needed at once: asking again helps when they have mended it, and not before.

    Our account was not let in, by a wrong key or a missing right, and surely nothing happened; or
    what happened is not what our books could say.
    """


class Unknown(Exception):
    """Nobody can say whether the call had its effect: a time-out, a cut connection, a 5xx."""


_latest_start: ContextVar[float] = ContextVar("orders_latest_start")


@contextmanager
def lease(seconds: float) -> Iterator[None]:
    """Requests may be started within these seconds: so long the database says that we may."""
    token = _latest_start.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _latest_start.reset(token)


def demand_time() -> None:
    """Call it before each request. Raises NotNow once the lease has no room for another one."""
    if time.monotonic() > _latest_start.get(float("inf")):
        raise NotNow("the lease had no time left for another request")
