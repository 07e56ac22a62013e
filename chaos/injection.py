"""Carrying out the plan: inject, wait until that is not felt any more, go on."""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import kombu.exceptions
import redis

from chaos.faults import FAULTS, Lasting, Site
from chaos.observer import OutOfSight
from chaos.probes import Probes
from chaos.recovery import FELT_BY

LONGEST_WAIT = 40.0  # seconds for a recovery, before the next fault comes all the same
PAUSE = (0.2, 0.9)  # seconds of quiet after a recovery
MOST_LASTING = 3  # faults that may be on at once
MOST_PUT_BACK = 3  # times in a row that a kind, not being possible, is put at the end of the plan
NOTHING_TO_HARM = (
    LookupError,
    OSError,
    OutOfSight,
    redis.RedisError,
    kombu.exceptions.OperationalError,  # what Celery makes of a broker that is away
)


@dataclass(frozen=True)
class Injected:
    """A fault that has happened."""

    kind: str
    at: float  # seconds since the epoch
    pair: bool
    alone: bool  # no second one of a pair, none that lasts still on, and nothing late from before


@dataclass
class Injection:
    """Works a plan off. `goes_on` blocks while the load has to catch up with the faults."""

    site: Site
    probes: Probes
    seed: int
    say: Callable[[str], None]
    injected: list[Injected] = field(default_factory=list)
    over: float = 0.0  # seconds since the epoch: the last time that a fault came or ended
    _lasting: list[tuple[float, str, Lasting]] = field(default_factory=list)

    def carry_out(self, plan: Sequence[tuple[str, ...]], goes_on: Callable[[], bool]) -> None:
        """Inject all of it, unless `goes_on()` says that time is up. Ends what lasts.

        What was not possible is put at the end, some times in a row. Every second single fault
        waits until nothing lasts and nothing is late any more: else hardly one would come alone.
        """
        left, put_back = deque(plan), Counter[str]()
        for number in count():
            if not left or not goes_on():
                break
            kinds = left.popleft()
            if len(kinds) == 1 and number % 2:
                self._end_lasting(most=0)
                self._wait_for_what_is_late()
            else:
                self._end_lasting(most=MOST_LASTING)
            missed = self._inject(kinds, number)
            for kind in kinds:
                put_back[kind] = put_back[kind] + 1 if kind in missed else 0
            left.extend((kind,) for kind in missed if put_back[kind] <= MOST_PUT_BACK)
            self._wait_until_recovered()
            time.sleep(random.uniform(*PAUSE))  # noqa: S311
        while self._lasting:
            self._end_lasting(most=0)

    def _inject(self, kinds: tuple[str, ...], number: int) -> list[str]:
        """Returns those that were not possible."""
        self.say(" and ".join(kinds))
        pair, missed = len(kinds) > 1, []
        alone = not pair and not self._lasting and not self._late()
        for place, kind in enumerate(kinds):
            at = self._do(kind, f"{number}:{place}")
            if at is None:
                missed.append(kind)
            else:
                self.injected.append(Injected(kind, at, pair, alone))
        return missed

    def _do(self, kind: str, number: str) -> float | None:
        """Inject one, and say when it began; where nothing can be harmed, try again for a while."""
        dice = random.Random(f"{self.seed}:{number}:{kind}")  # noqa: S311 - reproducible
        latest = time.monotonic() + 15
        while True:
            at = time.time()
            try:
                lasting = FAULTS[kind](replace(self.site, dice=dice))
            except NOTHING_TO_HARM as error:
                if time.monotonic() > latest:
                    self.say(f"{kind} was not possible: {error}")
                    return None
                self._end_lasting(most=len(self._lasting))  # it may be what is in the way
                time.sleep(0.3)
            else:
                self.over = time.time()
                if lasting is None:
                    return at
                self._lasting.append((time.monotonic() + lasting.seconds, kind, lasting))
                return lasting.since or at

    def _wait_until_recovered(self) -> None:
        felt_by = time.time() + FELT_BY
        time.sleep(FELT_BY)
        latest = time.monotonic() + LONGEST_WAIT
        while self.probes.open_since(felt_by) and time.monotonic() < latest:
            self._end_lasting(most=len(self._lasting))
            time.sleep(0.05)

    def _late(self) -> int:
        """Probes that should have had their effect: what an earlier fault has left waiting."""
        return self.probes.open_since(time.time() - FELT_BY)

    def _wait_for_what_is_late(self) -> None:
        latest = time.monotonic() + LONGEST_WAIT
        while self._late() and time.monotonic() < latest:
            time.sleep(0.05)

    def _end_lasting(self, *, most: int) -> None:
        """End those whose time is up; where more than `most` are on, wait for the next ones.

        One that cannot be ended yet, behind a broker that is frozen, say, must not keep that one
        from being thawed: it is tried again after the others. One that goes on by itself is waited
        for last, and only where it has to be over.
        """
        for one in sorted(self._lasting, key=lambda one: (one[2].goes_on(), one[0])):
            until, kind, lasting = one
            if len(self._lasting) <= most and (lasting.goes_on() or time.monotonic() < until):
                return
            time.sleep(max(0.0, until - time.monotonic()))
            if self._end(kind, lasting):
                self._lasting.remove(one)

    def _end(self, kind: str, lasting: Lasting) -> bool:
        try:
            lasting.end()
        except NOTHING_TO_HARM as error:
            self.say(f"{kind} goes on: {error}")
            time.sleep(0.2)
            return False
        self.over = time.time()
        return True
