"""What every page has in common: who may come in, what it may load, how it looks when it fails."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.accounts.people import signed_in
from tests.pricing.shop import make_product, schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def addresses() -> list[str]:
    """Every page for reading, of a shop with something in it."""
    product = make_product()
    reduction = schedule()
    return [
        reverse("home"),
        reverse("pricing:products"),
        reverse("pricing:product", args=[product.pk]),
        reverse("pricing:reductions"),
        reverse("pricing:reduction", args=[reduction.pk]),
    ]


def test_without_signing_in_every_page_leads_to_the_door(addresses: list[str]) -> None:
    for address in [*addresses, reverse("pricing:schedule"), "/admin/", "/api/v1/docs"]:
        answer = Client().get(address, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/accounts/sign-in/"), address


def test_a_viewer_sees_every_page_and_finds_no_button_that_acts(addresses: list[str]) -> None:
    client = signed_in("viewer")
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200, address
        # The only form that posts is the one to sign out.
        assert len(re.findall(rb'<form[^>]*method="post"', page.content)) == 1, address
        assert reverse("pricing:schedule").encode() not in page.content, address
        assert b"/edit/" not in page.content, address


def test_somebody_without_a_role_sees_no_prices(addresses: list[str]) -> None:
    client = signed_in()
    home, *others = addresses
    assert [client.get(address).status_code for address in others] == [403] * len(others)
    assert b"10 % off" not in client.get(home).content


def test_nothing_in_a_page_would_be_refused_by_the_content_security_policy(
    addresses: list[str],
) -> None:
    client = signed_in("operator")
    for address in [*addresses, reverse("pricing:schedule")]:
        page = client.get(address)
        html = page.content.decode()
        assert "unsafe" not in page["Content-Security-Policy"]
        assert not re.findall(r"<script(?![^>]*\bsrc=)", html), address
        assert not re.findall(r"<style|\sstyle=|\son\w+=|hx-on|javascript:", html), address
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', html), address


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_colours_are_in_the_first_byte(theme: str) -> None:
    client = signed_in("viewer")
    client.cookies["theme"] = theme

    assert f'data-theme="{theme}"'.encode() in client.get("/").content


def test_a_forged_theme_is_not_written_into_the_page() -> None:
    client = signed_in("viewer")
    client.cookies["theme"] = "purple"

    assert b"purple" not in client.get("/").content


def test_keys_that_are_switched_off_stay_so() -> None:
    client = signed_in("viewer")
    assert b"data-keys=" not in client.get("/").content
    client.cookies["keys"] = "off"
    assert b'data-keys="off"' in client.get("/").content


def test_what_is_replaced_is_no_live_region() -> None:
    """A screen reader may say nothing of a region that is itself new, or all of it again."""
    parts = list(settings.BASE_DIR.glob("*/templates/**/*.html"))
    live = [path for path in parts if "parts" in path.parts or "data-live" in path.read_text()]
    regions = [path for path in live if re.search('role="status"|aria-live', path.read_text())]

    assert len(live) > 30
    assert {path.name for path in regions} <= {"toasts.html", "base.html"}, "those stay"


def test_a_page_that_is_not_there_says_so_to_people_and_to_programs() -> None:
    assert b"There is nothing here" in Client().get("/nothing/").content
    answer = Client().get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_failure_of_ours_shows_a_page_that_needs_nothing_and_gives_nothing_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*args: object) -> None:
        raise RuntimeError("the secret of the day")

    monkeypatch.setattr("config.pages._counts", breaks)
    client = signed_in("viewer")
    client.raise_request_exception = False

    answer = client.get("/")

    assert answer.status_code == 500
    assert b"Something broke on our side" in answer.content
    assert b"secret" not in answer.content


@pytest.mark.parametrize("index", range(5))
def test_the_number_of_queries_does_not_grow_with_the_shop(
    index: int, addresses: list[str], django_assert_max_num_queries
) -> None:
    for number in range(30):
        make_product(f"MORE-{number}")
    for number in range(30):
        schedule(f"MORE-{number}")
        schedule(percent="1")
    client = signed_in("operator")

    with django_assert_max_num_queries(12):
        client.get(addresses[index])
