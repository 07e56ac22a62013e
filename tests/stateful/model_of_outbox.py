"""What the outbox promises, as a few dictionaries: no locks, no SQL, nobody else at work."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from uuid import UUID

RULES = ("forever", "period", "while_pending")
CRASH_LIMIT = 3
DONE, FATAL, SNOOZE = "done", "fatal", "snooze"
FAILS = ("transient", "swallow", "cut")
"""An exception; one that was swallowed inside atomic(); the connection gone."""


@dataclass(frozen=True)
class Declared:
    """A handler: its batch, how many attempts there are, and what becomes of what is late."""

    name: str
    limit: int
    late: str
    size: int | None = None


@dataclass
class Known:
    """One message; `fates` are what its next runs come to, after which they succeed."""

    id: UUID
    handler: Declared
    fates: list[str]
    key: str | None
    group: str | None
    seq: int
    due: bool
    state: str = "pending"
    expires: bool = True
    late: bool = False
    attempts: int = 0
    crashes: int = 0
    alone: bool = False
    effects: int = 0

    @property
    def waits(self) -> bool:
        return self.state in ("pending", "parked")

    @property
    def fate(self) -> str:
        return self.fates[0] if self.fates else DONE

    @property
    def is_fresh(self) -> bool:
        """Whether nobody has run it before: only then its own dispatch may."""
        return not (self.attempts or self.crashes or self.alone)


@dataclass
class Standing:
    """What a key stands for."""

    owner: UUID
    asked: tuple[str, int]
    rule: str
    lapsed: bool = False


@dataclass
class Record:
    """A run record: `left` is what its process has not come to yet."""

    id: UUID
    ids: list[UUID]
    left: list[UUID]
    worker: str
    stands: bool = True


class Conflict(Exception):
    """The key stands for other arguments."""


@dataclass
class Model:
    """Messages, keys, records, pauses."""

    messages: dict[UUID, Known] = field(default_factory=dict)
    pruned: dict[UUID, Known] = field(default_factory=dict)
    keys: dict[str, Standing] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    abandoned: Counter[str] = field(default_factory=Counter)
    _seqs: Counter[str] = field(default_factory=Counter)

    def answer(self, key: str | None, asked: tuple[str, int]) -> UUID | None:
        """The message that a request is answered with; None: a new one. Raises Conflict."""
        known = self.keys.get(key or "")
        if known is None or not self._stands(known):
            return None
        if known.asked != asked:
            raise Conflict
        return known.owner

    def add(self, message: Known, asked: tuple[str, int], rule: str) -> None:
        if message.key:
            self.keys[message.key] = Standing(message.id, asked, rule)
        self._join(message)
        self.messages[message.id] = message

    def may_run(self, message: Known) -> bool:
        """Whether a claim may take it; what a record names was taken before any pause."""
        return message.state == "pending" and message.due

    def may_be_taken(self, message: Known) -> bool:
        """Whether the next run record may name it."""
        named = {one for record in self.records if record.stands for one in record.ids}
        free = message.handler.name not in self.paused and message.id not in named
        return self.may_run(message) and free

    def run(self, message: Known) -> None:
        """One run, to its end."""
        if message.late and message.handler.late != "run":
            self.end(message, "dead" if message.handler.late == "ask" else "expired")
            return
        fate = message.fates.pop(0) if message.fates else DONE
        if fate == DONE:
            message.effects += 1
            message.attempts += 1
            message.state = "done"
            self._promote(message.group)
            return
        message.due = False
        message.attempts += fate != SNOOZE
        if fate == FATAL or (fate in FAILS and message.attempts >= message.handler.limit):
            self.end(message, "dead")

    def drain(self) -> None:
        """Everything that is due, whatever becomes due by that included."""
        while ready := [one for one in self.messages.values() if self.may_be_taken(one)]:
            self.run(ready[0])

    def collect(self) -> None:
        """Every record that stands is a crash by now."""
        gone = [record for record in self.records if record.stands]
        per_worker = Counter(record.worker for record in gone)
        for record in gone:
            record.stands = False
            company = len(record.ids) > 1 or per_worker[record.worker] > 1
            for message in self._pending(record.ids):
                if message.alone or not company:
                    message.crashes += 1
                    message.due = False
                message.alone = True
                if message.crashes >= CRASH_LIMIT:
                    self.end(message, "dead")

    def to_ring_for(self) -> int:
        """How many dispatches a relay owes to what is due."""
        due = Counter(
            one.handler
            for one in self.messages.values()
            if self.may_run(one) and one.handler.name not in self.paused
        )
        return sum(min(ceil(count / (to.size or 1)), 8) for to, count in due.items())

    def end(self, message: Known, state: str) -> None:
        message.state = state
        self.abandoned[state] += 1
        self._promote(message.group)

    def may_redrive(self, message: Known) -> bool:
        known = self.keys.get(message.key or "")
        own = known is None or known.owner == message.id
        return message.state in ("dead", "expired", "cancelled", "discarded") and own

    def redrive(self, message: Known) -> None:
        if message.group and message.state != "dead":
            self._join(message)
        else:
            message.state = "pending"
        message.attempts, message.crashes = 0, 0
        message.alone, message.due = True, True
        message.expires = message.late = False

    def prune(self, ids: Iterable[UUID]) -> None:
        """These are past their time, and so are the keys that have lapsed."""
        gone = [one for one in ids if one in self.messages and self._may_go(self.messages[one])]
        for one in dict.fromkeys(gone):
            self.pruned[one] = self.messages.pop(one)
        left = {one.group for one in self.messages.values()}
        self._seqs = Counter({group: n for group, n in self._seqs.items() if group in left})
        for key, known in list(self.keys.items()):
            ended = known.rule == "while_pending" and not self._may_wait_again(known.owner)
            if ended or known.lapsed:
                del self.keys[key]

    def _stands(self, known: Standing) -> bool:
        if known.rule == "while_pending":
            return self._waits(known.owner)
        return not known.lapsed

    def _waits(self, message_id: UUID) -> bool:
        return message_id in self.messages and self.messages[message_id].waits

    def _may_go(self, message: Known) -> bool:
        """A dead one stays while others wait behind it."""
        in_the_way = message.state == "dead" and message.group
        return not message.waits and not (
            in_the_way and any(one.waits for one in self._in_line(message.group))
        )

    def _may_wait_again(self, message_id: UUID) -> bool:
        return message_id in self.messages and self.messages[message_id].state != "done"

    def _pending(self, ids: Iterable[UUID]) -> list[Known]:
        found = [self.messages[one] for one in ids if one in self.messages]
        return [one for one in found if one.state == "pending"]

    def _join(self, message: Known) -> None:
        """A number of its own in the group, and a place behind whatever blocks it."""
        blocked = bool(message.group and self._in_line(message.group))
        message.state = "parked" if blocked else "pending"
        if message.group:
            self._seqs[message.group] += 1
            message.seq = self._seqs[message.group]

    def _promote(self, group: str | None) -> None:
        line = self._in_line(group) if group else []
        if line and line[0].state == "parked":
            line[0].state = "pending"

    def _in_line(self, group: str) -> list[Known]:
        """Those of a group that wait, or are dead and block it."""
        line = [
            one
            for one in self.messages.values()
            if one.group == group and one.state in ("pending", "parked", "dead")
        ]
        return sorted(line, key=lambda one: one.seq)
