"""What a client of the API may send, and how often."""

import json
import threading
import time
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.throttling import BaseThrottle

#: Deeper than any request of ours, and far from what exhausts Python's stack.
DEEPEST_JSON = 20
_ROUNDING = 1e-6  # seconds: sums of intervals are not exact


class UnreadableBody(ValueError):
    """The body is no JSON that we accept. The message says what to do, and may be shown."""


class StrictJson(Parser):
    """JSON as RFC 8259 has it, not too deep, no name twice. Its size Django has checked already."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's value. Raises ``UnreadableBody``."""
        try:
            value = json.loads(
                request.body, object_pairs_hook=_no_name_twice, parse_constant=_no_constant
            )
        except RecursionError:
            raise UnreadableBody(_TOO_DEEP) from None
        except UnreadableBody:
            raise
        except ValueError as error:
            raise UnreadableBody(f"The body is not JSON: {error}. Send one JSON object.") from error
        _demand_shallow(value)
        return value


class TokenRate(BaseThrottle):
    """At most ``rate`` requests a second for each token, and a second's worth at once.

    The generic cell rate algorithm (ITU-T I.371): one number for each token, the moment at which
    its allowance is whole again. Kept in the process: it needs no server that could be down, and
    it protects exactly that process. With N web processes the limit of the whole is N times this.
    """

    def __init__(self, rate: float) -> None:
        """Take the rate in requests a second."""
        self._interval = 1 / rate
        self._whole_again: dict[int, float] = {}
        self._lock = threading.Lock()

    def allow_request(self, request: HttpRequest) -> bool:
        """Count the request against its token, unless it is refused."""
        token_id = request.api_token.pk  # type: ignore[attr-defined]
        now = time.monotonic()
        with self._lock:
            whole_again = max(self._whole_again.get(token_id, now), now) + self._interval
            if whole_again - now > 1 + _ROUNDING:
                return False
            self._whole_again[token_id] = whole_again
            return True

    def wait(self) -> float:
        """Return the seconds after which a refused client may come again."""
        return 1.0


_TOO_DEEP = f"The body is nested deeper than {DEEPEST_JSON} levels. Send a flat JSON object."


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableBody("The body has a name twice in one object. Send each name once.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise UnreadableBody(f"{name} is not JSON. Send amounts as decimal strings.")


def _demand_shallow(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise UnreadableBody(_TOO_DEEP)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
