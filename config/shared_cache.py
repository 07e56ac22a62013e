"""Django's cache in Redis, with a client that is kept.

Django makes a client for every question, which takes longer than the question: some 70 microseconds
of Python, twice on the way of each message.
"""

from functools import cached_property
from typing import Any

from django.core.cache.backends import redis


class _Client(redis.RedisCacheClient):
    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """The one client. There is one server, and its pool serves all threads."""
        return self._kept

    @cached_property
    def _kept(self) -> Any:
        return super().get_client(write=True)


class SharedCache(redis.RedisCache):
    """As Django's own."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
