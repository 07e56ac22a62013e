"""How many acts are invented, and whether they are the same each time."""

import os
from dataclasses import dataclass

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

TRIES = 4
"""Times that a machine is set to work, each time with other examples, before it is believed."""

LOOKS = 12
"""Times that it is set to work on something planted: the rarest is met in two of five."""


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


def explore(machine: type[RuleBasedStateMachine], effort: Effort) -> None:
    """Let the machine act. Where two replays of one example were offered different choices, a busy
    machine's clock came between (a lease was over in one of them): that says nothing about what is
    tested, and it is begun again, with other examples.
    """
    for again in range(TRIES):
        chosen = effort.settings()
        try:
            run_state_machine_as_test(
                machine, settings=settings(chosen, derandomize=chosen.derandomize and not again)
            )
        except FlakyStrategyDefinition:
            if again == TRIES - 1:
                raise
        else:
            return


def finds(machine: type[RuleBasedStateMachine], effort: Effort) -> bool:
    """Whether the machine notices what is planted: by its model, by an act that should have been
    refused, or by the database's own constraints. Whatever it overlooks once it may find in other
    examples; what it overlooks LOOKS times it cannot see.
    """
    for again in range(LOOKS):
        try:
            run_state_machine_as_test(
                machine, settings=settings(effort.settings(), derandomize=not again)
            )
        except (AssertionError, pytest.fail.Exception, IntegrityError):
            return True
        except FlakyStrategyDefinition:
            continue
    return False
