"""What jobs wait for processors that are busy: Erlang's C formula, for any number of them."""

from math import factorial, inf, log


def late_wait(rate: float, seconds: float, servers: int, share: float = 0.99) -> float:
    """Seconds within which so large a share of jobs is begun with, in a queue M/M/c.

    Jobs come at random moments, `rate` a second, and keep one of the servers for so many seconds
    on average, exponentially distributed; both are above 0. Infinite where they come faster than
    they can be done.
    """
    offered = rate * seconds
    if offered >= servers:
        return inf
    all_busy = offered**servers / factorial(servers) / (1 - offered / servers)
    waits = all_busy / (sum(offered**n / factorial(n) for n in range(servers)) + all_busy)
    return max(0.0, log(waits / (1 - share)) / (servers / seconds - rate))
