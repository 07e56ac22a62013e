"""Where one is in the lab: scenario, strategy, schedule, step. All of it is in the address."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.text import slugify

from races.recording.data import Form, Recording

LARGE = "large"


def slug(strategy: str) -> str:
    """A strategy's name as addresses have it."""
    return slugify(strategy)


def form_of(recording: Recording, strategy: str) -> Form | None:
    """The form with this slug."""
    return next((form for form in recording.forms if slug(form.name) == strategy), None)


@dataclass(frozen=True)
class Address:
    """One view of one run. Whatever is empty is left to the page."""

    scenario: str
    strategy: str
    schedule: str = ""
    step: int | None = None
    beside: str = ""  # the strategy of the second column
    view: str = ""  # LARGE: for a projector
    path: str = ""  # of a run that is no recording's

    def but(self, **changes: Any) -> "Address":
        """The same with something changed."""
        return replace(self, **changes)

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the question mark."""
        words = {"schedule": self.schedule, "beside": self.beside, "view": self.view}
        step = {} if self.step is None else {"step": str(self.step)}
        return {name: word for name, word in words.items() if word} | step

    def __str__(self) -> str:
        """The page's address."""
        return self._at("races:run")

    @property
    def picture(self) -> str:
        """The address of its picture."""
        return self._at("races:picture")

    def _at(self, view: str) -> str:
        names = [self.scenario.replace("_", "-"), self.strategy]
        path = self.path or reverse(view, args=names)
        return f"{path}?{urlencode(self.query)}" if self.query else path
