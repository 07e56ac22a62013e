"""One sentence on what kept a run right, made from the run: who waited, was refused, saw it."""

from collections.abc import Sequence

from races.explorer.schedule import KILL
from races.explorer.step import COMMIT, ROLLBACK, STATEMENT
from races.recording import events
from races.recording.events import answered, base, said
from races.recording.recorder import Seen


def find(seen: Sequence[Seen]) -> str:
    """What stood in the way of the fault; where nothing did, that each came after the other."""
    parts = list(filter(None, (_died(seen), _waited(seen) or _refused(seen))))
    if parts:
        return " ".join(parts)
    workers = list(dict.fromkeys(base(each.worker) for each in seen))
    if len(workers) > 1 and not _interleaved(seen):
        return f"Nobody came in between: {', then '.join(workers)}."
    return "What each did lets the other's work stand."


def _died(seen: Sequence[Seen]) -> str:
    for each in seen:
        if each.kind == KILL:
            undone = [
                change.seen for change in events.changes(seen)
                if change.seen.worker == each.worker and not change.shows
                and change.seen.row < each.row
            ]  # fmt: skip
            what = f", and with it went {said(undone[-1])}" if undone else ""
            return f"{each.worker} was killed at step {each.turn}{what}; its job came again."
    return ""


def _waited(seen: Sequence[Seen]) -> str:
    for each in seen:
        if not each.waits:
            continue
        after = [
            other for other in seen[each.row :]
            if other.worker == each.worker and not other.waits
        ]  # fmt: skip
        if not after:
            continue
        came = after[0]
        return (
            f"{each.worker} {each.note.replace('waits for', 'had to wait for')} from step "
            f"{each.turn} to step {came.turn}. {_then(came, seen)}"
        )
    return ""


def _then(came: Seen, seen: Sequence[Seen]) -> str:
    """What the one that had waited met."""
    if came.failed:
        error = came.result.partition(":")[0]
        return f"Then PostgreSQL refused its {said(came)} ({error})."
    if events.is_nothing(came):
        return f"Then its {said(came)} met no row any more, and it noticed."
    if came.text.startswith("SELECT") and came.result.startswith("→ "):
        return f"It looked only then, and saw what was true by then{answered(came)}."
    after = [each for each in seen[came.row :] if each.worker == came.worker]
    look = next((each for each in after if each.text.startswith("SELECT")), None)
    if look is not None:
        return f"It went on only then, and read at step {look.turn}{answered(look)}."
    return "It went on only then."


def _refused(seen: Sequence[Seen]) -> str:
    for each in seen:
        writes = each.text.startswith(("UPDATE", "INSERT", "DELETE"))
        if each.kind == STATEMENT and writes and not each.waits and events.is_nothing(each):
            return (
                f"The {said(each)} of {each.worker} at step {each.turn} met no row, and it noticed."
            )
        if each.failed and each.kind in (STATEMENT, COMMIT) and not each.waits:
            error = each.result.partition(":")[0]
            return (
                f"PostgreSQL refused the {said(each)} of {each.worker} at step {each.turn} "
                f"({error})."
            )
        skipped = "SKIP LOCKED" in each.text or "pg_try_advisory" in each.text
        if skipped and (events.is_nothing(each) or each.result.endswith("→ f")):
            return f"{each.worker} looked at step {each.turn} and found it taken: {said(each)}."
    return ""


def _interleaved(seen: Sequence[Seen]) -> bool:
    order = [base(each.worker) for each in seen if each.kind != ROLLBACK]
    turns = [
        worker for place, worker in enumerate(order) if place == 0 or order[place - 1] != worker
    ]
    return len(turns) > len(set(turns))
