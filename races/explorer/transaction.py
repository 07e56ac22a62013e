"""What one connection's open transaction holds, so that its end can be given a footprint."""

from dataclasses import dataclass, field

from .dependency import NOTHING, Footprint, Takes, union
from .statement import ADVISORY_LOCK, Statement, makes_strict


@dataclass
class OpenTransaction:
    """Row locks, changes and other resources gathered by a connection since BEGIN."""

    holds: Takes = field(default_factory=dict)
    at_commit: Takes = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    strict: bool = False
    everything: bool = False
    has_read: bool = False
    sets_constraints: bool = False

    def note_setting(self, sql: str) -> None:
        """Watch for SET TRANSACTION ISOLATION LEVEL."""
        self.strict = self.strict or makes_strict(sql)

    def run(self, statement: Statement) -> Footprint:
        """The footprint of a statement inside this transaction; what it takes is held on."""
        first = not self.has_read  # of those that take a snapshot, or is before it
        self.has_read = self.has_read or statement.takes_a_snapshot
        self.holds = union(self.holds, statement.footprint.takes)
        self.at_commit = union(self.at_commit, statement.at_commit)
        self.keys |= statement.footprint.keys & {ADVISORY_LOCK}  # a sequence's step is final
        self.everything = self.everything or statement.footprint.everything
        self.sets_constraints = self.sets_constraints or statement.sets_constraints
        footprint = statement.footprint
        if self.sets_constraints:  # what is put off may be asked at once from here on
            footprint |= Footprint(takes=statement.at_commit)
        if self.strict:
            footprint |= Footprint(strict=True, snapshot=first)
        return footprint

    def end(self, *, commits: bool) -> Footprint:
        """The footprint of COMMIT or ROLLBACK; after plain reads alone nobody can notice it.

        (But LOCK TABLE … NOWAIT could, by the lock of the table that each read holds; see wiretap.)
        """
        if not (self.holds or self.at_commit or self.keys or self.strict or self.everything):
            return NOTHING
        return Footprint(
            takes=self.at_commit if commits else {},
            frees=union(self.holds, self.at_commit),
            commits=commits,
            keys=self.keys,
            strict=self.strict,
            everything=self.everything,
        )

    def back_to_savepoint(self) -> Footprint:
        """ROLLBACK TO lets go at most what is held; it goes on counting as held."""
        return self.end(commits=False)


def autocommitted(statement: Statement, *, strict: bool = False) -> Footprint:
    """A statement that is a transaction by itself."""
    alone = OpenTransaction(strict=strict)
    ran = alone.run(statement)
    return ran | alone.end(commits=True) if ran != NOTHING else ran
