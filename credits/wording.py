"""A campaign's text and its fields: {name} and {community}. A brace itself is written twice."""

from dataclasses import dataclass
from string import Formatter

FIELDS = ("name", "community")


@dataclass(frozen=True)
class Wording:
    """A text, cut at its {name}: the parts between are the same for everybody."""

    parts: tuple[str, ...]

    @property
    def is_personal(self) -> bool:
        """Whether the members' texts differ."""
        return len(self.parts) > 1

    def for_name(self, name: str) -> str:
        """The text that a member of this name gets."""
        return name.join(self.parts)


def read(text: str, *, community: str) -> Wording:
    """Cut a text at its fields. Raises ValueError, which names the field that is not known."""
    parts = [""]
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        raise ValueError(
            "has a brace without its other half; write a brace itself twice: {{ or }}."
        ) from None
    for literal, field, form, conversion in pieces:
        parts[-1] += literal
        if field is None:
            continue
        if field not in FIELDS or form or conversion:
            known = ", ".join(f"{{{one}}}" for one in FIELDS)
            raise ValueError(f"has the unknown field {{{field[:40]}}}; there are {known}.")
        if field == "name":
            parts.append("")
        else:
            parts[-1] += community
    return Wording(tuple(parts))
