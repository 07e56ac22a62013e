"""The worlds that the machines act in."""

from tests.stateful.outbox_world import outbox_world

__all__ = ["outbox_world"]
