"""The forms of the pricing pages. `pricing.inputs` says what is allowed; a form only translates."""

from typing import Any
from uuid import uuid4

from django import forms

from pricing.inputs import InvalidInput
from pricing.models import PriceReduction, Product

#: The form's own fields, for faults that `pricing.inputs` reports under other names.
FORM_FIELDS = {"sku": "target", "category": "target", "percent": "value", "amount": "value"}


class PageForm(forms.Form):
    """A form whose controls look like ours and whose faults come from the inputs' rules."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give each control its class; the labels' colon is for paper."""
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            if not isinstance(field.widget, forms.RadioSelect | forms.HiddenInput):
                field.widget.attrs.setdefault("class", "input")
                field.widget.attrs.setdefault("autocomplete", "off")

    def add_refusal(self, refusal: InvalidInput) -> None:
        """Show each fault at its field."""
        for name, fault in refusal.errors.items():
            field = FORM_FIELDS.get(name, name)
            # "is missing; …": on a page the sentence stands at its field already.
            said = f"This {fault}" if fault.startswith(("is ", "has ", "holds ")) else fault
            self.add_error(field if field in self.fields else None, said[:1].upper() + said[1:])


class ScheduleForm(PageForm):
    """Schedule a reduction. The key is made when the form is shown, so one form schedules one."""

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


def in_utc(written: str) -> str:
    """Return a time as `pricing.inputs` reads it: one without an offset is in UTC.

    What is no time at all is returned as it is, for the inputs to refuse.
    """
    moment = written.strip().removesuffix("UTC").strip()
    clock = moment[10:]
    has_zone = moment.endswith(("Z", "z")) or "+" in clock or "-" in clock
    return moment if not clock or has_zone else f"{moment}+00:00"
