"""`python -m benchmarks.credits`: what `python -m benchmarks --parts credits` runs, as JSON.

It brings its own servers, and removes them.
"""

import argparse
import json
import os
import signal
import sys

from benchmarks.progress import say
from benchmarks.servers import throwaway


def main() -> int:
    """Measure; the last line is the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.credits", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual texts of a run")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with throwaway() as servers:
        os.environ.update(servers.environment())
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.credits.settings"
        os.environ["TEXTS_PER_SECOND"] = "1000000"  # the provider's rate is not measured here
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from benchmarks.credits import race

        texts = max(100, int(race.TEXTS * options.scale))
        found = race.measure(servers, rounds=options.rounds, texts=texts)
    say(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
