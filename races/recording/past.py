"""Ways in which one acts on the past: what was read is no longer so, and nobody looked again."""

from races.recording import events
from races.recording.events import Broken, Fault, answered, base, said
from races.recording.recorder import Seen


def passed_over(broken: Broken) -> Fault | None:
    """A row came before another and was seen after it; who reads on from the last misses it."""
    rows = [
        change for change in events.changes(broken.seen) if change.seen.text.startswith("INSERT")
    ]
    for late in rows:
        for early in rows:
            if not (early.shows and early.tables & late.tables):
                continue
            crossed = late.seen.row < early.seen.row and early.shows < late.shows
            looks = [
                look for look, table in events.reads(broken.seen)
                if crossed and table in late.tables and early.shows < look.row < late.shows
            ]  # fmt: skip
            if looks:
                return Fault(
                    looks[-1].turn,
                    f"{late.seen.worker} wrote its row first (step {late.seen.turn}) and committed "
                    f"it last (step {_turn(broken, late)}). {looks[-1].worker} looked in between, "
                    f"at step {looks[-1].turn}, saw the later row of {early.seen.worker} and went "
                    "on from there: the earlier one is passed over for good.",
                )
    return None


def overwritten(broken: Broken) -> Fault | None:
    """Read, changed by another meanwhile, and written from what had been read."""
    return _stale(broken, same_table=True)


def acted_on_the_past(broken: Broken) -> Fault | None:
    """Read, changed by another meanwhile, and acted upon as if it had not been."""
    return _stale(broken, same_table=False)


def _stale(broken: Broken, *, same_table: bool) -> Fault | None:
    made = events.changes(broken.seen)
    for act in made:
        for look, table in reversed(list(events.reads(broken.seen))):
            if look.worker != act.seen.worker or look.row > act.seen.row:
                continue
            if (table in act.tables) != same_table:
                continue
            between = [
                other for other in made
                if base(other.seen.worker) != base(look.worker) and table in other.tables
                and look.row < other.shows < act.seen.row
            ]  # fmt: skip
            if between:
                return Fault(act.seen.turn, _tell_stale(broken, look, table, between[-1], act))
    return None


def _tell_stale(
    broken: Broken, look: Seen, table: str, other: events.Change, act: events.Change
) -> str:
    outside = "".join(
        f"At step {each.turn} the world outside struck: {said(each)}. "
        for each in broken.seen
        if each.worker in broken.outside
    )
    shown = "" if other.shows == other.seen.row else f" (committed at step {_turn(broken, other)})"
    return (
        f"{outside}{look.worker} read {table} at step {look.turn}{answered(look, other.seen)}. "
        f"{other.seen.worker} changed that at step {other.seen.turn}: {said(other.seen, look)}"
        f"{shown}. {look.worker} knew nothing of it, and at step {act.seen.turn} it did what it "
        f"had worked out from step {look.turn}: {said(act.seen, look)}."
    )


def skewed(broken: Broken) -> Fault | None:
    """Each read what the other was about to change, and neither saw it."""
    made = events.changes(broken.seen)
    for act in reversed(made):
        for look, table in events.reads(broken.seen):
            if look.worker != act.seen.worker or look.row > act.seen.row:
                continue
            for other in made:
                strangers = base(other.seen.worker) != base(look.worker)
                if strangers and table in other.tables and look.row < other.shows:
                    return Fault(
                        act.seen.turn,
                        f"{look.worker} looked at {table} at step {look.turn}{answered(look)}, "
                        f"before the {said(other.seen)} of {other.seen.worker} "
                        f"(step {other.seen.turn}) could be seen. What it then did at step "
                        f"{act.seen.turn}, {said(act.seen)}, was decided without it.",
                    )
    return None


def not_looked_at_again(broken: Broken) -> Fault | None:
    """It became visible only after everybody who might have seen it had looked."""
    for change in events.changes(broken.seen):
        for look, table in events.reads(broken.seen):
            late = change.seen.row < look.row < change.shows
            if late and table in change.tables and look.worker != change.seen.worker:
                return Fault(
                    look.turn,
                    f"The {said(change.seen)} of {change.seen.worker} (step {change.seen.turn}) "
                    f"was committed at step {_turn(broken, change)} only. {look.worker} had looked "
                    f"at step {look.turn}{answered(look)} and never looks there again.",
                )
    return None


def _turn(broken: Broken, change: events.Change) -> int:
    return broken.seen[change.shows - 1].turn
