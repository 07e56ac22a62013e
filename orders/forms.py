"""The customer's form. `orders.inputs` says what is allowed; a form only translates."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms

from intake.forms import PageForm, Refusal
from orders.inputs import MOST_OF_ONE
from orders.models import Order
from pricing import inputs

CARDS = [
    ("pm_card_visa", "Visa, accepted"),
    ("pm_card_mastercard", "Mastercard, accepted"),
    ("pm_card_chargeDeclined", "A card that is declined"),
    ("pm_card_chargeDeclinedInsufficientFunds", "A card without enough money"),
]
"""The payment provider's ids for tests. A shop of real cards has the provider's own field here."""


def placed_by_form(order: Order) -> dict[str, Any]:
    """What the form said that placed this order."""
    line = order.lines.select_related("product")[0]
    said = {"sku": line.product.sku, "quantity": line.quantity, "email": order.email}
    return {**said, "payment_method": order.payment_method}


class OrderForm(PageForm):
    """Place an order. The key is made when the form is shown, so one form places one order."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    #: SKU and price as the page showed them; what was not shown is not charged.
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)
    sku = forms.CharField(label="Product (SKU)", max_length=64)
    quantity = forms.IntegerField(initial=1)
    payment_method = forms.ChoiceField(label="Card", choices=CARDS)
    email = forms.CharField(label="E-mail for the receipt", required=False, max_length=254)

    def price_seen(self) -> Decimal | None:
        """The price of one that the page showed for this product; None where it showed another."""
        sku, _, price = self.cleaned_data["seen"].rpartition("=")
        try:
            return inputs.money(price) if sku == self.cleaned_data["sku"] else None
        except ValueError:
            return None

    def request(self) -> dict[str, Any]:
        """Return the arguments of `services.place_order` but for actor and key."""
        asked, price = self.cleaned_data, self.price_seen()
        quantity = asked["quantity"]
        readable = price is not None and 0 < quantity <= MOST_OF_ONE
        return {
            "lines": [{"sku": asked["sku"], "quantity": quantity}],
            "payment_method": asked["payment_method"],
            "expected_total": f"{price * quantity:.2f}" if price and readable else None,
            "email": asked["email"] or None,
        }

    def add_refusal(self, refusal: Refusal) -> None:
        """Show each fault at its field."""
        for name, fault in refusal.errors.items():
            field = name.rpartition(".")[2]
            said = (
                f"This {fault}" if fault.startswith(("is ", "has ", "holds ", "looks ")) else fault
            )
            said = f"These {fault}" if name == "lines" else said
            self.add_error(field if field in self.fields else None, said[:1].upper() + said[1:])
