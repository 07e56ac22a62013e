"""Leave a server alone after it failed, for longer each time: every try may cost a time-out."""

import time


class Cooldown:
    """The pause after a failure, in seconds: twice as long with each, until a success."""

    def __init__(self, first: float, longest: float) -> None:
        self.first, self.longest = first, longest
        self._pause = 0.0
        self._until = 0.0

    def is_on(self) -> bool:
        """Whether the server is being left alone now."""
        return time.monotonic() < self._until

    def failed(self) -> None:
        """Begin the next pause."""
        self._pause = min(max(self.first, 2 * self._pause), self.longest)
        self._until = time.monotonic() + self._pause

    def succeeded(self) -> None:
        """The next failure begins with the first pause again."""
        self._pause = 0.0
