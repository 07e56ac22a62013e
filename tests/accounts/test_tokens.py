"""API tokens: shown once, stored as a hash, ended at once."""

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from config.accounts import tokens
from config.accounts.models import ApiToken
from tests.accounts.people import make_user

pytestmark = pytest.mark.django_db


def test_the_command_prints_a_token_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    operator = make_user("operator")

    call_command("api_token", "operator")

    printed = capsys.readouterr()
    assert printed.err == ""
    found = tokens.find_token(token=printed.out.removesuffix("\n"))
    assert found is not None
    assert found.user == operator


def test_with_json_it_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    make_user("operator")

    call_command("api_token", "operator", "--json")

    document = json.loads(capsys.readouterr().out)
    assert document["user"] == "operator"
    assert tokens.find_token(token=document["token"])


def test_earlier_tokens_stay_valid() -> None:
    user = make_user("operator")
    first, second = tokens.issue_token(user=user), tokens.issue_token(user=user)

    assert first != second
    assert tokens.find_token(token=first)
    assert tokens.find_token(token=second)


@pytest.mark.parametrize("name", ["nobody-here", "gone"])
def test_no_token_for_a_user_who_is_not_there_or_not_active(name: str) -> None:
    make_user(name="gone").__class__.objects.filter(username="gone").update(is_active=False)

    with pytest.raises(CommandError, match=name):
        call_command("api_token", name)
    assert not ApiToken.objects.exists()


def test_only_the_hash_is_stored() -> None:
    token = tokens.issue_token(user=make_user("operator"))

    (row,) = ApiToken.objects.values()
    assert row["digest"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(row)
    assert len(row["hint"]) < len(token) / 3


def test_the_database_refuses_a_token_in_plain_text() -> None:
    with pytest.raises(IntegrityError, match="api_token_stored_as_sha256_only"):
        ApiToken.objects.create(user=make_user(), digest="once_a-token-in-plain-text")


def test_a_revoked_token_is_refused_at_once_and_revoking_again_says_so() -> None:
    token = tokens.issue_token(user=make_user("operator"))
    token_id = ApiToken.objects.get().pk

    assert tokens.revoke_token(token_id=token_id)
    assert tokens.find_token(token=token) is None
    assert not tokens.revoke_token(token_id=token_id)


def test_the_token_of_a_user_who_was_deactivated_is_refused() -> None:
    user = make_user("operator")
    token = tokens.issue_token(user=user)
    user.is_active = False
    user.save(update_fields=["is_active"])

    assert tokens.find_token(token=token) is None


def test_the_last_use_is_recorded_but_not_at_every_use(django_assert_num_queries) -> None:
    token = tokens.issue_token(user=make_user("operator"))
    assert ApiToken.objects.get().last_used_at is None

    with django_assert_num_queries(2):
        tokens.find_token(token=token)
    assert ApiToken.objects.get().last_used_at is not None

    with django_assert_num_queries(1):
        tokens.find_token(token=token)
