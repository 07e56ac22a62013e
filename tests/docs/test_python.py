"""Every example in Python is run, in a world of worlds.py that tries what is said of it."""

from collections.abc import Callable

import pytest

from tests.docs import worlds
from tests.docs.blocks import Block, blocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_an_example_does_what_is_said_of_it(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    assert block.world, f"{block}: say in which world it is run"
    promise: Callable[[worlds.Example, worlds.Names], None] = getattr(worlds, block.world)
    with worlds.a_shop() as names:
        promise(worlds.Example(block.text, str(block)), names)
