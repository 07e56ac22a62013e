"""Stripe's search, and that it may lag behind."""

from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.payments import charged, intent


@pytest.fixture
def payments(stripe_v1: Any) -> dict[str, str]:
    create = stripe_v1.payment_intents.create
    return {
        "paid": create(charged("7")).id,
        "open": create(intent("7", 500)).id,
        "other": create(charged('O\'Hara "8"', metadata={"order": 'O\'Hara "8"', "x y": "z"})).id,
    }


QUERIES = [
    ("metadata['order']:'7'", ["open", "paid"]),
    ('metadata["order"]:"7" AND status:"succeeded"', ["paid"]),
    ("metadata['order']:'7' status:'succeeded'", ["paid"]),
    ("metadata['order']:'7' and -status:'succeeded'", ["open"]),
    ("metadata['order']:'8'", []),
    ("metadata['order']:'O\\'Hara \"8\"'", ["other"]),
    ("metadata['x y']:'z'", ["other"]),
    ("metadata['order']:'7' OR metadata['x y']:'z'", ["other", "open", "paid"]),
    ("amount>1000", ["other", "paid"]),
    ("amount<=500", ["open"]),
    ("amount=500 AND currency:'eur'", ["open"]),
    ("created>1 AND currency:'usd'", []),
    ("-metadata['x y']:null", ["other"]),
]


@pytest.mark.parametrize(("query", "found"), QUERIES)
def test_queries(stripe_v1: Any, payments: dict[str, str], query: str, found: list[str]):
    result = stripe_v1.payment_intents.search({"query": query})
    assert [payment.id for payment in result.data] == [payments[name] for name in found]


WRONG = [
    "",
    "order 7",
    "metadata['order']",
    "amount:'7' OR amount>5 AND amount<9",
    "status>'a'",
    "amount:'many'",
    "metadata['order']:'7' nonsense",
]


@pytest.mark.parametrize("query", WRONG)
def test_wrong_queries(stripe_v1: Any, payments: dict[str, str], query: str):
    import stripe

    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.payment_intents.search({"query": query})


def test_pages(stripe_v1: Any):
    ids = [stripe_v1.payment_intents.create(intent("7")).id for _ in range(5)]
    result = stripe_v1.payment_intents.search({"query": "metadata['order']:'7'", "limit": 2})
    assert result.has_more
    assert [payment.id for payment in result.auto_paging_iter()] == ids[::-1]


def test_the_search_can_lag_but_the_list_does_not(stripe_v1: Any, control: Control):
    control.turn("payments_search_lag_seconds", 60)
    stripe_v1.payment_intents.create(charged("7"))
    query = {"query": "metadata['order']:'7'"}
    assert stripe_v1.payment_intents.search(query).data == []
    assert len(stripe_v1.payment_intents.list().data) == 1
    control.turn("payments_search_lag_seconds", 0)
    assert len(stripe_v1.payment_intents.search(query).data) == 1
