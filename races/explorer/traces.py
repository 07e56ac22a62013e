"""What a worker's death leaves behind: often nothing, and then little is left to explore.

A process that dies in a transaction undoes what it did there. So if its last step left no trace
(committed nothing, called nobody) and commutes with all that the others did since, then to die
after that step and to die before it come to the same state. (Steps that nobody can notice are
passed over: the last step is the last that somebody could.) The death before it is explored with
every continuation; of the death after it one continuation is run, and the others are known. The
row of deaths that this leads back along ends before the first step: there a job that comes again
has only begun later, which is explored anyway, and one that never does is killed (see faults).
A number that was drawn from a sequence is a trace: no rollback gives it back.
"""

from .dependency import Footprint, independent


class Traces:
    """The steps of a run, as far as they tell whether a death makes a difference."""

    def __init__(self) -> None:
        self._done: list[tuple[str, Footprint]] = []

    def note(self, worker: str, touched: Footprint) -> None:
        """One step was made."""
        self._done.append((worker, touched))

    def vanishes(self, worker: str) -> bool:
        """True where to die now is the same as to have died before one's last step.

        What nobody can notice does not count as one: it was made at once, so that the death before
        it was not explored with every continuation. Of such steps alone nothing is left.
        """
        since: list[Footprint] = []
        begun = False
        for name, touched in reversed(self._done):
            if name == worker and not touched.is_empty:
                return not _leaves_a_trace(touched) and all(
                    independent(touched, other) for other in since
                )
            begun = begun or name == worker
            since.append(touched)
        return begun


def _leaves_a_trace(touched: Footprint) -> bool:
    return bool(
        touched.keys
        or touched.everything
        or touched.strict
        or (touched.commits and touched.changed)
    )
