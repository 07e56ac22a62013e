"""Time-ordered ids, made in Python (RFC 9562, version 7) so that PostgreSQL 15 will do."""

import secrets
import time
import uuid
from collections.abc import Iterable


def uuid7() -> uuid.UUID:
    """A new id: 48 bits of Unix milliseconds, then 74 random bits.

    Ids of later milliseconds sort later, which keeps index pages warm. They say nothing about
    the order of commits, so nothing may page through messages by "everything after this id".
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= secrets.randbits(12) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)


def as_array(ids: Iterable[uuid.UUID]) -> str:
    """As PostgreSQL writes it: the driver takes several times as long for each, batch by batch."""
    return f"{{{','.join(map(str, ids))}}}"
