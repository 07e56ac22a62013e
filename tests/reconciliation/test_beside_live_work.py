"""Reconciliation over and over beside people and workers who change everything: no alarm."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from credits import services as club
from credits.reconciliation.provider import CHECKS as TEXT_CHECKS
from orders.reconciliation.provider_list import AsksProvider
from outbox.reconciliation import Check, registered, run
from outbox.reconciliation.models import Finding, Reconciliation
from pricing.models import Product
from pricing.services.edit import EditConflict
from tests.credits import world
from tests.pricing import shop

pytestmark = pytest.mark.django_db(transaction=True)


def asks_a_provider(check: Check) -> bool:
    """There is none here."""
    return isinstance(check, AsksProvider) or check in TEXT_CHECKS


def reconcile() -> None:
    names = [name for name, check in registered().items() if not asks_a_provider(check)]
    started = run.begin(cause="test", names=names)
    assert started is not None
    going = True
    while going:
        with transaction.atomic():
            going = run.step(started).next_turn is not None


def edit_prices() -> None:
    for number in range(5, 55):
        try:
            shop.edit("BOOK", price=f"{number}.00")
        except EditConflict:  # a reduction was faster: people look again
            continue


def reduce_prices() -> None:
    for _ in range(10):
        shop.schedule(sku=None, category="Books", percent="1", if_price_changed="apply")
        shop.work_off()


def buy_credits() -> None:
    for _ in range(30):
        club.buy_credits(slug="club", amount=3, actor="test")


def start_and_cancel_campaigns() -> None:
    for _ in range(8):
        campaign = world.start()
        club.cancel_campaign(campaign_id=campaign.pk, actor="test")
        world.work("credits.drive_campaign")


WORK = (edit_prices, reduce_prices, buy_credits, start_and_cancel_campaigns)


def test_no_false_alarm_beside_live_work() -> None:
    for sku in ("BOOK", "NOVEL", "POEMS"):
        shop.make_product(sku)
    world.make_community(credits=1_000, members=3)
    failed: list[BaseException] = []

    def run_in_thread(work: Callable[[], Any]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    threads = [run_in_thread(work) for work in WORK]
    rounds = 0
    while any(thread.is_alive() for thread in threads) or rounds < 3:
        reconcile()
        rounds += 1
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert list(Finding.objects.values("type", "subject", "evidence")) == []
    assert Reconciliation.objects.filter(finished_at__isnull=False).count() == rounds
    assert Product.objects.get(sku="BOOK").version > 20, "there was work beside it"
