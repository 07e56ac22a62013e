"""Load and faults come to their ends together: whichever is ahead waits for the other."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.probes import Probes
from chaos.watch import Watch

AHEAD = 0.03  # share of the whole by which one may be ahead of the other
MOST_WAITING = 300  # messages that are due: more load would only lengthen the queue
MOST_OPEN = 15  # probes: with more, requests take seconds, and a client's retries add to them
LONGEST_WAITING = 3.0  # seconds; asked once no fault can be the cause any more


@dataclass
class Pace:
    """Opens and closes the load's gate, and says whether the faults go on."""

    watch: Watch
    probes: Probes
    messages: int
    faults: int
    injected: Callable[[], int]
    until: float  # on the monotonic clock
    gate: threading.Event = field(default_factory=threading.Event)

    def regulate(self) -> None:
        """Open or close the gate, by how far both are."""
        load, faults = self._shares()
        too_fast = load > faults + AHEAD and faults < 1
        overloaded = faults >= 1 and self.watch.oldest > LONGEST_WAITING
        overloaded |= self.watch.waiting > MOST_WAITING or self.probes.open > MOST_OPEN
        if load >= 1 or too_fast or overloaded:
            self.gate.clear()
        else:
            self.gate.set()

    def goes_on(self) -> bool:
        """Before each injection: waits while the faults are ahead; False when time is up."""
        while time.monotonic() < self.until:
            self.regulate()
            load, faults = self._shares()
            if faults <= load + AHEAD:
                return True
            time.sleep(0.1)
        return False

    def finish_load(self) -> None:
        """Wait until the load has done its part, too, or time is up."""
        while time.monotonic() < self.until and self._shares()[0] < 1:
            self.regulate()
            time.sleep(0.1)

    def _shares(self) -> tuple[float, float]:
        return (
            self.watch.done / self.messages,
            self.injected() / self.faults if self.faults else 1.0,
        )
