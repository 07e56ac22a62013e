"""The dead-letter desk's pages: choose, try, redrive, discard; a viewer only looks."""

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

import outbox
from outbox.desk.models import DeskAct
from outbox.models import Message
from tests.accounts.people import make_user

pytestmark = pytest.mark.django_db
ADDRESS = "/dead-letters/"


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


@pytest.fixture
def dead() -> list[Message]:
    """Three of them, two of which met the same thing."""
    made = []
    for error in ("Fatal: order 1 is gone", "Fatal: order 2 is gone", "Fatal: <b>refused</b>"):
        with transaction.atomic():
            one = outbox.enqueue("pricing.apply_reduction", args={"reduction_id": "1"})
        buried = Message.objects.filter(pk=one.message_id)
        buried.update(state="dead", last_error=error, finished_at=timezone.now())
        made.append(buried.get())
    return made


def fingerprint(client: Client) -> str:
    page = client.get(ADDRESS).content.decode()
    before, _, _ = page.partition('">Fatal: order # is gone')
    return before.rpartition("fingerprint=")[2]


def test_groups_messages_and_stories_are_shown(dead: list[Message]) -> None:
    client = signed_in("viewer")
    page = client.get(ADDRESS).content.decode()
    assert "Fatal: order # is gone" in page
    assert "<b>refused</b>" not in page
    group = client.get(ADDRESS, {"fingerprint": fingerprint(client)}).content.decode()
    assert [str(one.pk) in group for one in dead] == [True, True, False]
    assert "order 1 is gone" in client.get(f"{ADDRESS}{dead[0].pk}/").content.decode()
    assert client.get(f"{ADDRESS}{'0' * 8}-0000-0000-0000-{'0' * 12}/").status_code == 404
    assert client.get(ADDRESS, {"fingerprint": "\x00", "page": "x"}).status_code == 200


def test_an_operator_tries_and_redrives_all_that_match(dead: list[Message]) -> None:
    client = signed_in("operator")
    sent = {"fingerprint": fingerprint(client), "all": "on", "act": "redrive"}
    tried = client.post(f"{ADDRESS}act/", {**sent, "trial": "on"}, follow=True).content.decode()
    assert "2 would be redriven." in tried
    assert Message.objects.filter(state="dead").count() == 3
    done = client.post(f"{ADDRESS}act/", sent, follow=True).content.decode()
    assert "2 were redriven." in done
    assert Message.objects.filter(state="dead").count() == 1
    assert DeskAct.objects.get().actor == "operator"


def test_discarding_a_chosen_one_needs_a_reason(dead: list[Message]) -> None:
    client = signed_in("operator")
    sent = {"id": str(dead[2].pk), "act": "discard"}
    assert "needs a reason" in client.post(f"{ADDRESS}act/", sent, follow=True).content.decode()
    client.post(f"{ADDRESS}act/", {**sent, "reason": "too old"})
    assert Message.objects.get(state="discarded").pk == dead[2].pk


def test_nothing_chosen_and_nonsense_change_nothing(dead: list[Message]) -> None:
    client = signed_in("operator")
    for sent in (
        {"act": "redrive"},
        {"act": "explode", "id": str(dead[0].pk)},
        {"act": "redrive", "id": "nothing"},
        {"act": "redrive", "all": "on"},
    ):
        assert client.post(f"{ADDRESS}act/", sent).status_code == 302
    assert Message.objects.filter(state="dead").count() == 3


def test_a_viewer_cannot_act(dead: list[Message]) -> None:
    viewer = signed_in("viewer")
    sent = {"id": str(dead[0].pk), "act": "redrive"}
    assert viewer.post(f"{ADDRESS}act/", sent).status_code == 403
    assert "Redrive</button>" not in viewer.get(f"{ADDRESS}{dead[0].pk}/").content.decode()
    assert Client().get(ADDRESS).status_code == 302
