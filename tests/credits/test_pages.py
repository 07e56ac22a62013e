"""The pages: a viewer sees everything, an operator acts, and each form does its work once."""

import re
from typing import Any

import pytest
from django.test import Client

from credits.models import Campaign, Community, CreditEntry, TextMessage
from sandbox.control import Control
from tests.accounts.people import make_user
from tests.credits.world import make_community, member, only_text, start, work

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_user("operator"))
    return client


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(make_user("viewer"))
    return client


def key_of(page: Any) -> str:
    found = re.search(r'name="key" value="([0-9a-f-]{36})"', page.content.decode())
    assert found
    return found[1]


def send(client: Client, **fields: str) -> Any:
    key = key_of(client.get("/campaigns/new/"))
    asked = {"key": key, "community": "club", "text": "Hello", "shortfall": "refuse", **fields}
    return client.post("/campaigns/new/", asked)


def test_a_viewer_sees_every_page_and_acts_on_none(viewer: Client, sandbox: Control) -> None:
    make_community(credits=5, members=2)
    sandbox.force("sms", "reply_lost", operation="create")
    campaign = start(text="Hi {name}")
    work()
    text = TextMessage.objects.order_by("pk")[0]
    pages = [
        "/communities/",
        "/communities/club/",
        "/communities/club/members/",
        "/campaigns/",
        "/campaigns/?status=finished",
        f"/campaigns/{campaign.pk}/",
        f"/campaigns/{campaign.pk}/?state=sent",
        f"/texts/{text.pk}/",
    ]
    for page in pages:
        answer = viewer.get(page)
        assert answer.status_code == 200, page
        assert b'<form method="post"' not in answer.content.split(b"<main")[1]
    for page in ["/communities/new/", "/campaigns/new/"]:
        assert viewer.get(page).status_code == 403
    for form in [
        "/communities/club/buy/",
        "/communities/club/rules/",
        f"/members/{member().pk}/opt/",
        f"/campaigns/{campaign.pk}/cancel/",
    ]:
        assert viewer.post(form).status_code == 403


def test_nobody_sees_anything_without_signing_in() -> None:
    assert Client().get("/communities/").status_code == 302


def test_a_community_is_created_and_buys_once_per_form(operator: Client) -> None:
    operator.post("/communities/new/", {"name": "The club", "slug": "club"})
    key = key_of(operator.get("/communities/club/"))
    for _ in range(2):
        answer = operator.post("/communities/club/buy/", {"key": key, "amount": "70"})
        assert answer.status_code == 302

    assert Community.objects.get().credits == 70
    assert CreditEntry.objects.count() == 1


@pytest.mark.parametrize("amount", ["-5", "0", "1e3", "99999999999", "ten"])
def test_a_wrong_amount_is_explained(operator: Client, amount: str) -> None:
    make_community()
    key = key_of(operator.get("/communities/club/"))
    answer = operator.post("/communities/club/buy/", {"key": key, "amount": amount})

    assert answer.status_code == 422
    assert b"cannot be bought" in answer.content
    assert Community.objects.get().credits == 0


def test_a_campaign_is_started_once_per_form(operator: Client) -> None:
    make_community(credits=5, members=2)
    key = key_of(operator.get("/campaigns/new/?community=club"))
    asked = {"key": key, "community": "club", "text": "Hello {name}", "shortfall": "refuse"}
    first, second = operator.post("/campaigns/new/", asked), operator.post("/campaigns/new/", asked)

    assert first.status_code == 302
    assert first["Location"] == second["Location"]
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "  "}, b"required"),
        ({"text": "x" * 2_000}, b"has 2,000 characters"),
        ({"text": "Hello {surname}"}, b"unknown field"),
        ({"deadline": "2020-01-01 10:00"}, b"is past"),
        ({"text": "Two segments? " * 30}, b"missing"),
    ],
)
def test_a_wrong_campaign_is_explained(
    operator: Client, fields: dict[str, str], said: bytes
) -> None:
    make_community(credits=2, members=2)
    answer = send(operator, **fields)

    assert answer.status_code == 422
    assert said in answer.content
    assert not Campaign.objects.exists()


def test_pause_resume_and_cancel(operator: Client) -> None:
    make_community(credits=5, members=2)
    campaign = start()
    for verb, status in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
        ("resume", "cancelled"),
    ]:
        assert operator.post(f"/campaigns/{campaign.pk}/{verb}/").status_code == 302
        campaign.refresh_from_db()
        assert campaign.status == status


def test_live_parts_come_alone_and_stop_when_all_is_settled(
    operator: Client, sandbox: Control
) -> None:
    make_community(credits=5, members=1)
    campaign = start()
    address = f"/campaigns/{campaign.pk}/"
    live = operator.get(address, headers=HTMX).content.decode()
    assert "<html" not in live
    assert "data-live" in live
    assert "csrf" not in live, "each answer would differ from the one before"

    work()
    ended = operator.get(address, headers=HTMX).content.decode()
    assert "data-live" not in ended
    assert "<path" in ended


def test_the_page_of_a_text_tells_its_story(operator: Client, sandbox: Control) -> None:
    make_community(credits=5, members=1)
    sandbox.force("sms", "error_before", operation="create")
    start(text="Hello {name}")
    work()
    page = operator.get(f"/texts/{only_text().pk}/").content.decode()

    told = ["Queued", "Sending", "Unknown", "Not in the list", "Settled by policy"]
    assert re.findall(r"<b>([^<]+)</b>", page)[-5:] == told
    assert "Hello Member 1" in page


def test_opting_out_and_in(operator: Client) -> None:
    make_community(members=1)
    operator.post(f"/members/{member().pk}/opt/", {"wants": "no"})
    assert member().opted_out_at
    operator.post(f"/members/{member().pk}/opt/", {"wants": "yes"})
    assert not member().opted_out_at


def test_rules_are_saved(operator: Client) -> None:
    make_community()
    operator.post("/communities/club/rules/", {"daily_cap": "7", "unknown_policy": "resend"})
    saved = Community.objects.get()
    assert (saved.daily_cap, saved.unknown_policy) == (7, "resend")
