"""Every page asks the database a bounded number of questions, however much there is to show."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from races import scenario
from races.stage.address import slug
from tests.pages.full_house import RACE, House, fill

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MANY = 3, 60
MOST = 30
"""Questions that any page may ask."""

NOT_PAGES = {
    "api-1": "the API: its lists are bounded, and tests/pages/test_api_fuzzed.py asks all of it",
    "admin:view_on_site": "leads elsewhere",
    "admin:autocomplete": "JSON, of a field that no form of ours has",
    "admin:jsi18n": "a script of Django's",
    "tour": "presses, and a part of the home page after one: tests/pages/test_tour.py",
    "admin:-": "leads to the change form, or says that there is no such address",
}
"""Names of addresses, or of whole parts, that are no page; and why."""

Address = tuple[str, str]  # its name, and itself


def test_no_page_asks_more_where_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    few = fill(FEW)
    client = _administrator()
    for _, address in addresses(few):
        client.get(address)  # what is asked once in a process is not of interest
    asked_of_few = _count(client, addresses(few))
    asked_of_many = _count(client, addresses(fill(MANY)))
    assert len(asked_of_few) > 100
    grown = {
        name: (asked_of_few[name], count)
        for name, count in asked_of_many.items()
        if count > asked_of_few[name]
    }
    assert grown == {}, "name: (asked of few, asked of many)"
    assert {name: count for name, count in asked_of_many.items() if count > MOST} == {}


def _administrator() -> Client:
    boss = User.objects.create_superuser("boss")
    boss.groups.add(*Group.objects.filter(name__in=("viewer", "operator", "admin")))
    client = Client()
    client.force_login(boss)
    return client


def _count(client: Client, asked: Sequence[Address]) -> dict[str, int]:
    """The questions of each address that answers GET with a page."""
    counts: dict[str, int] = {}
    strange = {}
    for name, address in asked:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address)
        if answer.status_code in (200, 422) and answer["Content-Type"].startswith("text/html"):
            counts[name] = len(captured)
        elif answer.status_code not in (200, 302, 403, 405):
            strange[address] = answer.status_code
    assert strange == {}
    return counts


def addresses(house: House) -> list[Address]:
    """Every address of the site, with something for each of its parameters."""
    found = _walk(get_resolver().url_patterns)
    return [
        (name, "/" + route.format(**_values(name, parameters, house)))
        for name, route, parameters in found
        if not {name, name.partition(":")[0]} & set(NOT_PAGES)
    ]


def _walk(
    patterns: Sequence[URLPattern | URLResolver], before: str = "", space: str = ""
) -> Iterator[tuple[str, str, list[str]]]:
    """Name, route with {parameters}, and those."""
    for each in patterns:
        if isinstance(each, URLResolver):
            inner = ":".join(part for part in (space, each.namespace) if part)
            yield from _walk(each.url_patterns, before + _route(each), inner)
            continue
        name = ":".join(part for part in (space, each.name or "-") if part)
        if name == "admin:app_list":
            yield from ((f"{name} {app}", f"{before}{app}/", []) for app in _apps_in_the_admin())
        else:
            yield name, before + _route(each), list(each.pattern.converters)


def _route(each: URLPattern | URLResolver) -> str:
    route = str(each.pattern)
    for parameter, converter in each.pattern.converters.items():
        for written in (f"<{parameter}>", *(f"<{kind}:{parameter}>" for kind in KINDS)):
            route = route.replace(written, f"{{{parameter}}}")
        assert converter is not None
    return route


KINDS = ("int", "str", "slug", "uuid", "path")


def _apps_in_the_admin() -> set[str]:
    return {model._meta.app_label for model in admin.site._registry}


def _values(name: str, parameters: list[str], house: House) -> dict[str, Any]:
    """Something for each parameter; KeyError names one that full_house.py does not know yet."""
    if name.startswith("admin:") and parameters:
        return dict.fromkeys(parameters, _latest(_model_of(name)).pk)
    if name.startswith("races:") and "run_id" in parameters:
        kind = "trial" if name == "races:trial" else "hot"
        return {"run_id": house.values[f"{kind}_run_id"]}
    return {one: {**house.values, **OTHERS}[one] for one in parameters}


OTHERS: dict[str, Any] = {
    "name": RACE,
    "strategy": slug(next(form.name for _, form in scenario.get(RACE).forms())),
    "step": "flush",
    "token": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
}


def _model_of(name: str) -> type[Model]:
    inner = name.partition(":")[2]
    return next(
        model
        for model in sorted(admin.site._registry, key=lambda model: -len(model._meta.model_name))
        if inner.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")
    )


def _latest(model: type[Model]) -> Model:
    return model._default_manager.order_by("-pk")[0]
