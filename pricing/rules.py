"""The rules of a price reduction: pure, exact to the cent, and all in one place."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a reduction takes off. Exactly one of `percent` and `amount` is set."""

    percent: Decimal | None
    amount: Decimal | None
    apply_to_changed_price: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a product stands at the moment of decision, and the version that was promised."""

    price: Decimal
    floor: Decimal
    version: int
    based_on_version: int


@dataclass(frozen=True)
class Decision:
    """Either a new price, or the reason why there is none."""

    new_price: Decimal | None
    reason: str = ""

    @property
    def applied(self) -> bool:
        """Whether the price is to be changed."""
        return self.new_price is not None


def decide(terms: Terms, standing: Standing) -> Decision:
    """What becomes of one product in a reduction. A skip says why, as a sentence's end."""
    if standing.version != standing.based_on_version and not terms.apply_to_changed_price:
        return Decision(
            None,
            f"price changed since it was scheduled "
            f"(version {standing.based_on_version}, now {standing.version})",
        )
    if terms.amount is not None and terms.amount > standing.price:
        return Decision(None, f"amount {terms.amount} is above the price of {standing.price}")
    new_price = reduce_price(standing.price, terms)
    if new_price < standing.floor:
        return Decision(None, f"would fall below the floor of {standing.floor}")
    if new_price == standing.price:
        return Decision(None, f"would leave the price of {standing.price} as it is")
    return Decision(new_price)


def reduce_price(price: Decimal, terms: Terms) -> Decimal:
    """The price with the reduction taken off, rounded half up to the cent."""
    if terms.percent is not None:
        reduced = price * (100 - terms.percent) / 100
    elif terms.amount is not None:
        reduced = price - terms.amount
    else:
        raise ValueError("Terms need a percent or an amount.")
    return reduced.quantize(CENT, ROUND_HALF_UP)
