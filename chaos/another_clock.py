"""`python -m chaos.another_clock HOURS`: a worker whose Python clock is so many hours off.

Only time itself is false: monotonic clocks, time-outs and the database's clock are as they are.
"""

import datetime
import sys


def main() -> None:
    """Begin to travel, then be a worker."""
    import time_machine

    there = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=float(sys.argv[1]))
    time_machine.travel(there, tick=True).start()
    flags = ("--without-gossip", "--without-mingle", "-l", "INFO", "-n", "worker-clock@%h")
    size = ("-Q", "critical,default", "--pool", "threads", "-c", "2")
    sys.argv = ["celery", "-A", "config", "--skip-checks", "--quiet", "worker", *flags, *size]
    from celery.__main__ import main as celery

    celery()


if __name__ == "__main__":
    main()
