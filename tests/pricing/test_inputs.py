"""Bad input is refused in one place, and told what to do."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import inputs
from pricing.inputs import InvalidInput, product_draft, reduction_request

GOOD: dict[str, Any] = {"sku": "BOOK", "percent": "10"}

NO_PERCENTS = ["0", "0.00", "-5", "+5", "101", "100.01", "NaN", "Infinity", "1e3", "1E1", "1,5"]
NO_PERCENTS += ["1.234", ".5", "5.", "٣", "10%", "1_0", "0x10", "9" * 400, "\n10", "10\n", " 10"]

NO_MOMENTS = ["2030-01-31", "2030-01-31T09:00:00", "tomorrow", "09:00", "20300131"]
NO_MOMENTS += ["2030-02-30T09:00:00Z", "2030-01-31T09:00:00+99:00"]
NO_MOMENTS += ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


def refused(**arguments: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        reduction_request(**{**GOOD, **arguments})
    return caught.value.errors


@pytest.mark.parametrize("percent", NO_PERCENTS)
def test_a_percent_is_a_plain_decimal_above_0_and_up_to_100(percent: str) -> None:
    errors = refused(percent=percent)
    assert list(errors) == ["percent"]
    assert "above 0 and up to 100" in errors["percent"]
    assert len(errors["percent"]) < 200
    assert "\n" not in errors["percent"]


@pytest.mark.parametrize(
    "amount", ["0", "-1", "NaN", "1e3", "1.234", "100000000.00", "1 000", "€1"]
)
def test_an_amount_is_plain_money_above_0(amount: str) -> None:
    errors = refused(percent=None, amount=amount)
    assert list(errors) == ["amount"]


@pytest.mark.parametrize("value", [10, 10.0, True, False, ["10"], {"a": 1}, Decimal("NaN")])
def test_a_percent_of_another_type_is_refused(value: Any) -> None:
    assert list(refused(percent=value)) == ["percent"]


def test_percent_and_amount_are_alternatives() -> None:
    assert refused(percent=None) == {"percent": "is missing; give either percent or amount."}
    assert refused(amount="1") == {"percent": "give only one of percent and amount."}


def test_sku_and_category_are_alternatives() -> None:
    assert refused(sku=None) == {"sku": "is missing; give either sku or category."}
    assert refused(category="Books") == {"sku": "give only one of sku and category."}


@pytest.mark.parametrize("moment", NO_MOMENTS)
def test_a_moment_needs_a_zone(moment: str) -> None:
    assert list(refused(starts_at=moment)) == ["starts_at"]
    assert "zone" in refused(expires_at=moment)["expires_at"]


def test_moments_are_read_into_utc() -> None:
    request = reduction_request(
        **GOOD,
        starts_at="2030-01-31T09:00:00+01:00",
        expires_at=datetime(2030, 1, 31, 10, tzinfo=timezone(timedelta(hours=1))),
    )
    assert request.starts_at == datetime(2030, 1, 31, 8, tzinfo=UTC)
    assert request.expires_at == datetime(2030, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize("expiry", ["2030-01-31T09:00:00Z", "2030-01-31T10:00:00+02:00"])
def test_the_expiry_is_after_the_start(expiry: str) -> None:
    errors = refused(starts_at="2030-01-31T09:00:00Z", expires_at=expiry)
    assert errors == {"expires_at": "is not after starts_at; move one of them."}


def test_the_policy_is_skip_or_apply() -> None:
    assert reduction_request(**GOOD).if_price_changed == "skip"
    assert list(refused(if_price_changed="perhaps")) == ["if_price_changed"]


def test_all_faults_are_told_at_once() -> None:
    errors = refused(percent="0", starts_at="soon", if_price_changed="perhaps")
    assert set(errors) == {"percent", "starts_at", "if_price_changed"}


def test_an_empty_string_is_nothing() -> None:
    request = reduction_request(**GOOD, category="", amount="", starts_at="", expires_at="")
    assert (request.category, request.amount, request.starts_at) == (None, None, None)


@pytest.mark.parametrize("sku", ["A\nB", "A\x00", "A\u2028B", "\udcff", "   ", "x" * 201])
def test_text_is_one_line_without_control_characters(sku: str) -> None:
    assert list(refused(sku=sku)) == ["sku"]


@pytest.mark.parametrize("sku", ["A/B", ".", "..", "x" * 65, ""])
def test_a_sku_can_stand_in_an_address(sku: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        product_draft(sku=sku, name="Book", category="Books", price="1.00")
    assert list(caught.value.errors) == ["sku"]


def test_a_price_is_not_below_the_floor() -> None:
    with pytest.raises(InvalidInput, match=r"4.99 is below the floor of 5.00"):
        product_draft(sku="BOOK", name="Book", category="Books", price="4.99", floor="5.00")


AMOUNTS = st.one_of(
    st.text(),
    st.text("0123456789.,+-eE_ ", max_size=9),
    st.decimals().map(str),
    st.decimals(0, 99, places=3).map(str),
    st.integers(-99, 99).map(lambda power: f"1e{power}"),
)
"""Most of what looks like one is none; mere text hardly ever looks like one."""


@given(AMOUNTS)
def test_what_passes_as_money_is_finite_and_has_at_most_two_decimals(written: str) -> None:
    try:
        value = inputs.money(written)
    except ValueError:
        return
    assert 0 <= value < 100_000_000
    assert value == round(value, 2)


@given(st.decimals(0, "99999999.99", places=2))
def test_every_price_that_a_product_can_have_can_be_written(price: Decimal) -> None:
    assert inputs.money(str(price)) == price
