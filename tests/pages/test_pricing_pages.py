"""The pages of products and reductions: what they show, what their buttons do."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from outbox.models import Message
from pricing.models import PriceReduction, Product
from tests.accounts.people import make_user, signed_in
from tests.pricing.shop import apply, edit, make_category, make_product, schedule

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_user("operator"))
    return client


def text(answer) -> str:
    """What a reader reads: no tags, one blank between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def later() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def test_the_search_finds_by_sku_name_and_category_and_the_address_holds_it(operator) -> None:
    make_product("BOOK", category="Books")
    make_product("LAMP", category="Light")

    assert "LAMP" not in text(operator.get("/products/?search=book"))
    assert "LAMP" in text(operator.get("/products/?search=light"))
    assert "Nothing matches “zebra”" in text(operator.get("/products/?search=zebra"))
    assert "Nothing matches" in text(operator.get("/products/?search=%00"))


def test_htmx_gets_the_part_and_a_browser_the_page_and_no_cache_mixes_them(operator) -> None:
    make_product()
    page, part = operator.get("/products/"), operator.get("/products/", headers=PART)

    assert page.content.startswith(b"<!doctype html>")
    assert part.content.startswith(b"<section")
    assert "HX-Request" in page["Vary"]
    assert "HX-Request" in part["Vary"]


def test_many_products_come_in_pages_and_a_page_that_is_not_there_is_the_last(operator) -> None:
    make_category(60)

    def shown(query: str) -> list[str]:
        return re.findall(r"(\d+)\W(\d+) of 60 products", text(operator.get(f"/products/{query}")))

    assert shown("") == shown("?page=x") == [("1", "50")]
    assert shown("?page=2") == shown("?page=99") == [("51", "60")]
    assert "search=books&amp;page=2" in operator.get("/products/?search=books").content.decode()


def test_a_product_shows_its_price_over_time_and_what_reduced_it(operator) -> None:
    product = make_product(price="10.00")
    applied, skipped = schedule(percent="10"), schedule(percent="20")
    apply(applied)
    apply(skipped)

    page = operator.get(f"/products/{product.pk}/")

    assert "went from 10.00 to 9.00 in 2 changes" in text(page)
    assert "10.00 → 9.00 (reduction)" in page.content.decode()
    assert "20 % off BOOK skipped" in text(page)
    assert "price changed since it was scheduled" in text(page)


def test_names_are_shown_and_not_obeyed(operator) -> None:
    product = make_product()
    edit(name="<script>alert(1)</script>")

    for address in ("/products/", f"/products/{product.pk}/"):
        page = operator.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_reductions_are_filtered_by_status(operator) -> None:
    make_product()
    apply(schedule(percent="10"))
    schedule(percent="20", starts_at=later())

    assert "10 % off" not in text(operator.get("/reductions/?status=scheduled"))
    assert "20 % off" not in text(operator.get("/reductions/?status=applied"))
    assert "No reduction is expired" in text(operator.get("/reductions/?status=expired"))
    both = text(operator.get("/reductions/?status=nonsense"))
    assert "10 % off" in both
    assert "20 % off" in both


def test_a_reduction_tells_its_timeline_and_stops_asking_when_it_has_ended(operator) -> None:
    make_product()
    reduction = schedule(starts_at=later())
    address = f"/reductions/{reduction.pk}/"

    waiting = operator.get(address, headers=PART)
    assert "Scheduled" in text(waiting)
    assert "To be applied" in text(waiting)
    assert b"data-live" in waiting.content

    apply(reduction)
    ended = operator.get(address, headers=PART)
    assert "10.00 9.00" in text(ended)
    assert b"data-live" not in ended.content


def test_after_a_failure_the_timeline_says_why_and_when_it_is_tried_again(operator) -> None:
    make_product()
    reduction = schedule()
    message = Message.objects.get(id=reduction.message_id)
    message.events.create(kind="failed", attempt=1, error="the disk is full", worker="one:7")
    Message.objects.filter(id=message.id).update(due_at="2090-05-06T07:08:09Z")

    page = text(operator.get(f"/reductions/{reduction.pk}/"))

    assert "Failed" in page
    assert "the disk is full attempt 1 process one:7" in page
    assert "Next attempt 2090-05-06 07:08:09 UTC" in page


def test_a_categorys_reduction_counts_its_products_by_outcome(operator) -> None:
    make_category(3)
    Product.objects.filter(sku="Books-1").update(floor="10.00")
    reduction = schedule(sku=None, category="Books")
    apply(reduction)

    page = text(operator.get(f"/reductions/{reduction.pk}/"))

    assert "3 products 2 applied 1 skipped" in page


def test_cancelling_takes_a_post_with_its_token_from_somebody_who_may() -> None:
    make_product()
    reduction = schedule(starts_at=later())
    address = f"/reductions/{reduction.pk}/cancel/"
    viewer = Client()
    viewer.force_login(make_user("viewer"))

    assert viewer.post(address).status_code == 403
    assert signed_in("operator").post(address).status_code == 403
    assert signed_in("admin").get(address).status_code == 405
    reduction.refresh_from_db()
    assert reduction.status == "scheduled"


def test_cancelling_twice_cancels_once_and_after_the_end_it_says_so(operator) -> None:
    make_product()
    waiting, ended = schedule(starts_at=later()), apply(schedule())

    for _ in range(2):
        answer = operator.post(f"/reductions/{waiting.pk}/cancel/", follow=True)
        assert "The reduction is cancelled." in text(answer)
    assert "is applied already" in text(
        operator.post(f"/reductions/{ended.pk}/cancel/", follow=True)
    )
    assert set(PriceReduction.objects.values_list("status", flat=True)) == {"cancelled", "applied"}


def test_a_reduction_that_is_not_there_is_a_plain_404(operator) -> None:
    address = "/reductions/01900000-0000-7000-8000-000000000000/"

    assert operator.get(address).status_code == 404
    assert "There is no such reduction" in text(operator.post(f"{address}cancel/", follow=True))
    assert operator.get("/products/999999/").status_code == 404
    assert operator.get("/products/999999/edit/").status_code == 404
