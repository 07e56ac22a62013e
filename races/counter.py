"""A counter in Redis, for limits that are kept by INCR. Each command is a step of the schedule."""

from races import lab

_CALLS = "races:calls"


def rise() -> int:
    """One more; how many that makes."""
    return int(lab.redis().incr(_CALLS))


def fall() -> None:
    """One less."""
    lab.redis().decr(_CALLS)


def value() -> int:
    """How many there are."""
    return int(lab.redis().get(_CALLS) or 0)


def expire_in_a_minute() -> None:
    """Let the counter's window end by itself."""
    lab.redis().expire(_CALLS, 60)


def ends() -> bool:
    """Whether the counter's window ends by itself."""
    return int(lab.redis().ttl(_CALLS)) > 0


def forget() -> None:
    """Before each schedule."""
    lab.redis().delete(_CALLS)
