"""The API of credits, as scripts use it."""

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from config.accounts import tokens
from credits import services
from credits.models import Campaign, Community, CreditEntry
from sandbox.control import Control
from tests.accounts.people import make_user
from tests.credits.world import add_members, make_community, work

pytestmark = pytest.mark.django_db(transaction=True)


class Caller:
    """A program with a token."""

    def __init__(self, role: str) -> None:
        self.bearer = f"Bearer {tokens.issue_token(user=make_user(role))}"

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1{path}", headers={"Authorization": self.bearer})

    def post(self, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": self.bearer, "Idempotency-Key": key or str(uuid.uuid4())}
        return Client().post(
            f"/api/v1{path}", json.dumps(body or {}), "application/json", headers=headers
        )


@pytest.fixture
def operator() -> Caller:
    return Caller("operator")


def test_the_whole_way(operator: Caller, sandbox: Control) -> None:
    made = operator.post("/communities", {"slug": "club", "name": "The club"})
    assert made.status_code == 201
    bought = operator.post("/communities/club/credits", {"amount": 5})
    assert bought.status_code == 201
    add_members("club", 3)
    asked = {"community": "club", "text": "Hi {name}", "shortfall": "refuse"}
    started = operator.post("/campaigns", asked)
    assert started.status_code == 201
    held = operator.get("/communities/club").json()
    assert {name: held[name] for name in ("slug", "credits", "held", "ledger_sum")} == {
        "slug": "club",
        "credits": 2,
        "held": 3,
        "ledger_sum": 2,
    }
    work()
    ended = operator.get(f"/campaigns/{started.json()['id']}").json()
    names = ("status", "members", "sent", "failed", "unknown", "skipped")
    assert [ended[name] for name in names] == ["finished", 3, 3, 0, 0, 0]
    assert operator.get("/communities/club").json()["held"] == 0


def test_a_purchase_is_made_once_however_often_it_is_sent(operator: Caller) -> None:
    make_community()
    answers = [operator.post("/communities/club/credits", {"amount": 5}, "k") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert Community.objects.get().credits == 5
    # The stored answer is forgotten one day; the ledger remembers.
    from outbox.models import StoredAnswer

    StoredAnswer.objects.all().delete()
    assert operator.post("/communities/club/credits", {"amount": 5}, "k").status_code == 201
    assert operator.post("/communities/club/credits", {"amount": 6}, "k").status_code == 422
    assert CreditEntry.objects.count() == 1


@pytest.mark.parametrize("amount", [0, -5, 1_000_001, 10**30, "5", 5.0, True, False, None, []])
def test_a_wrong_purchase_changes_nothing(operator: Caller, amount: Any) -> None:
    make_community()
    answer = operator.post("/communities/club/credits", {"amount": amount})

    assert answer.status_code == 422
    assert "amount" in answer.json()["error"]["fields"]
    assert not CreditEntry.objects.exists()


def test_too_few_credits_say_how_many_are_missing_and_may_be_sent_again(
    operator: Caller,
) -> None:
    make_community(credits=3, members=10)
    asked = {"community": "club", "text": "Hi"}
    refused = operator.post("/campaigns", asked, "k")

    assert refused.status_code == 422
    assert refused.json()["missing"] == refused.json()["error"]["missing"] == 7
    assert not Campaign.objects.exists()
    services.buy_credits(slug="club", amount=7, actor="t")
    assert operator.post("/campaigns", asked, "k").status_code == 201
    assert operator.post("/campaigns", asked, "k").status_code == 200
    assert Campaign.objects.count() == 1


def test_what_fits_is_sent(operator: Caller) -> None:
    make_community(credits=3, members=10)
    asked = {"community": "club", "text": "Hi", "shortfall": "send_what_fits"}
    answer = operator.post("/campaigns", asked)

    assert answer.status_code == 201
    assert (answer.json()["members"], answer.json()["skipped"]) == (10, 7)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 2000}, "text"),
        ({"text": "{surname}"}, "text"),
        ({"text": 5}, "text"),
        ({"community": "nobody"}, "community"),
        ({"shortfall": "overdraw"}, "shortfall"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "deadline"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_campaign_is_explained(operator: Caller, asked: dict[str, Any], field: str) -> None:
    make_community(credits=5, members=2)
    answer = operator.post("/campaigns", {"community": "club", "text": "Hi", **asked})

    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == [field]
    assert not Campaign.objects.exists()


def test_a_campaign_is_paused_resumed_and_cancelled(operator: Caller) -> None:
    make_community(credits=5, members=2)
    started = operator.post("/campaigns", {"community": "club", "text": "Hi"}).json()
    for verb, status in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]:
        answer = operator.post(f"/campaigns/{started['id']}/{verb}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.json()["skipped"] == 2
    assert operator.post(f"/campaigns/{started['id']}/pause").status_code == 409


def test_what_is_not_there_is_not_found(operator: Caller) -> None:
    assert operator.get("/communities/nobody").status_code == 404
    assert operator.get(f"/campaigns/{uuid.uuid4()}").status_code == 404
    assert operator.post(f"/campaigns/{uuid.uuid4()}/cancel").status_code == 404
    assert operator.post("/communities/nobody/credits", {"amount": 5}).status_code == 404


def test_a_viewer_reads_and_changes_nothing() -> None:
    make_community(credits=5, members=2)
    viewer = Caller("viewer")
    assert viewer.get("/communities/club").status_code == 200
    for path, body in [
        ("/communities", {"slug": "other", "name": "Other"}),
        ("/communities/club/credits", {"amount": 5}),
        ("/campaigns", {"community": "club", "text": "Hi"}),
    ]:
        assert viewer.post(path, body).status_code == 403
    assert CreditEntry.objects.count() == 1


def test_a_wrong_community_is_explained(operator: Caller) -> None:
    answer = operator.post("/communities", {"slug": "No Slug", "name": ""})
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {"slug", "name"}
