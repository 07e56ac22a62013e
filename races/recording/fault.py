"""One sentence on what went wrong, made from the run.

Each function below knows one way in which code goes wrong, looks for it in the moments of a run
that broke its claim, and tells it with the run's own statements and answers. The first that finds
something is believed; they stand from the most to the least certain.
"""

from collections.abc import Callable

from races.explorer.schedule import KILL
from races.recording import events, past
from races.recording.events import Broken, Fault, base, said
from races.recording.recorder import Seen

Way = Callable[[Broken], Fault | None]


def find(broken: Broken) -> Fault:
    """The first way that fits."""
    ways: list[Way] = [
        deadlock, waits_for_ever, lost_reply, killed, past.passed_over, past.overwritten,
        past.acted_on_the_past, past.skewed, past.not_looked_at_again, struck, done_twice, refused,
    ]  # fmt: skip
    for way in ways:
        if found := way(broken):
            return found
    last = broken.seen[-1]
    return Fault(last.turn, f"It shows at step {last.turn}, when {last.worker} did {said(last)}.")


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
                    f"The {said(each)} of {each.worker} at step {each.turn} was carried out; only "
                    "its reply was lost. Taken for a failure, it was tried again, and "
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
                f"{death.worker} was killed at step {death.turn}. One thing was done by then, at "
                f"step {before[0].turn} ({said(before[0])}), and nothing said so yet. So "
                f"{effect.worker} did it again at step {effect.turn} ({said(effect)}).",
            )
    if not mine:
        kept = "What it had begun is undone, and nobody did it instead."
    else:
        kept = (
            f"What it had done by then stays, {said(mine[-1])} (step {mine[-1].turn}), and makes "
            "the rest look done as well: nobody made up for it."
        )
    return Fault(
        death.turn,
        f"{death.worker} was killed at step {death.turn}, just before “{_cut(next_one)}”. {kept}",
    )


def struck(broken: Broken) -> Fault | None:
    """The world outside took something from a worker that went on as if it had it."""
    for blow in broken.seen:
        if blow.worker not in broken.outside:
            continue
        before = {each.worker for each in broken.seen[: blow.row - 1]}
        for each in broken.seen[blow.row :]:
            others = [
                other for other in broken.seen[blow.row : each.row - 1]
                if base(other.worker) != base(each.worker)
            ]  # fmt: skip
            if each.worker in before and others and _acts(each):
                return Fault(
                    each.turn,
                    f"At step {blow.turn} the world outside struck ({said(blow)}) while "
                    f"{each.worker} was at work; {others[0].worker} came in at step "
                    f"{others[0].turn}. {each.worker} was told nothing, and went on at step "
                    f"{each.turn}: {said(each)}.",
                )
    return None


def _acts(each: Seen) -> bool:
    return not each.text.startswith(("SELECT", "redis: GET ", "COMMIT"))


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
                f"The {said(each)} of {each.worker} failed at step {each.turn}: {each.result}.",
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


def _cut(text: str) -> str:
    return text if len(text) <= 70 else text[:69].rstrip() + "…"
