"""Marks "one is in the air": commits beside a dispatch that nobody has received need none.

A handler has so many places in the air. A commit's dispatch takes the place that its first id says;
where another one is there still, every worker is busy, and that one will take these messages along.
So under load a few dispatches carry many jobs, and at rest each job has its own.

The consumer clears the mark before its first claim, so that the claim sees whatever was committed
while it stood. A mark saves dispatches and promises nothing: the relay ignores it, it stands for a
second at most, and without a cache that web and workers share every commit sends its own.
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings
from django.core.cache import BaseCache, caches

from outbox.cooldown import Cooldown
from outbox.handlers import Handler

logger = logging.getLogger("outbox.coalescing")

SECONDS = 1
"""How long a mark stands whose dispatch was lost. The relay has rung by then."""

PLACES = 16
"""Places of an ordinary handler: a worker runs its jobs one by one, so several dispatches are
several workers. A batch handler has one place, since one of its dispatches takes them all."""

_cooldown = Cooldown(first=3.0, longest=60.0)


def take_off(handler: Handler, ids: Sequence[UUID]) -> bool:
    """Whether a commit of these must send a dispatch; if so, its place in the air is marked."""
    return _ask(handler, ids, lambda cache, mark: cache.add(mark, 1, SECONDS))


def land(handler: Handler, ids: Sequence[UUID]) -> None:
    """The dispatch of these is about to make its first claim: what is committed after this needs
    another. One without ids has no place.
    """
    if ids:
        _ask(handler, ids, lambda cache, mark: cache.delete(mark))


def _ask(handler: Handler, ids: Sequence[UUID], question: Callable[[BaseCache, str], bool]) -> bool:
    """The cache's answer; yes where there is no mark to ask about, or nobody to answer."""
    alias = getattr(settings, "OUTBOX_COALESCING_CACHE", None)
    if alias is None or _cooldown.is_on():
        return True
    place = ids[0].int % (PLACES if handler.batch_size is None else 1)
    try:
        answer = question(caches[alias], f"outbox:in-the-air:{handler.name}:{place}")
    except Exception as error:  # whatever the cache's client raises: without marks all goes on
        _cooldown.failed()
        logger.warning("no coalescing for a while", extra={"error": str(error)})
        return True
    _cooldown.succeeded()
    return answer
