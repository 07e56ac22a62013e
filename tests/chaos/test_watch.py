"""How long a message is due after the faults is kept from their end on, not from the last look."""

from collections.abc import Sequence
from typing import Any

import pytest

from chaos.checkers import live
from chaos.checkers.waiting import OLDEST_DUE
from chaos.watch import Watch


class Late:
    """Says that a message has been due for so many seconds, look after look."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = iter(seconds)

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [(next(self._seconds),)] if sql == OLDEST_DUE else [(5, 1, 2.0)]


def test_the_longest_after_the_faults_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "check", lambda observer: [])
    watch = Watch(Late(40.0, 1.0), None, lambda _: None)  # type: ignore[arg-type]
    watch.look()
    assert watch.longest_due == 0.0, "a fault may still be the cause"
    watch.faults_over = 1.0
    watch.look()
    watch.look()
    assert watch.longest_due == 40.0
