"""Statements and sentences in templates; see `races.stage.words`."""

from django import template

from races.stage import words
from races.stage.address import Address

register = template.Library()
register.filter("sql", words.sql)
register.filter("sentence", words.sentence)


@register.filter
def at_step(address: Address, step: int) -> str:
    """The same address, at another step."""
    return str(address.but(step=step))


@register.filter
def times(count: int) -> range:
    """So many, to go through."""
    return range(count)
