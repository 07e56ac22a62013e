"""Prices and reductions broken behind the application's back are found, mended, and then silent."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from outbox.models import Message
from outbox.reconciliation import registered
from outbox.reconciliation.models import Finding
from pricing import services
from pricing.models import PriceReduction, Product
from tests.pricing import shop
from tests.reconciliation.person import acknowledge

pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = [name for name in registered() if name.startswith("pricing.")]


def findings(check: str) -> list[dict[str, Any]]:
    out = StringIO()
    with suppress(SystemExit):  # a finding that needs a person is told by the exit status, too
        call_command("reconcile", "--check", check, "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["findings"]
    return found


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_all_is_well_after_ordinary_work() -> None:
    shop.make_product()
    shop.schedule()
    shop.work_off()
    shop.schedule(starts_at="2099-01-01T00:00:00Z")
    for check in CHECKS:
        assert findings(check) == []


def test_a_reduction_whose_message_is_gone_is_enqueued_again() -> None:
    shop.make_product()
    reduction = shop.schedule()
    Message.objects.all().delete()
    assert findings("pricing.due_not_applied") == [], "it may be on its way for ten minutes"
    execute("UPDATE pricing_pricereduction SET created_at = now() - interval '1 hour'")
    (found,) = findings("pricing.due_not_applied")
    assert (found["type"], found["repaired"]) == ("due_not_applied", True)
    assert findings("pricing.due_not_applied") == []
    shop.work_off()
    reduction.refresh_from_db()
    assert (reduction.status, shop.price_of()) == (PriceReduction.Status.APPLIED, "9.00")


def test_a_price_written_past_the_services_is_set_back() -> None:
    shop.make_product()
    execute("UPDATE pricing_product SET price = 7.77")
    (found,) = findings("pricing.price_is_not_the_last_change")
    assert (found["subject"], found["repaired"]) == ("BOOK", True)
    assert shop.price_of() == "10.00"
    assert findings("pricing.price_is_not_the_last_change") == []


def test_a_version_written_past_the_services_is_set_back() -> None:
    shop.make_product()
    execute("UPDATE pricing_product SET version = 9")
    assert len(findings("pricing.price_is_not_the_last_change")) == 1
    assert Product.objects.get().version == 1


def test_a_reduction_that_was_applied_twice_needs_a_person() -> None:
    shop.make_product()
    shop.schedule()
    shop.work_off()
    name = "price_change_once_per_reduction"
    execute(f"ALTER TABLE pricing_pricechange DROP CONSTRAINT {name}")
    try:
        execute(
            "INSERT INTO pricing_pricechange"
            " (product_id, version, old_price, new_price, cause, reduction_id, actor)"
            " SELECT product_id, version + 1, new_price, new_price - 1, cause, reduction_id, actor"
            " FROM pricing_pricechange WHERE reduction_id IS NOT NULL"
        )
        (found,) = findings("pricing.applied_twice")
        assert (found["type"], found["repaired"]) == ("applied_twice", False)
        acknowledge()
        assert findings("pricing.applied_twice") == []
    finally:
        execute("TRUNCATE pricing_pricechange, pricing_product CASCADE")
        unique = "UNIQUE (reduction_id, product_id)"
        execute(f"ALTER TABLE pricing_pricechange ADD CONSTRAINT {name} {unique}")


def test_a_reduction_that_was_called_applied_and_was_not_needs_a_person() -> None:
    shop.make_product()
    shop.schedule()
    execute("UPDATE pricing_pricereduction SET status = 'applied', finished_at = now()")
    shop.work_off()
    assert shop.price_of() == "10.00", "its message leaves alone what has ended"
    (found,) = findings("pricing.outcomes_differ")
    assert (found["type"], found["repaired"]) == ("outcomes_differ", False)
    evidence = Finding.objects.get().evidence
    assert (evidence["status"], evidence["undecided"]) == ("applied", 1)
    execute("UPDATE pricing_pricereduction SET status = 'scheduled', finished_at = NULL")
    assert findings("pricing.outcomes_differ") == []


def test_products_called_applied_whose_price_was_not_changed_are_one_finding() -> None:
    shop.make_category(3)
    shop.schedule(sku=None, category="Books", starts_at="2099-01-01T00:00:00Z")
    execute("UPDATE pricing_reductiontarget SET outcome = 'applied'")
    assert len(findings("pricing.outcomes_differ")) == 1
    assert Finding.objects.get().evidence["applied_without_a_change"] == 3
    execute("UPDATE pricing_reductiontarget SET outcome = NULL")
    assert findings("pricing.outcomes_differ") == []


def test_a_changed_price_of_a_product_called_skipped_needs_a_person() -> None:
    shop.make_product()
    shop.schedule()
    shop.work_off()
    execute("UPDATE pricing_reductiontarget SET outcome = 'skipped', reason = 'by hand'")
    assert len(findings("pricing.outcomes_differ")) == 1
    assert Finding.objects.get().evidence["changed_and_not_applied"] == 1
    execute("UPDATE pricing_reductiontarget SET outcome = 'applied', reason = ''")
    assert findings("pricing.outcomes_differ") == []


@pytest.mark.parametrize(("was", "called"), [("skipped", "applied"), ("applied", "skipped")])
def test_a_status_that_its_products_do_not_bear_out_needs_a_person(was: str, called: str) -> None:
    shop.make_category(2)
    shop.schedule(sku=None, category="Books")
    if was == "skipped":
        for sku in ("Books-0", "Books-1"):
            shop.edit(sku, price="12.00")
    shop.work_off()
    assert PriceReduction.objects.get().status == was
    reason = "by hand" if called == "skipped" else ""
    execute(f"UPDATE pricing_pricereduction SET status = '{called}', reason = '{reason}'")
    assert len(findings("pricing.outcomes_differ")) == 1
    assert Finding.objects.get().evidence == {
        "status": called,
        "undecided": 0,
        "applied_without_a_change": 0,
        "changed_and_not_applied": 0,
        "status_is_wrong": True,
    }
    reason = "by hand" if was == "skipped" else ""
    execute(f"UPDATE pricing_pricereduction SET status = '{was}', reason = '{reason}'")
    assert findings("pricing.outcomes_differ") == []


def test_a_changed_price_of_a_product_that_was_no_target_needs_a_person() -> None:
    shop.make_category(2)
    shop.schedule(sku="Books-0")
    shop.work_off()
    execute(
        "INSERT INTO pricing_pricechange"
        " (product_id, version, old_price, new_price, cause, reduction_id, actor)"
        " SELECT product.id, 2, price, price - 1, 'reduction', reduction.id, 'test'"
        " FROM pricing_product AS product, pricing_pricereduction AS reduction"
        " WHERE product.sku = 'Books-1'"
    )
    assert len(findings("pricing.outcomes_differ")) == 1
    evidence = Finding.objects.get().evidence
    assert (evidence["changed_and_no_target"], evidence["changed_and_not_applied"]) == (1, 0)
    acknowledge()
    assert findings("pricing.outcomes_differ") == [], "a change of a price stays"


def test_what_was_cancelled_or_skipped_before_its_end_is_no_finding() -> None:
    shop.make_category(2)
    cancelled = shop.schedule(
        sku=None, category="Books", percent="10", starts_at="2099-01-01T00:00:00Z"
    )
    services.cancel_reduction(reduction_id=cancelled.pk, actor="test")
    shop.schedule(sku="Books-0")
    shop.edit("Books-0", price="12.00")
    shop.work_off()
    assert set(PriceReduction.objects.values_list("status", flat=True)) == {"cancelled", "skipped"}
    assert findings("pricing.outcomes_differ") == []
