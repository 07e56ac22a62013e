"""Every address of the site, as the resolver has them, with something in each parameter's place."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import get_resolver
from django.urls.resolvers import RegexPattern, URLPattern, URLResolver

VALUES = {"int": "1", "uuid": str(UUID(int=1)), "slug": "twice", "path": "1", "str": "1", "": "1"}
#: The admin site has two patterns that are regular expressions.
REGULAR = {"app_label": "auth/", "url": "nothing-here/"}


@dataclass(frozen=True)
class Address:
    """One address, and the view behind it."""

    path: str
    view: Callable[..., Any]

    @property
    def is_csrf_exempt(self) -> bool:
        """Whether it takes a POST without a token."""
        return bool(getattr(self.view, "csrf_exempt", False))


def addresses() -> list[Address]:
    """All of them; health checks, which stand before the resolver, are not among them."""
    return list(_walk(get_resolver(), "/"))


def _walk(resolver: URLResolver, before: str) -> Iterator[Address]:
    for one in resolver.url_patterns:
        path = before + _filled(one)
        if isinstance(one, URLResolver):
            yield from _walk(one, path)
        else:
            yield Address(path, one.callback)


def _filled(one: URLPattern | URLResolver) -> str:
    text = str(one.pattern)
    if isinstance(one.pattern, RegexPattern):
        names = [name for name in REGULAR if f"?P<{name}>" in text]
        return REGULAR[names[0]] if names else text.strip("^$")
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: VALUES[found[1] or ""], text)
