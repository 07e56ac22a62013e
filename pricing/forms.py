"""The forms of the pricing pages. `pricing.inputs` says what is allowed; a form only translates."""

from typing import Any
from uuid import uuid4

from django import forms

from intake.forms import PageForm
from intake.moments import in_utc
from pricing.models import PriceReduction, Product


class ScheduleForm(PageForm):
    """Schedule a reduction. The key is made when the form is shown, so one form schedules one."""

    SHOWN_AT = {"sku": "target", "category": "target", "percent": "value", "amount": "value"}

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    scope = forms.ChoiceField(
        label="What to reduce",
        choices=[("sku", "One product"), ("category", "A whole category")],
        widget=forms.RadioSelect,
        initial="sku",
    )
    target = forms.CharField(label="SKU or category", max_length=200, strip=False)
    unit = forms.ChoiceField(
        label="Taken off as",
        choices=[("percent", "percent"), ("amount", "amount")],
        initial="percent",
        widget=forms.Select(attrs={"aria-label": "Unit"}),
    )
    value = forms.CharField(
        label="Reduce by",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "10"}),
    )
    starts_at = forms.CharField(
        label="Starts at",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"data-moment": "", "placeholder": "now"}),
        help_text="Empty: now. A time is UTC unless it carries an offset: "
        "2030-01-31 09:00 or 2030-01-31 09:00+01:00.",
    )
    expires_at = forms.CharField(
        label="Expires at",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"data-moment": "", "placeholder": "never"}),
        help_text="The last moment to apply it. Nothing is taken back then.",
    )
    if_price_changed = forms.ChoiceField(
        label="If the price has changed by then",
        choices=[
            (PriceReduction.IfPriceChanged.SKIP, "Skip the product, and say so"),
            (PriceReduction.IfPriceChanged.APPLY, "Take it off the new price"),
        ],
        widget=forms.RadioSelect,
        initial=PriceReduction.IfPriceChanged.SKIP,
    )

    def request(self) -> dict[str, Any]:
        """Return the arguments of `services.schedule_reduction` but for actor and key."""
        asked = self.cleaned_data
        return {
            asked["scope"]: asked["target"],
            asked["unit"]: asked["value"],
            "starts_at": in_utc(asked["starts_at"]),
            "expires_at": in_utc(asked["expires_at"]),
            "if_price_changed": asked["if_price_changed"],
        }


class ProductForm(PageForm):
    """Edit a product, as it was at `revision`."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(max_length=200)
    category = forms.CharField(max_length=100)
    price = forms.CharField(max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    floor = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="No reduction takes the price below this.",
    )

    @classmethod
    def of(cls, product: Product) -> "ProductForm":
        """Return the form filled with a product as it is."""
        fields = ("revision", "name", "category", "price", "floor")
        return cls(initial={field: getattr(product, field) for field in fields})
