"""What a run found, as one JSON document and in words."""

import os
import platform
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from chaos.checkers import Violation
from chaos.checkers.books import Harm
from chaos.injection import Injected
from chaos.journal import Answer
from chaos.recovery import of_fault, of_provider, percentile
from chaos.run import Outcome

OF_PROVIDERS = ("kill_provider", "provider_misbehaves")
MOST_SHOWN = 50  # violations in the document


def document(outcome: Outcome) -> dict[str, Any]:
    """`lost` and `doubled` count violations; each kind of fault has those that came after it."""
    blamed = [(violation, _blame(violation, outcome.injected)) for violation in outcome.violations]
    wish = outcome.wish
    return {
        "messages": outcome.messages,
        "faults": len(outcome.injected),
        "lost": _count(outcome.violations, Harm.LOST),
        "doubled": _count(outcome.violations, Harm.DOUBLED),
        "indeterminate": outcome.journal.count(Answer.INDETERMINATE),
        "kinds": _kinds(outcome, blamed),
        "asked": {"messages": wish.messages, "faults": wish.faults},
        "complete": outcome.messages >= wish.messages and len(outcome.injected) >= wish.faults,
        "day": f"{datetime.now(UTC):%-d %B %Y}",
        "seed": wish.seed,
        "seconds": round(outcome.seconds, 1),
        "settled_s": round(outcome.settled.seconds, 1),
        "longest_due_after_faults_s": round(outcome.settled.longest_due, 2),
        "requests": {str(answer): outcome.journal.count(answer) for answer in Answer},
        "sent": sum(request.sent for request in outcome.journal.requests),
        "live_checks": outcome.reads,
        "effects": outcome.facts,
        "load_average": [round(one, 2) for one in os.getloadavg()],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "violations": [
            {**vars(violation), "after": kind} for violation, kind in blamed[:MOST_SHOWN]
        ],
    }


def summary(found: dict[str, Any]) -> str:
    """The document in a few lines, for people."""
    lines = [
        f"{found['messages']:,} messages done, {found['faults']} faults of {len(found['kinds'])} "
        f"kinds in {found['seconds']:.0f} s: {found['lost']} lost, {found['doubled']} doubled. "
        f"{found['indeterminate']} requests stayed unanswered: all or nothing of each. "
        f"Longest due after the faults: {found['longest_due_after_faults_s']} s."
    ]
    if not found["complete"]:
        asked = found["asked"]
        lines.append(
            f"Not all was done: {asked['messages']:,} messages and {asked['faults']} faults were "
            "asked for. Time was up (--minutes), or a fault was not possible: see above."
        )
    lines += [
        f"  {one['harm']}: {one['check']}, {one['subject']}: {one['what']}"
        for one in found["violations"]
    ]
    return "\n".join(lines)


def _kinds(
    outcome: Outcome, blamed: list[tuple[Violation, tuple[str, ...]]]
) -> dict[str, dict[str, Any]]:
    of_kind = defaultdict(list)
    for fault in outcome.injected:
        of_kind[fault.kind].append(fault)
    return {
        kind: {
            "count": len(faults),
            "alone": sum(fault.alone for fault in faults),
            **{
                str(harm): sum(kind in kinds and one.harm is harm for one, kinds in blamed)
                for harm in Harm
            },
            **_recovery(faults, outcome),
        }
        for kind, faults in sorted(of_kind.items())
    }


def _recovery(faults: list[Injected], outcome: Outcome) -> dict[str, float | None]:
    """Percentiles are of those that came alone: in company one would measure the other, too.

    Where none came alone, of all. `recovery_max_s` is the worst of all, in company or not. None
    where nothing can tell: no probe was open, and none came.
    """
    alone = _seconds([fault for fault in faults if fault.alone], outcome)
    every = _seconds(faults, outcome)
    told = alone or every
    return {
        "recovery_p50_s": round(percentile(told, 0.5), 2) if told else None,
        "recovery_p99_s": round(percentile(told, 0.99), 2) if told else None,
        "recovery_alone_max_s": round(max(told), 2) if told else None,
        "recovery_max_s": round(max(every), 2) if every else None,
    }


def _seconds(faults: list[Injected], outcome: Outcome) -> list[float]:
    found = (
        of_provider(fault.at, outcome.asking)
        if fault.kind in OF_PROVIDERS
        else of_fault(fault.at, outcome.probes)
        for fault in faults
    )
    return [one for one in found if one is not None]


def _blame(violation: Violation, injected: list[Injected]) -> tuple[str, ...]:
    """The last fault (or pair) before the request, or within two seconds after it; else nobody."""
    if violation.at is None:
        return ()
    before = [fault for fault in injected if fault.at <= violation.at + 2]
    if not before:
        return ()
    last = before[-1]
    others = [fault for fault in before if last.pair and fault.pair and last.at - fault.at < 0.5]
    return tuple({fault.kind for fault in (last, *others)})


def _count(violations: list[Violation], harm: Harm) -> int:
    return sum(violation.harm is harm for violation in violations)
