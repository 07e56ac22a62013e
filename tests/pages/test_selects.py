"""A select of ours has Django's very words: only how it comes about is cheaper."""

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from config import selects

CHOICES: list[Any] = [
    ("", "---------"),
    ("a&b", "<b> \"quoted\" & 'single'"),
    (1, 1234567),
    (None, gettext_lazy("Yes")),
    ("safe", mark_safe("<i>as it is</i>")),
    ("Group & <more>", [("x", "In a group"), (2.5, 2.5)]),
    ("Empty", []),
]
WIDGETS = {
    "of one": (forms.Select, ""),
    "with a choice": (forms.Select, "a&b"),
    "with a number": (forms.Select, 1),
    "of several": (forms.SelectMultiple, ["x", "a&b"]),
    "of none": (forms.SelectMultiple, []),
    "yes, no, unknown": (forms.NullBooleanSelect, True),
}
ATTRIBUTES = {"id": "id_one", "required": True, "disabled": False, "data-x": '"<&', "size": 1234}


def lines(rendered: str) -> list[str]:
    """Django's templates leave an empty line behind each option."""
    return [line for line in rendered.splitlines() if line]


@pytest.mark.parametrize("name", WIDGETS)
def test_it_reads_like_djangos_own(name: str) -> None:
    kind, value = WIDGETS[name]
    widget = kind() if kind is forms.NullBooleanSelect else kind(choices=CHOICES)

    ours = widget.render("a[b]&", value, ATTRIBUTES, renderer=selects.Renderer())
    djangos = widget.render("a[b]&", value, ATTRIBUTES, renderer=DjangoTemplates())

    assert lines(ours) == lines(djangos)
    assert "<b>" not in ours


def test_an_option_of_another_template_is_left_to_it() -> None:
    class Own(forms.Select):
        option_template_name = "django/forms/widgets/input_option.html"

    rendered = Own(choices=CHOICES).render("one", "", None, renderer=selects.Renderer())
    assert rendered == Own(choices=CHOICES).render("one", "", None, renderer=DjangoTemplates())


def test_every_form_has_it() -> None:
    assert isinstance(get_default_renderer(), selects.Renderer)
