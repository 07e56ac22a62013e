"""Requests, replies and the providers that answer them: what HTTP is to the rest of the sandbox."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from sandbox.credentials import Credentials
from sandbox.misbehaviour import Faults


@dataclass(frozen=True)
class Request:
    """One HTTP request, read completely. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a form-encoded body; the last of equal names counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The JSON body, or None where there is no valid one."""
        try:
            return json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Response:
    """One reply; its body is JSON."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The request is turned away with this reply, and the store is left as it was."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class ConnectionCut(Exception):
    """The client hears nothing more: its connection is closed without a byte of reply."""


@dataclass(frozen=True)
class Call:
    """One request being carried out, inside one transaction of the store."""

    request: Request
    db: sqlite3.Connection
    faults: Faults
    credentials: Credentials
    now: float


Handler = Callable[..., Response]  # handler(call, **named groups of the path)


@dataclass(frozen=True)
class Route:
    """A method and a path, and the operation behind them, named as misbehaviour names it."""

    operation: str
    method: str
    path: re.Pattern[str]
    handler: Handler


def route(operation: str, method: str, path: str, handler: Handler) -> Route:
    """A route for a path like `/v1/refunds/{id}`."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\."))
    return Route(operation, method, re.compile(pattern), handler)


class Provider:
    """One of the services that the sandbox stands in for."""

    name: ClassVar[str]
    prefix: ClassVar[str]
    routes: ClassVar[tuple[Route, ...]]

    def authenticate(self, request: Request, credentials: Credentials) -> None:
        """Raise Refusal unless the request carries our credentials."""
        raise NotImplementedError

    def failure(self, kind: str) -> Response:
        """The provider's own words for rate_limited, broken, refused and unknown_path."""
        raise NotImplementedError

    @contextmanager
    def admit(self, request: Request) -> Iterator[None]:
        """Around the whole handling of a request, waits included; may raise Refusal."""
        yield

    def carry_out(self, call: Call, effect: Callable[[], Response]) -> Response:
        """Run the effect in the call's transaction and give its reply."""
        return effect()

    def find(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """The route for a request and the values in its path."""
        for candidate in self.routes:
            match = candidate.path.fullmatch(request.path)
            if match and candidate.method == request.method:
                return candidate, {name: unquote(text) for name, text in match.groupdict().items()}
        return None
