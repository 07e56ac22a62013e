"""The mark "one is in the air": commits beside a batch handler's dispatch need none of their own.

The consumer clears it before its first claim, so that the claim sees whatever was committed while
it stood. It saves dispatches and promises nothing: the relay ignores it, it stands for a second at
most, and without a cache that web and workers share every commit sends its own.

Ordinary handlers have no mark: their jobs run one after the other within a dispatch, so several
dispatches are several workers.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.cache import BaseCache, caches

from outbox.cooldown import Cooldown
from outbox.handlers import Handler

logger = logging.getLogger("outbox.coalescing")

SECONDS = 1
"""How long a mark stands whose dispatch was lost. The relay has rung by then."""

_cooldown = Cooldown(first=3.0, longest=60.0)


def take_off(handler: Handler) -> bool:
    """Whether a commit must send a dispatch; if so, one is marked to be in the air from now on."""
    return _ask(handler, lambda cache, mark: cache.add(mark, 1, SECONDS))


def land(handler: Handler) -> None:
    """A dispatch is about to make its first claim: what is committed after this needs another."""
    _ask(handler, lambda cache, mark: cache.delete(mark))


def _ask(handler: Handler, question: Callable[[BaseCache, str], bool]) -> bool:
    """The cache's answer; yes where there is no mark to ask about, or nobody to answer."""
    alias = getattr(settings, "OUTBOX_COALESCING_CACHE", None)
    if alias is None or handler.batch_size is None or _cooldown.is_on():
        return True
    try:
        answer = question(caches[alias], f"outbox:in-the-air:{handler.name}")
    except Exception as error:  # whatever the cache's client raises: without marks all goes on
        _cooldown.failed()
        logger.warning("no coalescing for a while", extra={"error": str(error)})
        return True
    _cooldown.succeeded()
    return answer
