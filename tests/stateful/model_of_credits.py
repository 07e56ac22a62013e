"""What credits promise, as plain numbers: who was texted, who pays, what is held."""

from dataclasses import dataclass, field
from typing import Any

OPEN = ("queued", "sending", "unknown")
MOST_ATTEMPTS = 3
"""Attempts after which a text that is put off again and again has failed; few, so that it comes to
that."""

MOST_RESENDS = 2
"""How often a text whose outcome nobody knows is sent again, where the community wishes it."""


@dataclass
class Person:
    """A member, by number."""

    number: int
    opted_out: bool = False


@dataclass
class Batch:
    """A campaign. `asked` is what its key stands for."""

    asked: tuple[Any, ...]
    has_deadline: bool
    status: str = "running"
    late: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in ("running", "paused")

    @property
    def may_send(self) -> bool:
        return self.status == "running" and not self.late


@dataclass
class Text:
    """One text; `truth` is what became of it at the provider's, if it was ever accepted there."""

    batch: Batch
    person: Person
    cost: int
    state: str = "queued"
    handed: bool = False
    counted: bool = False
    attempts: int = 0
    resent: int = 0
    truth: str = ""
    told: set[tuple[Any, ...]] = field(default_factory=set)


@dataclass
class Books:
    """One community."""

    people: list[Person]
    cap: int | None
    resends: bool
    credits: int = 0
    held: int = 0
    bought: dict[str, int] = field(default_factory=dict)
    batches: dict[Any, Batch] = field(default_factory=dict)
    texts: dict[int, Text] = field(default_factory=dict)

    @property
    def today(self) -> int:
        """What counts against the day's cap: begun, and not surely failed."""
        lost = ("failed", "skipped")
        return sum(text.counted and text.state not in lost for text in self.texts.values())

    def of(self, batch: Batch) -> list[Text]:
        return [text for text in self.texts.values() if text.batch is batch]

    def reached(self, cost: int, everybody: bool) -> tuple[list[Person], int]:
        """Who would get a text of this cost, and how many credits are missing for it."""
        wanted = [one for one in self.people if not one.opted_out]
        fits = wanted if everybody else wanted[: self.credits // cost]
        needed = cost * (len(fits) if everybody else 1)
        return fits, max(needed - self.credits, 0)

    def hold(self, amount: int) -> None:
        self.credits -= amount
        self.held += amount

    # What a driver, a worker, a provider or a person makes of a text ------------------------------

    def drive(self, batch: Batch) -> None:
        """Hand out what the cap allows and what was counted already, or end the campaign."""
        texts = self.of(batch)
        if batch.is_open and batch.late:
            batch.status = "expired"
        if batch.status == "running":
            waiting = [one for one in texts if one.state == "queued" and not one.handed]
            begun = [one for one in texts if one.state == "sending" or one.handed]
            room = len(waiting) if self.cap is None else max(self.cap - self.today, 0)
            for text in waiting[:room] + [one for one in waiting[room:] if one.counted]:
                text.handed = True
            again = self.resends and any(one.state == "unknown" for one in texts)
            if not waiting and not begun and not again:
                batch.status = "finished"
        elif batch.status != "paused":
            for text in texts:
                if text.state == "queued":
                    self.lose(text, "skipped")

    def begin(self, text: Text) -> bool:
        """Claim a text. False: it is put back, or its member wants none."""
        text.handed = False
        if text.state != "queued" or not text.batch.may_send:
            return False
        if text.person.opted_out:
            self.lose(text, "skipped")
            return False
        if self.cap is not None and not text.counted:
            if self.today >= self.cap:
                return False
            text.counted = True
        text.state = "sending"
        text.attempts += 1
        return True

    def reply(self, text: Text, said: str, attempt: int) -> None:
        """What the sender of an attempt says of it, in time or not."""
        ours = text.state in ("sending", "unknown") and text.attempts == attempt
        if said == "accepted" and text.state in OPEN:
            self.spend(text)
        elif said == "refused" and ours:
            text.person.opted_out = True  # the provider says that this one wants no texts
            self.lose(text, "failed")
        elif said == "postponed" and ours:
            self._put_off(text)
        elif said == "unknown" and ours:
            text.state = "unknown"

    def settle(self, text: Text) -> None:
        """The provider's list was read, after time-out and lag."""
        if text.truth:
            self.spend(text)
        elif self.resends and text.batch.is_open and text.resent < MOST_RESENDS:
            text.resent += 1
            text.state, text.handed = "queued", False
        else:
            self.lose(text, "failed")

    def tell(self, text: Text, status: str) -> None:
        """A callback that is news."""
        if status == "failed":
            if text.state in OPEN:
                self.lose(text, "failed")
            elif text.state == "sent":
                text.state = "failed"
                self.credits += text.cost
            return
        if text.state in OPEN:
            self.spend(text)
        if status == "delivered" and text.state == "sent":
            text.state = "delivered"

    def spend(self, text: Text) -> None:
        text.state = "sent"
        self.held -= text.cost

    def lose(self, text: Text, state: str) -> None:
        text.state = state
        text.handed = False
        self.held -= text.cost
        self.credits += text.cost

    def _put_off(self, text: Text) -> None:
        if not text.batch.is_open:
            self.lose(text, "skipped")
        elif text.attempts >= MOST_ATTEMPTS:
            self.lose(text, "failed")
        else:
            text.state, text.handed = "queued", True
