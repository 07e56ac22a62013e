"""A long run is killed between two chunks and begun again: no product twice, none forgotten."""

from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from django.db import transaction
from django.db.models import F

from pricing.models import PriceReduction, Product
from pricing.services import apply as apply_module
from races import shop
from races.explorer import Question
from races.models import Account
from races.scenario import Form, Scenario, alone


def setup() -> None:
    shop.stock("A", "B")
    shop.scheduled(category="Books")
    Account.objects.create(pk=1)


def check() -> None:
    prices = {sku: int(shop.price(sku)) for sku in ("A", "B")}
    assert prices == {"A": 90, "B": 90}, f"10 % off 100, once each: {prices}"


def check_ours() -> None:
    check()
    assert PriceReduction.objects.get().status == "applied"
    shop.assert_history_agrees()


def chunks_without_a_ledger() -> None:
    for sku in ("A", "B"):
        with transaction.atomic():
            Product.objects.filter(sku=sku).update(price=F("price") * 90 / 100)


def position_in_another_transaction() -> None:
    """Remembers how far it was, a moment after it was there."""
    done = Account.objects.get(pk=1).credits
    for sku in ("A", "B")[done:]:
        with transaction.atomic():
            Product.objects.filter(sku=sku).update(price=F("price") * 90 / 100)
        Account.objects.filter(pk=1).update(credits=F("credits") + 1)


def chunks_of_one() -> AbstractContextManager[Any]:
    return mock.patch.object(apply_module, "CHUNK", 1)


def one_chunk() -> None:
    shop.apply()


def look() -> None:
    shop.price()


SCENARIO = Scenario(
    claim="A run in chunks survives its death",
    naive=(
        Form(
            "chunks without a ledger",
            Question((chunks_without_a_ledger, look), alone(check), setup, kills=1),
            "begun again, it begins at the beginning",
        ),
        Form(
            "position in another transaction",
            Question((position_in_another_transaction, look), alone(check), setup, kills=1),
            "killed between the chunk and the note of it",
        ),
    ),
    holds=(
        Form(
            "apply_reduction",
            Question(
                (one_chunk, one_chunk),
                alone(check_ours),
                setup,
                kills=1,
                around=chunks_of_one,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "our service in chunks of one product, delivered twice and killed anywhere; afterwards "
            "the relay finds what is left",
            ours=True,
            spare={
                **shop.REDUCTION_HELD,
                "constraint": "a last line: it outlives the reduction's status and every message",
            },
            constraints=[("pricing_pricechange", "price_change_once_per_reduction")],
        ),
    ),
    why=(
        "The chunk is committed and the note of it is not. The run that comes after starts from "
        "the note."
    ),
    cure=(
        "What became of each product is written in the transaction that changes it, and the next "
        "chunk is a message of that transaction too."
    ),
    refuses="price_change_once_per_reduction",
)
