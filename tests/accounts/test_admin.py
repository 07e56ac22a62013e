"""The admin site: an admin manages accounts and tokens, an operator acts on messages only."""

import pytest
from django.test import Client

from config.accounts import tokens
from config.accounts.models import ApiToken
from tests.accounts.people import make_user

pytestmark = pytest.mark.django_db
TOKENS = "/admin/accounts/apitoken/"


def staff(role: str) -> Client:
    user = make_user(role, f"staff {role}")
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(user)
    return client


def test_an_admin_sees_the_tokens_and_revokes_some_but_cannot_make_or_read_one() -> None:
    token = tokens.issue_token(user=make_user("operator"))
    row = ApiToken.objects.get()
    admin = staff("admin")

    page = admin.get(TOKENS).content.decode()
    assert row.hint in page
    assert token not in page
    assert row.digest not in page + admin.get(f"{TOKENS}{row.pk}/change/").content.decode()
    assert admin.get(f"{TOKENS}add/").status_code == 403

    answer = admin.post(TOKENS, {"action": "revoke", "_selected_action": [row.pk]}, follow=True)
    assert "Revoked 1 of 1." in answer.content.decode()
    assert tokens.find_token(token=token) is None


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_else_sees_accounts_or_tokens(role: str) -> None:
    client = staff(role)

    for page in (TOKENS, "/admin/auth/user/", "/admin/auth/group/"):
        assert client.get(page).status_code == 403
    assert client.get("/admin/outbox/message/").status_code == 200


def test_who_is_not_staff_does_not_get_in_and_is_not_sent_in_circles() -> None:
    client = Client()
    client.force_login(make_user("admin"))

    assert client.get("/admin/", follow=True).status_code == 403
    assert b"/admin/" not in client.get("/").content
