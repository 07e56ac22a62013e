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
    return uuid.UUID(int=_value())


def uuids7(count: int) -> list[uuid.UUID]:
    """New ids, ascending."""
    return [uuid.UUID(int=value) for value in sorted(_value() for _ in range(count))]


def _value() -> int:
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= (random >> 62) << 64
    value |= 0b10 << 62
    return value | (random & (2**62 - 1))


def as_array(ids: Iterable[uuid.UUID]) -> str:
    """As PostgreSQL writes it: the driver takes several times as long for each, batch by batch."""
    return f"{{{','.join(map(str, ids))}}}"
