"""The provider's rate, kept by all workers together: one number in Redis, one small script.

The generic cell rate algorithm (ITU-T I.371), a token bucket without a refill: the number is the
moment at which the next text is due. The script reads Redis's own clock, so workers need not agree
on the time. It is here for efficiency, not for correctness: when Redis forgets (a restart, an
eviction), or its clock is put back, a burst may go out, the provider answers 429, and those texts
are postponed.

Without Redis each process keeps a slow pace of its own, a 32nd of the rate: up to 32 processes
neither stop nor overrun.
"""

import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache

import redis
from django.conf import settings

KEY = "onceproof:texts:next"
PROCESSES = 32
"""How many processes may send at once without Redis and still keep the rate together."""

PATIENCE = 0.3  # seconds to wait for Redis's answer
PAUSE = 5.0  # seconds for which a Redis that failed is left alone
BURST = 0.2  # seconds' worth of texts that may go out at once after a quiet moment
FARTHEST = 5.0
"""Seconds from now at which nobody has a place: a number beyond it was written before the clock was
put back, and would stop all texting for as long."""

# In one step: refuse where the wait would be too long, else take the place in the row.
SCRIPT = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local interval, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - burst)
if due > now + math.max(longest, tonumber(ARGV[4])) + interval then due = now end
local wait = math.max(due - now, 0)
if wait > longest then return {0, tostring(wait)} end
redis.call('SET', KEYS[1], string.format('%.6f', due + interval), 'PX', 60000)
return {1, tostring(wait)}
"""


@dataclass(frozen=True)
class Grant:
    """A place in the row: the seconds until it comes, and whether it was taken."""

    wait: float
    taken: bool


def ask(longest: float) -> Grant:
    """Take the next place unless it is more than `longest` seconds away. Never raises.

    Each call takes another one; who has a place waits for `wait` seconds and then sends.
    """
    return _shared().ask(longest) or _own().ask(longest)


@dataclass
class SharedRate:
    """The rate of all workers, in Redis."""

    url: str
    rate: float
    _left_alone_until: float = 0.0

    def ask(self, longest: float) -> Grant | None:
        """As above; None where Redis does not answer."""
        if not self.url or time.monotonic() < self._left_alone_until:
            return None
        try:
            taken, wait = _client(self.url).eval(
                SCRIPT, 1, KEY, 1 / self.rate, BURST, longest, FARTHEST
            )
        except redis.RedisError:
            self._left_alone_until = time.monotonic() + PAUSE
            return None
        return Grant(float(wait), bool(taken))


@dataclass
class OwnRate:
    """A slow pace of this process alone."""

    rate: float
    _due: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, longest: float) -> Grant:
        """As above."""
        with self._lock:
            now = time.monotonic()
            wait = max(self._due - now, 0.0)
            if wait > longest:
                return Grant(wait, taken=False)
            self._due = max(self._due, now) + PROCESSES / self.rate
            return Grant(wait, taken=True)


@lru_cache(maxsize=1)
def _shared() -> SharedRate:
    return SharedRate(settings.TEXTS.redis_url, settings.TEXTS.per_second)


@lru_cache(maxsize=1)
def _own() -> OwnRate:
    return OwnRate(settings.TEXTS.per_second)


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None
    )
