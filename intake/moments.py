"""Moments as people and programs write them."""

from datetime import UTC, datetime


def moment(value: object) -> datetime:
    """A moment with its zone, in UTC. Raises ValueError."""
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if parsed.tzinfo is None:
            raise ValueError("no zone")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{shown(value)} is no moment with a zone; write date, time and zone, such as "
            '"2030-01-31T09:00:00+01:00" or "2030-01-31T08:00:00Z".'
        ) from None


def in_utc(written: str) -> str:
    """Return a time of a form as `moment` reads it: one without an offset is in UTC.

    What is no time at all is returned as it is, to be refused there.
    """
    named = written.strip().removesuffix("UTC").strip()
    clock = named[10:]
    has_zone = named.endswith(("Z", "z")) or "+" in clock or "-" in clock
    return named if not clock or has_zone else f"{named}+00:00"


def shown(value: object) -> str:
    """The value as it may stand in an answer: quoted, short, on one line."""
    quoted = ascii(str(value))
    return quoted if len(quoted) <= 40 else quoted[:36] + "…'"
