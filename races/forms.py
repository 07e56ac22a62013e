"""The lab's forms. `races.inputs` says what is allowed; a form only translates."""

from typing import Any

from django import forms

from races.hot.strategies import STRATEGIES
from races.inputs import NUMBERS, InvalidInput

FIRST = ["naive", "row-lock", "guarded", "once", "claimed"]


class HotForm(forms.Form):
    """Terms of a hot run; as it comes, the classic: 100 credits, 25 workers."""

    credits = forms.CharField(initial="100", label="Credits")
    workers = forms.CharField(initial="25", label="Workers")
    jobs = forms.CharField(initial="400", label="Texts wanted")
    twice = forms.BooleanField(
        initial=True, required=False, label="Deliver each tenth job twice, as brokers do"
    )
    strategies = forms.MultipleChoiceField(
        initial=FIRST,
        required=False,
        label="Strategies",
        choices=[(each.name, each.title) for each in STRATEGIES.values()],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give each control its class; the labels' colon is for paper."""
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for name, limits in NUMBERS.items():
            field = self.fields[name]
            field.required = False
            field.help_text = f"{limits.least} to {limits.most:,}"
            field.widget.attrs.update({"class": "input number", "inputmode": "numeric"})

    def numbers(self) -> list[forms.BoundField]:
        """The fields that have limits."""
        return [self[name] for name in ("credits", "workers", "jobs")]

    def asked(self) -> dict[str, Any]:
        """The fields as they were sent; `races.inputs` judges them."""
        chosen = self.fields["strategies"].widget.value_from_datadict(self.data, {}, "strategies")
        return {**{name: self.data.get(name) for name in self.fields}, "strategies": chosen or []}

    def add_refusal(self, refusal: InvalidInput) -> None:
        """Show each fault at its field."""
        for name, fault in refusal.errors.items():
            self.add_error(name if name in self.fields else None, fault[:1].upper() + fault[1:])
