"""Which two steps may be swapped without anybody seeing a difference.

PostgreSQL's MVCC makes many of them independent: a plain read sees commits, never what is not yet
committed, so it depends on the *commits* to its tables only. Locks depend on each other by the
matrix of row locks (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
Under REPEATABLE READ and SERIALIZABLE everything that meets in one table is taken as dependent, and
of two such transactions every step of one on every step of the other.
All is by table: coarser than the truth, which costs schedules. What a statement touches is read
from its text and the catalogue; that this misses none is tried on random programs, not proven.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

# What a statement does to rows of a table. The first four are PostgreSQL's row locks; an UPDATE of
# other than key columns takes NO KEY UPDATE and writes; a DELETE or an UPDATE of keys takes UPDATE.
KEY_SHARE, SHARE, NO_KEY_UPDATE, UPDATE = "key share", "share", "no key update", "update"
INSERT, WRITE, DELETE = "insert", "write", "delete"
CHANGES = frozenset({INSERT, WRITE, DELETE})
ANY_SEQUENCE = "sequence"  # a number drawn by hand: from whichever

_CLASHES: dict[str, frozenset[str]] = {
    KEY_SHARE: frozenset({UPDATE, DELETE}),
    SHARE: frozenset({NO_KEY_UPDATE, UPDATE, WRITE, DELETE}),
    NO_KEY_UPDATE: frozenset({SHARE, NO_KEY_UPDATE, UPDATE, WRITE, DELETE}),
    UPDATE: frozenset({KEY_SHARE, SHARE, NO_KEY_UPDATE, UPDATE, WRITE, DELETE}),
    # a write may move a row onto or off a unique key that an insert wants
    WRITE: frozenset({SHARE, NO_KEY_UPDATE, UPDATE, WRITE, DELETE, INSERT}),
    DELETE: frozenset({KEY_SHARE, SHARE, NO_KEY_UPDATE, UPDATE, WRITE, DELETE, INSERT}),
    INSERT: frozenset({INSERT, WRITE, DELETE}),
}

Takes = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Footprint:
    """What one step touches.

    ``takes``: rows it locks or changes. ``frees``: what a transaction's end lets go, and, where
    ``commits``, makes visible. ``keys``: other resources (a gateway, Redis, advisory locks).
    ``strict``: the transaction is REPEATABLE READ or SERIALIZABLE; ``snapshot``: its first read.
    ``blocked``: the step had to wait, so that the order of waiting decides who dies in a deadlock.
    """

    reads: frozenset[str] = frozenset()
    takes: Takes = field(default_factory=dict)
    frees: Takes = field(default_factory=dict)
    commits: bool = False
    keys: frozenset[str] = frozenset()
    everything: bool = False
    strict: bool = False
    snapshot: bool = False
    blocked: bool = False

    def __or__(self, other: "Footprint") -> "Footprint":
        return Footprint(
            self.reads | other.reads,
            union(self.takes, other.takes),
            union(self.frees, other.frees),
            self.commits or other.commits,
            self.keys | other.keys,
            self.everything or other.everything,
            self.strict or other.strict,
            self.snapshot or other.snapshot,
            self.blocked or other.blocked,
        )

    @property
    def is_empty(self) -> bool:
        """True where the step can be seen by nobody else."""
        return self == NOTHING

    @property
    def tables(self) -> frozenset[str]:
        """Every table that the step has to do with."""
        return self.reads | self.takes.keys() | self.frees.keys()

    @property
    def changed(self) -> set[str]:
        """Tables with rows that the step, or the transaction it ends, has changed."""
        both = union(self.takes, self.frees)
        return {table for table, modes in both.items() if modes & CHANGES}

    @property
    def may_change(self) -> bool:
        """True where it has changed rows, or may have, as its statements do not tell."""
        return bool(self.everything or self.changed)

    @property
    def may_change_any_table(self) -> bool:
        """True where it cannot be told which tables, or their sequences, it has changed."""
        return self.everything or ANY_SEQUENCE in self.keys


NOTHING = Footprint()


def independent(a: Footprint, b: Footprint) -> bool:
    """True when a then b, and b then a, lead to the same state and the same answers."""
    if a.is_empty or b.is_empty:
        return True
    if a.everything or b.everything or (a.blocked and b.blocked) or a.keys & b.keys:
        return False
    return not (_clash(a, b) or _sees(a, b) or _sees(b, a) or _strict_clash(a, b))


def union(a: Takes, b: Takes) -> Takes:
    """Both sets of row locks and changes."""
    return {table: a.get(table, frozenset()) | b.get(table, frozenset()) for table in {*a, *b}}


def _clash(a: Footprint, b: Footprint) -> bool:
    """They want the same rows, or one wants what the other lets go."""
    return (
        _modes_clash(a.takes, b.takes)
        or _modes_clash(a.takes, b.frees)
        or _modes_clash(a.frees, b.takes)
    )


def _modes_clash(a: Takes, b: Takes) -> bool:
    return any(_CLASHES[mode] & b[table] for table in a.keys() & b.keys() for mode in a[table])


def _sees(a: Footprint, b: Footprint) -> bool:
    """What b commits is visible to a: to its reads, and to its search for rows to lock."""
    if not b.commits:
        return False
    for table, modes in b.frees.items():
        changes = modes & CHANGES
        if changes and table in a.reads:
            return True
        if table in a.takes and INSERT in changes:
            return True
    return bool(a.snapshot and any(modes & CHANGES for modes in b.frees.values()))


def _strict_clash(a: Footprint, b: Footprint) -> bool:
    if a.strict and b.strict:
        return True  # a read may doom another's transaction, which fails in whatever it says next
    if not (a.strict or b.strict):
        return False
    both = a.tables & b.tables
    return any(_touches(a, table) or _touches(b, table) for table in both)


def _touches(footprint: Footprint, table: str) -> bool:
    return table in footprint.takes or table in footprint.frees


def names(tables: Iterable[str], mode: str) -> Takes:
    """The same mode for several tables."""
    return {table: frozenset({mode}) for table in tables}
