"""What goes in: numbers, texts and their segments, purchases, communities."""

from typing import Any

import pytest

from credits import phones, segments, services
from credits.inputs import InvalidInput
from credits.models import Community, CreditEntry
from tests.credits.world import balance, make_community
from tests.pricing.threads import at_once


@pytest.mark.parametrize(
    "written",
    ["+4915112345678", "+49 151 12345678", "+49 (0)151-12345678", " +49151/1234 5678 "],
)
def test_a_number_is_normalised(written: str) -> None:
    assert phones.normalise(written) == "+4915112345678"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0151 12345678", "has no country"),
        ("15112345678", "has no country"),
        ("+49 151 1", "in use nowhere"),
        ("+1 415 555 2671", "belongs to US"),
        ("+43 664 1234567", "belongs to AT"),
        ("hello", "no telephone number"),
        ("", "no telephone number"),
        ("+49 900 1234567", "premium-rate"),
        ("+999 12345678", "has no country"),
    ],
)
def test_a_wrong_number_is_explained(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        phones.normalise(written)


def test_other_countries_can_be_allowed(settings: Any) -> None:
    from dataclasses import replace

    settings.TEXTS = replace(settings.TEXTS, countries=("DE", "AT"))
    assert phones.normalise("+43 664 1234567") == "+436641234567"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("ä" * 160, 1),
        ("€" * 80, 1),  # two septets each
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape does not fit where a segment ends
        ("ž" * 70, 1),
        ("ž" * 71, 2),
        ("ž" * 134, 2),
        ("ž" * 135, 3),
        ("🙂" * 35, 1),  # two units each
        ("🙂" * 36, 2),
        ("🙂" * 67, 3),  # 33 in a segment: a pair is not torn apart
        ("a" * 159 + "ž", 3),  # one such character makes all of it UCS-2
        ("line\nline", 1),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments.count(text) == count


@pytest.mark.django_db(transaction=True)
class TestBuying:
    @pytest.mark.parametrize("amount", [0, -1, 1_000_001, 2**70, True, "1.5", "-3", "", "ten", 1.0])
    def test_a_wrong_amount_changes_nothing(self, amount: Any) -> None:
        make_community()
        with pytest.raises(InvalidInput, match="whole number from 1"):
            services.buy_credits(slug="club", amount=amount, actor="t")
        assert balance() == (0, 0)

    def test_the_same_key_buys_once_for_ever(self) -> None:
        make_community()
        first = services.buy_credits(slug="club", amount=5, actor="t", key="k")
        assert services.buy_credits(slug="club", amount=5, actor="t", key="k") == first
        with pytest.raises(services.KeyReused):
            services.buy_credits(slug="club", amount=6, actor="t", key="k")
        assert balance() == (5, 0)

    def test_the_same_key_from_eight_sides_at_once_buys_once(self) -> None:
        make_community()
        at_once(*[lambda: services.buy_credits(slug="club", amount=5, actor="t", key="k")] * 8)
        assert balance() == (5, 0)
        assert CreditEntry.objects.count() == 1

    def test_purchases_at_once_all_count(self) -> None:
        make_community()
        at_once(*[lambda: services.buy_credits(slug="club", amount=5, actor="t")] * 8)
        assert balance() == (40, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"slug": "Club"}, "slug"),
        ({"slug": "a/b"}, "slug"),
        ({"slug": "-a"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"slug": "a" * 65}, "slug"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"daily_cap": -1}, "daily_cap"),
        ({"unknown_policy": "guess"}, "unknown_policy"),
    ],
)
def test_a_wrong_community_is_explained(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        services.create_community(**{"slug": "club", "name": "The club", **asked})
    assert list(refusal.value.errors) == [field]
    assert not Community.objects.exists()


@pytest.mark.django_db
def test_a_slug_is_taken_once() -> None:
    first = services.create_community(slug="club", name="The club")
    assert services.create_community(slug="club", name="The club") == first
    with pytest.raises(InvalidInput, match="another"):
        services.create_community(slug="club", name="Another club")
