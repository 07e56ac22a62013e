"""How long a fault was felt.

A fault's recovery is the time from the fault until every probe that was open then, or was placed
within a second after it, has had its effect committed. So it is not the time until *something*
works again, but until nothing is late any more; and for a fault that lasts it counts from its
beginning.

No probe asks a provider. What a provider's fault holds up are the texts and the steps of orders
that were under way then, or began within a second: until they had ended.
"""

from collections.abc import Sequence

from chaos.journal import Answer, Request
from chaos.probes import PROBES, Probes

FELT_BY = 1.0  # seconds after a fault: probes placed until then are counted


def of_fault(at: float, probes: Probes) -> float | None:
    """Seconds; None where no probe can tell."""
    ends = []
    for probe in probes.journal.of(*PROBES):
        if probe.placed_at > at + FELT_BY:
            continue
        end = _felt_until(probe, probes)
        if end is not None and end >= at:
            ends.append(end - at)
    return max(ends, default=None)


def of_provider(at: float, asking: Sequence[tuple[float, float]]) -> float:
    """Seconds; 0 where nobody asked one. `asking`: when each asked first, and when it had ended."""
    felt = (end - at for begun, end in asking if begun <= at + FELT_BY and end >= at)
    return max(felt, default=0.0)


def _felt_until(probe: Request, probes: Probes) -> float | None:
    """When it had its effect; of one that was given up nobody knows, but it was felt until then."""
    if probe.answer is Answer.INDETERMINATE:
        return probe.answered_at
    return probes.finished.get(probe.id)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]
