"""What the forms of all pages have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from django import forms


class Refusal(Protocol):
    """What a room's inputs raise: each field's fault."""

    errors: dict[str, str]


class PageForm(forms.Form):
    """A form whose controls look like ours and whose faults come from the inputs' rules."""

    SHOWN_AT: ClassVar[Mapping[str, str]] = {}
    """The form's own fields, for faults that the inputs report under other names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give each control its class; the labels' colon is for paper."""
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            if not isinstance(field.widget, forms.RadioSelect | forms.HiddenInput):
                field.widget.attrs.setdefault("class", "input")
                field.widget.attrs.setdefault("autocomplete", "off")

    def add_refusal(self, refusal: Refusal) -> None:
        """Show each fault at its field."""
        for name, fault in refusal.errors.items():
            field = self.SHOWN_AT.get(name, name)
            # "is missing; …": on a page the sentence stands at its field already.
            said = f"This {fault}" if fault.startswith(("is ", "has ", "holds ")) else fault
            self.add_error(field if field in self.fields else None, said[:1].upper() + said[1:])
