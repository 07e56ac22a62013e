"""Plants a bug: a function or a statement of ours, with a few of its words exchanged."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Bug:
    """In `where` (module:name) the words `instead` stand for `words`, which must be there once."""

    where: str
    words: str
    instead: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug in this process for a while."""
        path, name = self.where.split(":")
        module = import_module(path)
        take_out = self._plant(module, name, getattr(module, name))
        try:
            yield
        finally:
            take_out()

    def _plant(self, module: Any, name: str, original: Any) -> Callable[[], None]:
        if isinstance(original, str):
            setattr(module, name, self._exchange(original))
            return partial(setattr, module, name, original)
        # The function stays the one that others have imported or registered: its code alone goes.
        made: dict[str, Any] = {}
        source = self._exchange(textwrap.dedent(inspect.getsource(original)))
        exec(compile(source, self.where, "exec"), vars(module), made)  # noqa: S102 - our own words
        code, original.__code__ = original.__code__, made[name].__code__
        return partial(setattr, original, "__code__", code)

    def _exchange(self, text: str) -> str:
        assert text.count(self.words) == 1, f"{self.where} has no, or more than one, {self.words!r}"
        return text.replace(self.words, self.instead)
