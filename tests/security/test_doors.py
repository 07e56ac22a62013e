"""Every address that there is, tried by a stranger, by somebody without a role, and by a viewer.

The resolver is walked, so an address that is added later is tried as well.
"""

import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from config.accounts import tokens
from tests.accounts.people import make_user
from tests.security.addresses import Address, addresses

pytestmark = pytest.mark.django_db
DOOR = "/accounts/sign-in/"
OUT = "/accounts/sign-out/"
EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
#: What each would take, if it were signed.
SIGNED: dict[str, dict[str, Any]] = {
    "/webhooks/stripe/": {"data": json.dumps(EVENT), "content_type": "application/json"},
    "/callbacks/texts/00000000-0000-0000-0000-000000000001/": {
        "data": {"MessageSid": "SM1", "MessageStatus": "delivered"}
    },
}
#: Both ends of a session, the signed ones, and an address at which there is nothing.
OPEN = {*SIGNED, DOOR, OUT, "/admin/logout/", "/api/v1/"}
#: The API's description holds no data; the home page shows none to who has no role.
DESCRIPTION = {"/api/v1/docs", "/api/v1/openapi.json"}
FOR_ANYBODY_SIGNED_IN = DESCRIPTION | {"/"}
METHODS = ("get", "post", "delete")


@pytest.fixture(autouse=True)
def embedded(settings: Any) -> None:
    """The tour's addresses exist in the embedded mode only, and are tried here, too."""
    settings.EMBEDDED = True


def tried(client: Client, one: Address, method: str, **more: Any) -> Any:
    """The answer to this method; an address of the API gets JSON."""
    kind = (
        "application/json" if one.path.startswith("/api/") else "application/x-www-form-urlencoded"
    )
    data = {} if method == "get" else {"data": "{}", "content_type": kind}
    return getattr(client, method)(one.path, **data, **more)


def refuses(answer: Any) -> bool:
    """Whether it leads to the door, asks for a token, forbids, or knows no such method."""
    if answer.status_code in (301, 302):
        return answer["Location"].startswith((DOOR, "/admin/login/"))
    return answer.status_code in (401, 403, 405)


def test_there_are_addresses_to_try() -> None:
    paths = {one.path for one in addresses()}

    assert len(paths) > 100
    assert paths >= OPEN | {"/", "/metrics", "/operations/messages/act/", "/api/v1/orders"}
    assert not [path for path in paths if "<" in path or "(" in path]


def test_a_stranger_gets_in_nowhere() -> None:
    client = Client()
    let_in = [
        f"{method} {one.path}: {answer.status_code}"
        for one in addresses()
        if one.path not in OPEN
        for method in METHODS
        if not refuses(answer := tried(client, one, method))
    ]

    assert let_in == []


@pytest.mark.parametrize("secret", ["", "a-secret"])
def test_what_is_signed_takes_nothing_without_a_signature(settings: Any, secret: str) -> None:
    settings.SHOP = replace(settings.SHOP, stripe_webhook_secret=secret)
    settings.TEXTS = replace(settings.TEXTS, secret=secret)
    for path, sent in SIGNED.items():
        assert Client().post(path, **sent).status_code in (400, 403), path
        assert Client().get(path).status_code == 405


def test_who_has_no_role_is_shown_nothing_and_changes_nothing() -> None:
    client, bearer = Client(), tokens.issue_token(user=(user := make_user()))
    client.force_login(user)
    let_in = [
        f"{method} {one.path}: {answer.status_code}"
        for one in addresses()
        if one.path not in OPEN | FOR_ANYBODY_SIGNED_IN
        for method in METHODS
        if not refuses(
            answer := tried(client, one, method, headers={"Authorization": f"Bearer {bearer}"})
        )
    ]

    assert let_in == []


def test_a_token_without_a_role_is_shown_no_description_of_the_api() -> None:
    bearer = tokens.issue_token(user=make_user())
    for path in DESCRIPTION:
        answer = Client().get(path, headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 403, path
        assert answer.json()["error"]["code"] == "forbidden"


def test_the_home_page_shows_no_figures_to_who_has_no_role() -> None:
    stranger, viewer = Client(), Client()
    stranger.force_login(make_user())
    viewer.force_login(make_user("viewer"))
    for headers in ({}, {"HX-Request": "true"}):
        assert b"figure" not in stranger.get("/", headers=headers).content
        assert viewer.get("/", headers=headers).content.count(b'class="figure"') == 5


def test_a_permission_for_something_else_opens_nothing() -> None:
    """The API lets in who has any permission; each of its operations has to ask for its own."""
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="view_contenttype"))
    client, bearer = Client(), tokens.issue_token(user=user)
    client.force_login(user)
    let_in = [
        f"get {one.path}: {answer.status_code}"
        for one in addresses()
        if one.path not in OPEN | FOR_ANYBODY_SIGNED_IN
        if not refuses(
            answer := client.get(
                re.sub("/1$", f"/{UUID(int=1)}", one.path),  # the API takes ids for what they are
                headers={"Authorization": f"Bearer {bearer}"},
            )
        )
    ]

    assert let_in == []


def test_a_viewer_acts_nowhere() -> None:
    """The API's operations look at what was sent first: tests/pages/test_api_frame.py."""
    client = Client()
    client.force_login(make_user("viewer"))
    acted = [
        f"{method} {one.path}: {answer.status_code}"
        for one in addresses()
        if one.path not in OPEN and not one.path.startswith("/api/v1/")
        for method in METHODS[1:]
        if not refuses(answer := tried(client, one, method))
    ]

    assert acted == []


def test_only_what_is_signed_or_has_a_token_takes_a_post_from_another_site() -> None:
    exempt = {one.path for one in addresses() if one.is_csrf_exempt}

    assert {path for path in exempt if not path.startswith("/api/v1/")} == set(SIGNED)


def test_without_its_token_no_form_is_taken_from_anybody() -> None:
    client = Client(enforce_csrf_checks=True)
    admin = make_user("admin")
    admin.is_staff = True
    admin.save(update_fields=["is_staff"])
    client.force_login(admin)
    for one in addresses():
        if not one.is_csrf_exempt:
            assert tried(client, one, "post").status_code in (403, 405), one.path
