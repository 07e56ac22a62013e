"""Many callers with one key: one reduction, one message, one answer for all of them."""

import pytest

from outbox.models import Message
from pricing.inputs import InvalidInput
from pricing.models import PriceReduction, ReductionTarget
from pricing.services import KeyReused
from tests.pricing.shop import make_product, schedule
from tests.pricing.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_key_is_one_reduction() -> None:
    make_product()
    answers = at_once(*[lambda: schedule(key="sale")] * 8)
    assert len({reduction.pk for reduction in answers}) == 1
    assert PriceReduction.objects.count() == 1
    assert ReductionTarget.objects.count() == 1
    assert Message.objects.count() == 1


def test_without_a_key_each_is_its_own() -> None:
    make_product()
    answers = at_once(*[schedule] * 4)
    assert len({reduction.pk for reduction in answers}) == 4
    assert Message.objects.count() == 4


def test_one_key_for_two_operations_is_an_error_for_one_of_them() -> None:
    make_product()
    answers = at_once(
        lambda: schedule(percent="10", key="sale"), lambda: schedule(percent="20", key="sale")
    )
    assert sorted(type(answer) for answer in answers if isinstance(answer, Exception)) == [
        KeyReused
    ]
    assert PriceReduction.objects.count() == 1


def test_a_refused_one_does_not_keep_the_key_from_the_others() -> None:
    make_product()
    refused = lambda: schedule(percent=None, amount="11.00", key="sale")  # noqa: E731
    answers = at_once(refused, refused, refused)
    assert {type(answer) for answer in answers} == {InvalidInput}
    assert not PriceReduction.objects.exists()
