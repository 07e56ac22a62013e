"""Caches. Nothing that must be right is in one: Redis is for efficiency."""

from typing import Any


def caches(redis_url: str) -> tuple[dict[str, Any], str | None]:
    """Django's caches, and which of them web and workers share; None where there is no Redis."""
    local = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if not redis_url:
        return local, None
    shared = {
        "BACKEND": "config.shared_cache.SharedCache",
        "LOCATION": redis_url,
        # Seconds. A request asks here after its commit, and must not wait for a frozen server.
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
    return {**local, "shared": shared}, "shared"
