"""`python -m benchmarks.peers.python.feed FILE`: lay the jobs of FILE for the peer PEER."""

import json
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

PER_TRANSACTION = 1_000


def main(file: str) -> None:
    """All jobs, in business transactions of 1,000."""
    with suppress(ImportError):  # DBOS lives without it
        import django

        django.setup()
    peer = import_module(f"benchmarks.peers.python.with_{os.environ['PEER']}")
    jobs = json.loads(Path(file).read_text(encoding="utf-8"))
    for start in range(0, len(jobs), PER_TRANSACTION):
        peer.feed(jobs[start : start + PER_TRANSACTION])


if __name__ == "__main__":
    main(sys.argv[1])
