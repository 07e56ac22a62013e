"""What a worker's death leaves behind: often nothing, and then little is left to explore.

A process that dies in a transaction leaves the state as it was before that transaction, unless
another worker has noticed it meanwhile (waited for it, skipped its rows). If everything that it did
since its last trace commutes with what the others did since, its death is the same as one right
after that trace, or, where it had left none, as its not having begun. Those are explored anyway;
here one continuation is run and the others are known.
"""

from .dependency import Footprint, independent


class Traces:
    """What each worker of a run did since it last left a trace."""

    def __init__(self) -> None:
        self._done: list[tuple[str, Footprint]] = []
        self._since: dict[str, int] = {}  # worker -> index of its first step after its last trace

    def note(self, worker: str, touched: Footprint) -> None:
        """One step was made."""
        self._done.append((worker, touched))
        if _leaves_a_trace(touched):
            self._since.pop(worker, None)
        else:
            self._since.setdefault(worker, len(self._done) - 1)

    def vanishes(self, worker: str) -> bool:
        """True where nobody could tell what it did since its last trace, should it die now."""
        if worker not in self._since:
            return False
        steps = self._done[self._since[worker] :]
        own = [touched for name, touched in steps if name == worker]
        others = [touched for name, touched in steps if name != worker]
        return all(independent(mine, theirs) for mine in own for theirs in others)


def _leaves_a_trace(touched: Footprint) -> bool:
    return bool(
        touched.keys
        or touched.everything
        or touched.strict
        or (touched.commits and touched.changed)
    )
