"""How many acts are invented, and whether they are the same each time."""

import os
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, settings


@dataclass(frozen=True)
class Effort:
    """Examples and acts in each, for every run of the suite; a long look does many times more."""

    examples: int
    acts: int

    def settings(self) -> settings:
        """As `HYPOTHESIS_PROFILE` says."""
        profile = os.environ.get("HYPOTHESIS_PROFILE", "")
        every = {"deadline": None, "suppress_health_check": list(HealthCheck)}
        if profile == "large":
            return settings(
                max_examples=50 * self.examples, stateful_step_count=2 * self.acts, **every
            )
        shrink = (Phase.shrink,) if profile == "shrink" else ()
        return settings(
            max_examples=self.examples,
            stateful_step_count=self.acts,
            derandomize=True,
            database=None,
            phases=(Phase.generate, *shrink),
            **every,
        )
