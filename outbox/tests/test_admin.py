"""The admin pages: they show a message's life and act only through the outbox's own verbs."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

import outbox
from outbox.models import Message
from outbox.tests.conftest import deliver, enqueue

LIST = "admin:outbox_message_changelist"


@pytest.fixture(autouse=True)
def with_admin() -> None:
    if not apps.is_installed("django.contrib.admin"):
        pytest.skip("this project does not have Django's admin")


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    def fail() -> None:
        raise outbox.Fatal("refused by the bank")

    return declare(fail)


def client(*codenames: str) -> Client:
    user = User.objects.create_user("ann", password=None, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser = Client()
    browser.force_login(user)
    return browser


def act(browser: Client, action: str, *messages: Message) -> str:
    data = {"action": action, "_selected_action": [str(message.id) for message in messages]}
    return browser.post(reverse(LIST), data, follow=True).content.decode()


def test_one_page_tells_a_messages_whole_life(effect: Any) -> None:
    message = enqueue(key="order:7")
    deliver(effect, message)
    url = reverse("admin:outbox_message_change", args=[message.id])
    page = client("view_message").get(url).content.decode()
    for word in ("scheduled", "failed", "dead", "refused by the bank", "order:7", "test:1"):
        assert word in page


@pytest.mark.parametrize("text", ["id", "key", "operation_id"])
def test_a_message_is_found_by_any_of_its_ids(text: str) -> None:
    message, _other = enqueue(key="order:7"), enqueue(key="order:8")
    found = client("view_message").get(reverse(LIST), {"q": str(getattr(message, text))})
    assert [str(row.id) for row in found.context["cl"].result_list] == [str(message.id)]


def test_an_operator_redrives_and_conflicts_are_told(effect: Any) -> None:
    dead, waiting = enqueue(), enqueue()
    deliver(effect, dead)
    Message.objects.filter(id=waiting.id).update(state="pending", finished_at=None)
    page = act(client("view_message", "change_message"), "redrive", dead, waiting)
    assert "1 redriven" in page
    assert "waiting already" in page
    assert dead.events.filter(kind="redriven", actor="ann").exists()


@pytest.mark.parametrize(("action", "state"), [("cancel", "cancelled"), ("discard", "discarded")])
def test_an_operator_cancels_and_discards(effect: Any, action: str, state: str) -> None:
    message = enqueue()
    if action == "discard":
        deliver(effect, message)
    act(client("view_message", "change_message"), action, message)
    message.refresh_from_db()
    assert message.state == state


def test_a_viewer_only_looks(effect: Any) -> None:
    message = enqueue()
    browser = client("view_message")
    act(browser, "cancel", message)
    message.refresh_from_db()
    assert message.state == "pending"
    assert (
        browser.post(reverse("admin:outbox_message_delete", args=[message.id])).status_code == 403
    )
