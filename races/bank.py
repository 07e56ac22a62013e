"""A provider with idempotency keys, so small that it stands in memory and dies with nobody."""

from itertools import count

from races.explorer import point

charges: dict[str, int] = {}
"""Which key was charged, and as the how manieth payment."""

_numbers = count(1)


def charge(*, key: str) -> int:
    """Charge once per key; the same key again gets the first answer."""
    point(f"the provider charges under “{key}”", "provider")
    return charges.setdefault(key, len(charges) + 1)


def fresh_key() -> str:
    """A key that nobody has used."""
    return f"key {next(_numbers)}"


def forget() -> None:
    """Before each schedule."""
    global _numbers
    charges.clear()
    _numbers = count(1)  # the same keys again, or the next schedule would be another
