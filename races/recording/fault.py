"""One sentence on what went wrong, made from the run.

Each function below knows one way in which code goes wrong, looks for it in the moments of a run
that broke its claim, and tells it with the run's own statements and answers. The first that finds
something is believed; they stand from the most to the least certain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from races.explorer.schedule import KILL
from races.recording import events
from races.recording.events import answered, base, said
from races.recording.recorder import Seen


@dataclass(frozen=True)
class Fault:
    """Where it went wrong (a turn), and how."""

    turn: int
    sentence: str


@dataclass(frozen=True)
class Broken:
    """A run that broke its claim."""

    seen: Sequence[Seen]
    stuck: Sequence[str] = ()
    outside: Sequence[str] = ()  # acts of the environment, by the worker's name


Way = Callable[[Broken], Fault | None]


def find(broken: Broken) -> Fault:
    """The first way that fits."""
    ways: list[Way] = [
        deadlock, waits_for_ever, lost_reply, killed, overwritten, acted_on_the_past, skewed,
        not_looked_at_again, done_twice, refused,
    ]  # fmt: skip
    for way in ways:
        if found := way(broken):
            return found
    last = broken.seen[-1]
    return Fault(last.turn, f"It shows at step {last.turn}, with {last.worker}'s {said(last)}.")


def deadlock(broken: Broken) -> Fault | None:
    """Each holds what the other wants."""
    for each in broken.seen:
        if each.result.startswith("DeadlockDetected"):
            waiting = [other for other in broken.seen if other.waits and other.row < each.row]
            other = waiting[-1] if waiting else each
            return Fault(
                each.turn,
                f"{other.worker} holds a row and waits for {each.worker} since step {other.turn}; "
                f"at step {each.turn} {each.worker}, which holds that one, wants the row that "
                f"{other.worker} has. Nobody can go on, and PostgreSQL ends {each.worker}: "
                "deadlock detected.",
            )
    return None


def waits_for_ever(broken: Broken) -> Fault | None:
    """The holder has ended and gave nothing back."""
    for each in reversed(broken.seen):
        if each.waits and each.worker in broken.stuck:
            return Fault(
                each.turn,
                f"{each.worker} {each.note} since step {each.turn}, and for ever: the holder has "
                "ended and its lock is still there.",
            )
    return None


def lost_reply(broken: Broken) -> Fault | None:
    """A commit was made and its reply got lost; whoever asked again did it again."""
    for each in broken.seen:
        if each.note.startswith("done, but the reply"):
            later = [change for change in events.changes(broken.seen) if change.seen.row > each.row]
            if later:
                again = later[-1].seen
                return Fault(
                    again.turn,
                    f"{each.worker}'s {said(each)} at step {each.turn} was carried out; only its "
                    f"reply was lost. Taken for a failure, it was tried again, and "
                    f"{said(again)} at step {again.turn} did it a second time.",
                )
    return None


def killed(broken: Broken) -> Fault | None:
    """A process died between two things that belong together."""
    for death in broken.seen:
        if death.kind == KILL:
            return _after_death(broken, death)
    return None


def _after_death(broken: Broken, death: Seen) -> Fault:
    next_one = death.note.removeprefix("killed before: ")
    mine = [
        each for each in _effects(broken) if each.worker == death.worker and each.row < death.row
    ]
    for effect in _effects(broken):
        before = [each for each in mine if _same(each, effect)]
        if effect.row > death.row and before:
            return Fault(
                effect.turn,
                f"{death.worker} was killed at step {death.turn}: its {said(before[0])} "
                f"(step {before[0].turn}) was done, and nothing said so yet. At step {effect.turn} "
                f"{effect.worker} did {said(effect)} again.",
            )
    kept = f"What it had done by then, {said(mine[-1])} (step {mine[-1].turn}), stays; " if mine \
        else "What it had begun is undone; "  # fmt: skip
    return Fault(
        death.turn,
        f"{death.worker} was killed at step {death.turn}, just before “{_cut(next_one)}”. {kept}"
        "nobody made up for the rest.",
    )


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
                        f"before {other.seen.worker}'s {said(other.seen)} "
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
                    f"{change.seen.worker}'s {said(change.seen)} (step {change.seen.turn}) was "
                    f"committed at step {_turn(broken, change)} only. {look.worker} had looked at "
                    f"step {look.turn}{answered(look)} and never looks there again.",
                )
    return None


def done_twice(broken: Broken) -> Fault | None:
    """The same effect twice, and nothing that could tell."""
    effects = _effects(broken)
    for place, second in enumerate(effects):
        for first in effects[:place]:
            if first.worker != second.worker and _same(first, second):
                return Fault(
                    second.turn,
                    f"{first.worker} did {said(first)} at step {first.turn}, and "
                    f"{second.worker} did the same at step {second.turn}: nothing told it that "
                    "this was done.",
                )
    return None


def refused(broken: Broken) -> Fault | None:
    """A statement failed."""
    for each in broken.seen:
        if each.failed:
            return Fault(
                each.turn,
                f"{each.worker}'s {said(each)} failed at step {each.turn}: {each.result}.",
            )
    return None


def _effects(broken: Broken) -> list[Seen]:
    """Changes that everybody could see in the end, and calls of the outside."""
    kept = [change.seen for change in events.changes(broken.seen) if change.shows]
    found = kept + [each for each in events.calls(broken.seen) if "redis:" not in each.text]
    return sorted(found, key=lambda each: each.row)


def _same(one: Seen, other: Seen) -> bool:
    """The same statement, whatever its values."""
    return one.kind == other.kind and one.text.split()[:3] == other.text.split()[:3]


def _turn(broken: Broken, change: events.Change) -> int:
    return broken.seen[change.shows - 1].turn


def _cut(text: str) -> str:
    return text if len(text) <= 70 else text[:69].rstrip() + "…"
