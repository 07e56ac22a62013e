"""What a run found, as one JSON document and in words."""

import os
import platform
from collections import defaultdict
from typing import Any

from chaos.checkers import Violation
from chaos.checkers.books import Harm
from chaos.injection import Injected
from chaos.journal import Answer
from chaos.recovery import of_fault, percentile
from chaos.run import Outcome

MOST_SHOWN = 50  # violations in the document


def document(outcome: Outcome) -> dict[str, Any]:
    """`lost` and `doubled` count violations; each kind of fault has those that came after it."""
    blamed = [(violation, _blame(violation, outcome.injected)) for violation in outcome.violations]
    return {
        "messages": outcome.messages,
        "faults": len(outcome.injected),
        "lost": _count(outcome.violations, Harm.LOST),
        "doubled": _count(outcome.violations, Harm.DOUBLED),
        "indeterminate": outcome.journal.count(Answer.INDETERMINATE),
        "kinds": _kinds(outcome, blamed),
        "seed": outcome.wish.seed,
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
    lines += [
        f"  {one['harm']}: {one['check']}, {one['subject']}: {one['what']}"
        for one in found["violations"]
    ]
    return "\n".join(lines)


def _kinds(
    outcome: Outcome, blamed: list[tuple[Violation, tuple[str, ...]]]
) -> dict[str, dict[str, Any]]:
    recoveries = defaultdict(list)
    for fault in outcome.injected:
        recoveries[fault.kind].append(of_fault(fault.at, outcome.probes))
    return {
        kind: {
            "count": len(seconds),
            **{
                str(harm): sum(kind in kinds and one.harm is harm for one, kinds in blamed)
                for harm in Harm
            },
            **_recovery([one for one in seconds if one is not None]),
        }
        for kind, seconds in sorted(recoveries.items())
    }


def _recovery(seconds: list[float]) -> dict[str, float | None]:
    if not seconds:
        return {"recovery_p50_s": None, "recovery_p99_s": None, "recovery_max_s": None}
    return {
        "recovery_p50_s": round(percentile(seconds, 0.5), 2),
        "recovery_p99_s": round(percentile(seconds, 0.99), 2),
        "recovery_max_s": round(max(seconds), 2),
    }


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
