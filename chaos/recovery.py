"""How long a fault was felt.

A fault's recovery is the time from the fault until every probe that was open then, or was placed
within a second after it, has had its effect committed. So it is not the time until *something*
works again, but until nothing is late any more; and for a fault that lasts it counts from its
beginning.
"""

from collections.abc import Sequence

from chaos.journal import Answer
from chaos.probes import PROBES, Probes

FELT_BY = 1.0  # seconds after a fault: probes placed until then are counted


def of_fault(at: float, probes: Probes) -> float | None:
    """Seconds; None where no probe can tell (all were given up by their clients)."""
    ends = []
    for probe in probes.journal.of(*PROBES):
        if probe.placed_at > at + FELT_BY or probe.answer is not Answer.ACCEPTED:
            continue
        end = probes.finished.get(probe.id)
        if end is not None and end >= at:
            ends.append(end - at)
    return max(ends, default=None)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]
