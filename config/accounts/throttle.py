"""Slow down whoever guesses passwords.

Counted in PostgreSQL: every web process sees the same number, a restart does not reset it, and it
never needs the broker. An attempt is *taken before* the password is looked at, in one statement
that returns the new count, so that a hundred guesses at once cannot all read the same old one; it
is given back when the password was right.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from .models import SignInAttempts

WINDOW = timedelta(minutes=15)
#: One name from one address: a person who has forgotten a password tries a handful.
LIMIT_PER_NAME = 10
#: One address, whatever the names: room for an office behind one router, not for a word list.
LIMIT_PER_ADDRESS = 100

_TAKE = """
    INSERT INTO accounts_signinattempts AS seen (subject, tried, since)
    VALUES (%(subject)s, 1, now())
    ON CONFLICT (subject) DO UPDATE SET (tried, since) = (
        SELECT CASE WHEN is_over THEN 1 ELSE seen.tried + 1 END,
               CASE WHEN is_over THEN now() ELSE seen.since END
        FROM (SELECT seen.since < now() - make_interval(secs => %(window)s)) AS window_ (is_over)
    )
    RETURNING tried
"""


def take_attempt(*, name: str, address: str) -> bool:
    """Count one attempt. Return whether it is still allowed."""
    taken = [(_take(subject), limit) for subject, limit in _subjects(name, address)]
    return all(count <= limit for count, limit in taken)


def give_back(*, name: str, address: str) -> None:
    """Take back an attempt that turned out to be the right password."""
    subjects = [subject for subject, _ in _subjects(name, address)]
    SignInAttempts.objects.filter(subject__in=subjects, tried__gt=0).update(tried=F("tried") - 1)


def forget_old_attempts() -> int:
    """Delete counts whose window is over. Return how many."""
    deleted, _ = SignInAttempts.objects.filter(since__lt=Now() - WINDOW).delete()
    return deleted


def _take(subject: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"subject": subject, "window": WINDOW.total_seconds()})
        return int(cursor.fetchone()[0])


def _subjects(name: str, address: str) -> Iterator[tuple[str, int]]:
    network = _network(address)
    yield _hash("name", name.casefold(), network), LIMIT_PER_NAME
    yield _hash("address", network), LIMIT_PER_ADDRESS


def _network(address: str) -> str:
    """An IPv6 customer owns a /64 at least: one of its addresses is as good as another."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) else address


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
