"""`python -m benchmarks`: what `make bench` runs. It brings its own servers, and removes them."""

import argparse
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

from benchmarks import report, results
from benchmarks.progress import say
from benchmarks.servers import Servers, throwaway
from benchmarks.sizes import SIZES

HERE = Path(__file__).parent
QUICK_PARTS = ("drain", "latency", "enqueue", "growth")


def main() -> int:
    """Run what the command line asks for; write results.json and README.md after each part.

    Returns 1 where a part has failed; the others are measured all the same.
    """
    options = _options()
    # A frozen process hears no polite signal: whoever ends us, we end the crews ourselves.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, failed = time.monotonic(), list[str]()
    with throwaway() as servers:
        _set_up(servers)
        from benchmarks.run import PARTS, Bench

        size = SIZES[options.size]
        size = replace(size, with_peers=True) if options.peers else size
        bench = Bench(servers, size, set(filter(None, options.only.split(","))))
        for name in filter(None, options.parts.split(",")) if options.parts else _usual(options):
            try:
                results.write(options.out / "results.json", name, PARTS[name], bench, options.size)
                report.write(options.out)
            except Exception:  # the parts after it have tables and crews of their own
                failed.append(name)
                say(f"{name} failed:\n{traceback.format_exc()}")
    say(f"{time.monotonic() - began:.0f} s; see {options.out / 'README.md'}")
    if failed:
        say(f"failed, so that earlier figures of it stand: {', '.join(failed)}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--parts", default="", help="separated by commas; the others are kept")
    parser.add_argument("--only", default="", help="names of contenders, separated by commas")
    parser.add_argument("--peers", action="store_true", help="with peers, whatever the size")
    parser.add_argument("--out", type=Path, default=HERE, help="where the results are written")
    return parser.parse_args()


def _usual(options: argparse.Namespace) -> tuple[str, ...]:
    from benchmarks.run import PARTS

    return tuple(PARTS) if options.size == "full" else QUICK_PARTS


def _set_up(servers: Servers) -> None:
    """Django on these servers, and the tables."""
    os.environ.update(servers.environment())
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", "outbox", verbosity=0)
    from benchmarks.ledger import Ledger

    Ledger(servers.database_url).create()


if __name__ == "__main__":
    sys.exit(main())
