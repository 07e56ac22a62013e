"""How much of everything a run does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """Rounds are turns of everybody; a result is the median of its rounds."""

    rounds: int
    scale: float  # times the jobs of each contender: 1 for some four seconds
    latency_seconds: float
    latency_rounds: int
    enqueues: int
    finished: list[int]  # numbers of finished rows beside which claims are timed
    drained: int  # beside an open transaction
    pruned: int
    backlogs: dict[str, int]
    batches: int  # of 500, whose statements are profiled
    with_peers: bool = False

    def jobs(self, usual: int) -> int:
        """The jobs of one run, of a contender that did so many in some four seconds."""
        return max(100, int(usual * self.scale))


QUICK = Size(
    rounds=3,
    scale=0.2,
    latency_seconds=3,
    latency_rounds=2,
    enqueues=100,
    finished=[0, 50_000],
    drained=10_000,
    pruned=100_000,
    backlogs={"small": 10_000, "large": 100_000},
    batches=100,
)
"""Three minutes in all."""

FULL = Size(
    rounds=5,
    scale=1.0,
    latency_seconds=20,
    latency_rounds=3,
    enqueues=500,
    finished=[0, 1_000_000, 10_000_000],
    drained=300_000,
    pruned=500_000,
    backlogs={"small": 10_000, "large": 1_000_000},
    batches=400,
    with_peers=True,
)

TINY = Size(
    rounds=1,
    scale=0.02,
    latency_seconds=1,
    latency_rounds=1,
    enqueues=10,
    finished=[0, 1_000],
    drained=2_000,
    pruned=4_000,
    backlogs={"small": 2_000, "large": 4_000},
    batches=10,
)
"""For the harness's own tests: its figures mean nothing."""

SIZES = {"quick": QUICK, "full": FULL, "tiny": TINY}
