"""Finds the run that an address names; where there is none, says why, and what there is."""

from dataclasses import dataclass

from races.explorer import ScheduleDoesNotFit, schedule
from races.recording.data import Form, Recording, Run

LONGEST = 600
"""Characters of a schedule; no run of ours comes near."""


class NotRecorded(LookupError):
    """No recorded run fits; the message says where the schedule leaves them.

    ``possible``: it could happen, and was merely not recorded.
    """

    def __init__(self, message: str, *, possible: bool = False) -> None:
        super().__init__(message)
        self.possible = possible


def normal(text: str) -> str:
    """The schedule as it is written here; raises ScheduleDoesNotFit for words that are none."""
    if len(text) > LONGEST:
        raise ScheduleDoesNotFit(f"A schedule has at most {LONGEST} characters here.")
    return schedule.format(schedule.parse(text))


def default(form: Form, recording: Recording) -> Run:
    """What to show first: the simplest run that breaks it, or one that breaks the others."""
    broken = [run for run in form.runs if not run.holds and run in form.own()]
    naive = next(
        (run.wanted for each in recording.forms for run in each.own() if not run.holds), ""
    )
    return next(iter(broken), None) or form.find(naive) or form.runs[0]


def find(form: Form, wanted: str) -> Run:
    """The run of this schedule; raises NotRecorded, or ScheduleDoesNotFit."""
    text = normal(wanted)
    found = form.find(text)
    if found is None:
        raise _not_recorded(form, text)
    return found


@dataclass
class _Parting:
    """Where a schedule leaves what is known: after so many choices, with these open."""

    made: int = 0
    could: str = ""
    standing: str = ""


def _not_recorded(form: Form, text: str) -> NotRecorded:
    choices = [str(choice) for choice in schedule.parse(text)]
    parting = _parting(form, choices)
    so_far = schedule.format(schedule.parse(" ".join(choices[: parting.made]))) or "the start"
    if parting.made >= len(choices):
        return NotRecorded(
            f"{text} is the beginning of recorded schedules, and none of them itself.",
            possible=True,
        )
    choice = choices[parting.made]
    where = f"at its step {parting.made + 1}, {choice}, after {so_far}"
    if choice in parting.could.split():
        return NotRecorded(
            f"{where[:1].upper()}{where[1:]} it goes where no recorded run goes. It can happen; "
            "it was not recorded.",
            possible=True,
        )
    return NotRecorded(
        f"The schedule leaves the tree {where}. What can happen there: "
        f"{parting.could or 'nothing, all have ended'}. It may come from an older version of the "
        f"code. {parting.standing}".strip()
    )


def _parting(form: Form, choices: list[str]) -> _Parting:
    """The recorded run that goes along with the schedule for longest."""
    best = _Parting()
    for run in form.own():
        made = 0
        for turn, choice in zip(run.turns, choices, strict=False):
            if turn.choice != choice:
                break
            made += 1
        if not best.could or made > best.made:
            best = _Parting(made, _could(run, made), _standing(run, made))
    return best


def _could(run: Run, made: int) -> str:
    return run.turns[made].could if made < len(run.turns) else ""


def _standing(run: Run, made: int) -> str:
    """Where the one whose turn it was in the recording stood."""
    if made >= len(run.turns) or not run.turns[made].moments:
        return ""
    moment = run.turns[made].moments[0]
    return f"There, {moment.worker} is at: {moment.text}"
