"""Selects, written without a template for each option: the time zones alone are six hundred.

Django renders two templates for an option and another one for its attributes, which was most of
the time of the admin's largest forms. The words are the same; everything that is no select is
Django's own.
"""

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import conditional_escape

SELECTS = frozenset(f"django/forms/widgets/{name}.html" for name in ("select", "select_multiple"))
OPTION = "django/forms/widgets/select_option.html"


class Renderer(DjangoTemplates):
    """Django's own, but for selects whose options are ordinary ones."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        """The widget as HTML, every value escaped."""
        if template_name in SELECTS and _is_ordinary(context["widget"]):
            return _select(context["widget"])
        rendered: str = super().render(template_name, context, request)
        return rendered


def _is_ordinary(widget: Mapping[str, Any]) -> bool:
    """Whether nobody has chosen another template for one of its options."""
    groups = (options for _, options, _ in widget["optgroups"])
    return all(option["template_name"] == OPTION for options in groups for option in options)


def _select(widget: Mapping[str, Any]) -> str:
    lines = [f'<select name="{_shown(widget["name"])}"{_attributes(widget["attrs"])}>']
    for name, options, _ in widget["optgroups"]:
        if name:
            lines.append(f'  <optgroup label="{_shown(name)}">')
        lines.extend(
            f'  <option value="{conditional_escape(str(option["value"]))}"'
            f"{_attributes(option['attrs'])}>{_shown(option['label'])}</option>"
            for option in options
        )
        if name:
            lines.append("  </optgroup>")
    return "\n".join([*lines, "</select>"])


def _attributes(attributes: Mapping[str, Any]) -> str:
    """As Django's attrs.html: what is False is left out, what is True needs no value."""
    return "".join(
        f" {_shown(name)}" + ("" if value is True else f'="{conditional_escape(str(value))}"')
        for name, value in attributes.items()
        if value is not False
    )


def _shown(value: object) -> str:
    """As a template shows a value: a number as the language writes it, and all of it escaped."""
    return str(conditional_escape(str(localize(value))))
