"""A saga under way as a drawing: the way forward above, the way back below, the pivot between."""

from dataclasses import dataclass
from datetime import datetime

from orders import saga
from orders.models import SagaRun, SagaStep

WIDTH, HEIGHT, GAP, TOP, BACK = 148, 62, 30, 22, 122
"""A box, the room between two, and where the two rows begin; in the drawing's own units."""

SAID = {
    "waiting": "waiting",
    "not_reached": "not reached",
    "calling": "calling",
    "retrying": "tried again",
    "done": "done",
    "refused": "refused",
    "in_doubt": "in doubt",
    "giving_up": "given up",
    "needs_person": "needs a person",
    "to_undo": "to be undone",
    "undoing": "undoing",
    "undone": "undone",
}


@dataclass(frozen=True)
class Box:
    """One step, or its compensation."""

    x: int
    y: int
    title: str
    status: str
    said: str
    tries: str
    at: datetime | None
    pivot: bool = False

    @property
    def middle(self) -> int:
        """The height at which arrows meet the box."""
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        """Where the arrow to the next box begins."""
        return self.x + WIDTH

    @property
    def centre(self) -> int:
        """The middle of the box, from the left."""
        return self.x + WIDTH // 2


@dataclass(frozen=True)
class Picture:
    """All boxes of one run, and how large they are together."""

    name: str
    state: str
    said: str
    reason: str
    forward: list[Box]
    back: list[Box]
    width: int
    height: int
    sentence: str


def of(run: SagaRun) -> Picture:
    """The run as it stands."""
    table = saga.of(run)
    steps = {step.name: step for step in run.steps.all()}
    forward = [_forward(place, line, steps[line.name]) for place, line in enumerate(table.steps)]
    back = [
        _back(place, line, steps[line.name])
        for place, line in enumerate(table.steps)
        if line.undo is not None
    ]
    return Picture(
        name=run.saga,
        state=run.state,
        said=run.get_state_display(),
        reason="" if run.saga == "order" else run.reason,  # the order's own says it at the top
        forward=forward,
        back=back,
        width=len(forward) * (WIDTH + GAP) - GAP + 4,
        height=(BACK if back else TOP) + HEIGHT + 8,
        sentence="; ".join(f"{box.title}: {box.said}" for box in forward + _begun(back)),
    )


def _forward(place: int, line: saga.Step, step: SagaStep) -> Box:
    status = "done" if step.backwards else step.status
    if status == "waiting" and _has_turned(step.run):
        status = "not_reached"
    if step.backwards and step.maybe:
        status = "in_doubt"
    at = None if step.backwards else step.finished_at or step.started_at
    tries = _tries(step.attempts, 0 if step.backwards else step.forgiven)
    return Box(_x(place), TOP, _title(line), status, SAID[status], tries, at, pivot=line.pivot)


def _back(place: int, line: saga.Step, step: SagaStep) -> Box:
    status = step.status if step.backwards else "unused"
    if status == "unused" and _has_turned(step.run) and step.may_have_happened:
        status = "to_undo"
    at = step.finished_at if step.backwards else None
    said = SAID.get(status, "not needed")
    tries = _tries(step.undo_attempts, step.forgiven if step.backwards else 0)
    return Box(_x(place), BACK, f"undo {_title(line)}", status, said, tries, at)


def _has_turned(run: SagaRun) -> bool:
    """Whether it goes back, has gone back, or stopped on its way back."""
    turned = (SagaRun.State.COMPENSATING, SagaRun.State.COMPENSATED)
    return run.state in turned or any(step.backwards for step in run.steps.all())


def _tries(attempts: int, forgiven: int) -> str:
    """How often it was tried; once a person has had it tried again, how often since."""
    if forgiven:
        return f"{forgiven} + {attempts - forgiven} attempts"
    return f"{attempts} attempt{'s' * (attempts != 1)}" if attempts else ""


def _begun(boxes: list[Box]) -> list[Box]:
    return [box for box in boxes if box.status != "unused"]


def _x(place: int) -> int:
    return 2 + place * (WIDTH + GAP)


def _title(line: saga.Step) -> str:
    return line.name.replace("_", " ")
