"""The rules of a reduction: exact to the cent, never below the floor, and never silent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.rules import Standing, Terms, decide, reduce_price

CENTS = st.decimals(0, "99999999.99", places=2)
PERCENTS = st.decimals("0.01", 100, places=2)
AMOUNTS = st.decimals("0.01", "99999999.99", places=2)
TERMS = st.one_of(
    st.builds(Terms, percent=PERCENTS, amount=st.none(), apply_to_changed_price=st.booleans()),
    st.builds(Terms, percent=st.none(), amount=AMOUNTS, apply_to_changed_price=st.booleans()),
)
STANDINGS = st.builds(
    Standing,
    price=CENTS,
    floor=CENTS,
    version=st.integers(1, 3),
    based_on_version=st.integers(1, 3),
)


def percent(value: str, *, apply: bool = False) -> Terms:
    return Terms(percent=Decimal(value), amount=None, apply_to_changed_price=apply)


def amount(value: str) -> Terms:
    return Terms(percent=None, amount=Decimal(value))


def standing(price: str, *, floor: str = "0.00", version: int = 1, based_on: int = 1) -> Standing:
    return Standing(
        price=Decimal(price), floor=Decimal(floor), version=version, based_on_version=based_on
    )


@pytest.mark.parametrize(
    ("price", "terms", "expected"),
    [
        ("10.00", percent("10"), "9.00"),
        ("9.99", percent("10"), "8.99"),  # 8.991
        ("0.05", percent("50"), "0.03"),  # 0.025, half up; half even would give 0.02
        ("0.15", percent("50"), "0.08"),  # 0.075
        ("1.01", percent("50"), "0.51"),  # 0.505; half even would give 0.50
        ("10.00", percent("100"), "0.00"),
        ("19.99", percent("12.5"), "17.49"),  # 17.49125
        ("99999999.99", percent("0.01"), "99989999.99"),
        ("10.00", amount("1.00"), "9.00"),
        ("10.00", amount("10.00"), "0.00"),
    ],
)
def test_reductions_are_rounded_half_up_to_the_cent(
    price: str, terms: Terms, expected: str
) -> None:
    assert decide(terms, standing(price)).new_price == Decimal(expected)


@pytest.mark.parametrize(
    ("terms", "found", "reason"),
    [
        (
            percent("10"),
            standing("9.00", version=5, based_on=3),
            "price changed since it was scheduled (version 3, now 5)",
        ),
        (percent("10"), standing("5.00", floor="5.00"), "would fall below the floor of 5.00"),
        (amount("5.01"), standing("5.00"), "amount 5.01 is above the price of 5.00"),
        (percent("1"), standing("0.01"), "would leave the price of 0.01 as it is"),
        (percent("10"), standing("0.00"), "would leave the price of 0.00 as it is"),
    ],
)
def test_a_skip_says_why(terms: Terms, found: Standing, reason: str) -> None:
    decision = decide(terms, found)
    assert (decision.new_price, decision.reason) == (None, reason)


def test_the_same_amount_under_another_version_counts_as_changed() -> None:
    # From 10.00 to 12.00 and back: the amount alone would not show it.
    assert not decide(percent("10"), standing("10.00", version=3, based_on=1)).applied


def test_apply_takes_it_off_the_new_price() -> None:
    found = standing("8.00", version=3, based_on=1)
    assert decide(percent("10", apply=True), found).new_price == Decimal("7.20")


def test_exactly_the_floor_is_allowed() -> None:
    assert decide(amount("1.00"), standing("6.00", floor="5.00")).new_price == Decimal("5.00")


@given(TERMS, STANDINGS)
def test_a_decision_is_a_lower_price_not_below_the_floor_or_a_reason(
    terms: Terms, found: Standing
) -> None:
    decision = decide(terms, found)
    if decision.new_price is None:
        assert decision.reason
        return
    assert not decision.reason
    assert found.floor <= decision.new_price < found.price
    assert decision.new_price.as_tuple().exponent == -2


@given(CENTS, PERCENTS)
def test_the_new_price_is_within_half_a_cent_of_the_exact_one(price: Decimal, off: Decimal) -> None:
    exact = price * (100 - off) / 100
    reduced = reduce_price(price, Terms(percent=off, amount=None))
    assert Decimal("-0.005") < reduced - exact <= Decimal("0.005")


def test_terms_without_percent_and_amount_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="percent or an amount"):
        reduce_price(Decimal(1), Terms(percent=None, amount=None))
