"""The one door, and how often one may knock."""

import pytest
from django.test import Client
from django.urls import reverse

from config.accounts import throttle
from config.accounts.models import SignInAttempts
from tests.accounts.people import PASSWORD, make_user, signed_in
from tests.pricing.threads import at_once

pytestmark = pytest.mark.django_db
DOOR = "/accounts/sign-in/"


@pytest.fixture
def client() -> Client:
    make_user("viewer", password=PASSWORD)
    return Client()


def knock(client: Client, password: str, **more: str) -> int:
    answer = client.post(DOOR, {"username": "viewer", "password": password}, **more)
    return answer.status_code


def test_the_right_password_opens_and_leads_to_where_one_wanted_to_go(client: Client) -> None:
    wanted = client.get("/reductions/")
    assert wanted["Location"] == f"{DOOR}?next=/reductions/"

    answer = client.post(
        wanted["Location"],
        {"username": "viewer", "password": PASSWORD, "next": "/reductions/"},
    )

    assert answer["Location"] == "/reductions/"


def test_nobody_is_sent_to_another_site_after_signing_in(client: Client) -> None:
    answer = client.post(
        DOOR, {"username": "viewer", "password": PASSWORD, "next": "https://example.com/"}
    )

    assert answer["Location"] == reverse("home")


def test_after_ten_wrong_passwords_the_right_one_is_refused_too(client: Client) -> None:
    assert [knock(client, "wrong") for _ in range(10)] == [200] * 10

    assert knock(client, PASSWORD) == 429
    assert "sessionid" not in client.cookies


def test_somebody_at_another_address_is_not_locked_out(client: Client) -> None:
    for _ in range(11):
        knock(client, "wrong")

    assert knock(client, PASSWORD, REMOTE_ADDR="192.0.2.7") == 302


def test_another_name_from_the_same_address_has_its_own_ten_until_the_address_is_over() -> None:
    for guess in range(throttle.LIMIT_PER_ADDRESS):
        assert throttle.take_attempt(name=f"name {guess}", address="192.0.2.1")

    assert not throttle.take_attempt(name="yet another", address="192.0.2.1")


def test_the_right_password_gives_its_attempt_back(client: Client) -> None:
    for _ in range(20):
        assert knock(Client(), PASSWORD) == 302


def test_a_window_later_one_may_try_again(client: Client) -> None:
    for _ in range(11):
        knock(client, "wrong")
    throttle.take_attempt(name="somebody else", address="192.0.2.1")
    SignInAttempts.objects.update(since="2020-01-01T00:00Z")

    assert knock(client, PASSWORD) == 302
    assert not SignInAttempts.objects.filter(since__year=2020).exists()  # and swept


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_guesses_gets_no_more_than_its_ten() -> None:
    def guess() -> bool:
        return throttle.take_attempt(name="viewer", address="192.0.2.1")

    allowed = [answer for _ in range(4) for answer in at_once(*[guess] * 8)]

    assert allowed.count(True) == throttle.LIMIT_PER_NAME


def test_neighbours_in_one_ipv6_network_share_their_attempts() -> None:
    for host in range(throttle.LIMIT_PER_NAME):
        assert throttle.take_attempt(name="viewer", address=f"2001:db8::{host:x}")

    assert not throttle.take_attempt(name="viewer", address="2001:db8::beef")
    assert throttle.take_attempt(name="viewer", address="2001:db8:0:1::1")


def test_what_was_typed_is_not_stored(client: Client) -> None:
    client.post(DOOR, {"username": "my secret, in the wrong field", "password": "x"})

    assert not SignInAttempts.objects.filter(subject__contains="secret").exists()


def test_a_forged_header_is_not_believed_without_a_proxy_of_ours(client: Client) -> None:
    for guess in range(10):
        knock(client, "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{guess}")

    assert knock(client, PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99") == 429


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(client: Client, settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for guess in range(11):
        knock(client, "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{guess}, 198.51.100.1")

    assert knock(client, PASSWORD, HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.1") == 429
    assert knock(client, PASSWORD, HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.2") == 302


def test_the_admin_site_has_no_door_of_its_own(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == f"{DOOR}?next=/admin/"
    assert client.post("/admin/login/", {"username": "viewer", "password": PASSWORD})[
        "Location"
    ].startswith(DOOR)


def test_signing_out_takes_a_post_with_its_token() -> None:
    client = signed_in("viewer")

    assert client.get("/accounts/sign-out/").status_code == 405
    assert client.post("/accounts/sign-out/").status_code == 403
    assert client.get("/").status_code == 200


def test_a_part_of_a_page_asked_for_after_signing_out_leads_the_whole_page_to_the_door() -> None:
    answer = Client().get(
        "/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/reductions/"},
        follow=True,
    )

    assert answer["HX-Redirect"] == f"{DOOR}?next=/reductions/"
