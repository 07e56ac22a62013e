"""The pages of recorded runs: for whom, what they say, and what they answer to nonsense."""

import re
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse

from races import scenario
from races.recording import library
from tests.accounts.people import signed_in

pytestmark = pytest.mark.django_db
CREDIT = "/races/one-credit-is-spent-once"
NAIVE, LOCK = f"{CREDIT}/read-check-save/", f"{CREDIT}/row-lock/"
SHOWN = "?schedule=" + quote("A*1 B*3 A*2")


@pytest.fixture
def viewer() -> Client:
    return signed_in("viewer")


def text(client: Client, address: str, status: int = 200) -> str:
    """A page's words, without its tags."""
    answer = client.get(address)
    assert answer.status_code == status, address
    body = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(body.replace("&quot;", '"').replace("&#x27;", "'").split())


def test_strangers_are_led_to_the_door_and_people_without_a_role_are_sent_away() -> None:
    for address in ("/races/", NAIVE, "/races/hot/"):
        assert "/accounts/sign-in/" in Client().get(address)["Location"]
        assert signed_in_nobody().get(address).status_code == 403


def signed_in_nobody() -> Client:
    from django.contrib.auth.models import User

    client = Client()
    user, _ = User.objects.get_or_create(username="nobody")
    client.force_login(user)
    return client


def test_the_list_names_every_race_with_what_breaks_it(viewer: Client) -> None:
    page = text(viewer, "/races/")
    for name in library.names():
        assert scenario.get(name).claim in page
    assert "2 texts sent on 1 credit" in page


def test_a_scenario_leads_to_the_code_that_everyone_writes(viewer: Client) -> None:
    assert viewer.get(f"{CREDIT}/")["Location"] == NAIVE


def test_the_page_opens_at_the_fault_and_says_what_went_wrong(viewer: Client) -> None:
    page = text(viewer, NAIVE + SHOWN)
    assert "breaks: 2 texts sent on 1 credit (credits left: 0)" in page
    assert "A read races_account at step 1 (credits=1). B changed that at step 3" in page
    assert "After step 2 it is too late" in page
    assert "Step 5 of 6" in page
    assert "account.save()" in page
    assert "races/scenarios/one_credit_is_spent_once.py" in page


def test_every_step_has_an_address_so_that_no_script_is_needed(viewer: Client) -> None:
    html = viewer.get(NAIVE + SHOWN + "&step=1").content.decode()
    links = dict(re.findall(r'href="([^"]+)" id="([\w-]+)"', html))
    by_id = {name: address.replace("&amp;", "&") for address, name in links.items()}
    assert "step=2" in by_id["step-next"]
    assert "step=0" in by_id["step-previous"]
    assert by_id["flip"].startswith(LOCK)
    assert "step=1" in by_id["flip"]
    assert "beside=row-lock" in by_id["beside"]
    for address in by_id.values():
        if address.startswith("/races/"):
            assert viewer.get(address).status_code == 200, address


def test_flipped_to_the_row_lock_the_same_schedule_holds(viewer: Client) -> None:
    page = text(viewer, LOCK + SHOWN)
    assert "row lock holds here." in page
    assert "B had to wait for A from step 2" in page
    assert "here it runs as A*1 B*1 A*" in page
    assert "No schedule breaks it." in page
    assert "Proven: it holds in" in page


def test_side_by_side_both_are_told(viewer: Client) -> None:
    html = viewer.get(NAIVE + SHOWN + "&beside=row-lock&step=2").content.decode()
    assert html.count('class="outcome"') == 2
    assert 'class="waiting' in html
    assert 'class="lane hold' in html
    assert html.count("<h2>Step 2: ") == 2


def test_next_failing_goes_round_all_that_break_it(viewer: Client) -> None:
    address, seen = NAIVE, []
    while address not in seen:
        seen.append(address)
        html = viewer.get(address).content.decode()
        found = re.search(r'href="([^"]+)" id="next-failing"', html)
        assert found
        address = found[1].replace("&amp;", "&")
        assert "breaks:" in text(viewer, address)
    assert len(seen) > 4


@pytest.mark.parametrize("name", [name.replace("_", "-") for name in library.names()])
def test_each_race_can_be_looked_at(name: str, viewer: Client) -> None:
    page = viewer.get(f"/races/{name}/", follow=True)
    assert page.status_code == 200
    html = page.content.decode()
    assert 'class="fault-mark"' in html
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


def test_the_picture_stands_alone(viewer: Client) -> None:
    answer = viewer.get(f"{NAIVE}picture.svg{SHOWN}&beside=row-lock")
    assert answer["Content-Type"].startswith("image/svg+xml")
    assert "one_credit_is_spent_once-read-check-save.svg" in answer["Content-Disposition"]
    picture = ElementTree.fromstring(answer.content)  # noqa: S314 (our own)
    words = " ".join("".join(each.itertext()) for each in picture.iter())
    assert "2 texts sent on 1 credit" in words
    assert "waits for A" in words
    assert b"style" not in answer.content
    assert b"href" not in answer.content


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/races/no-such-race/", 404, "There is no race “no-such-race”."),
        (f"{CREDIT}/no-such/", 404, "knows no strategy “no-such”. There are: read-check-save, "),
        (NAIVE + "?schedule=A*1+B*9", 404, "leaves the tree at its step 5, B, after A*1 B*3."),
        (NAIVE + "?schedule=A*1+B*9", 404, "What can happen there: A."),
        (NAIVE + "?schedule=A*1+C*1", 404, "It may come from an older version of the code."),
        (NAIVE + "?schedule=A*2+B*1", 404, "is the beginning of recorded schedules"),
        (NAIVE + "?schedule=A*0", 400, "“A*0” is no step"),
        (NAIVE + "?schedule=" + "A*1+" * 400, 400, "at most 600 characters"),
        (NAIVE + SHOWN + "&beside=no-such", 404, "knows no strategy “no-such”"),
        (NAIVE + SHOWN + "&step=9999", 200, "Step 6 of 6"),
        (NAIVE + SHOWN + "&step=minus", 200, "Step 5 of 6"),
        (f"{NAIVE}picture.svg?schedule=C*1", 404, "leaves the tree"),
    ],
)
def test_nonsense_gets_a_clear_answer(address: str, status: int, said: str, viewer: Client) -> None:
    assert said in text(viewer, address, status)


def test_a_viewer_finds_nothing_to_start(viewer: Client) -> None:
    for address in (NAIVE, "/races/hot/"):
        assert viewer.get(address).content.count(b'method="post"') == 1  # to sign out
    for start in ("races:hot_start", "races:trial_start"):
        viewer.get(NAIVE)
        token = viewer.cookies["csrftoken"].value
        answer = viewer.post(reverse(start), headers={"x-csrftoken": token})
        assert answer.status_code == 403


def test_looking_costs_few_queries(viewer: Client, django_assert_max_num_queries: object) -> None:
    for address in ("/races/", NAIVE + SHOWN + "&beside=row-lock", "/races/hot/"):
        with django_assert_max_num_queries(8):  # type: ignore[operator]
            viewer.get(address)
