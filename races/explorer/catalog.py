"""What PostgreSQL's catalogue says that a statement's text does not: keys, triggers, views."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg

_FOREIGN_KEYS = """
    SELECT child.relname, parent.relname, con.condeferrable, con.condeferred,
           con.confdeltype IN ('c', 'n', 'd') OR con.confupdtype IN ('c', 'n', 'd'),
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = con.conrelid AND attnum = ANY (con.conkey)),
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = con.confrelid AND attnum = ANY (con.confkey))
    FROM pg_constraint con
    JOIN pg_class child ON child.oid = con.conrelid
    JOIN pg_class parent ON parent.oid = con.confrelid
    WHERE con.contype = 'f'
"""
# a partition, or a table with heirs, is met under more than one name; a rule does what it likes
_RELATIONS = """
    SELECT relname, relkind IN ('v', 'm', 'f', 'p')
        OR EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent))
        OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname !~ '^(pg_|information_schema)'
"""
_FUNCTIONS = """
    SELECT DISTINCT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema')
"""
# tgtype: 4 insert, 8 delete, 16 update, 32 truncate
_TRIGGERS = """
    SELECT relname, tgtype::int FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal
"""
# an identity column, a serial, or any other default that draws a number
_NUMBERED = """
    SELECT DISTINCT relname FROM pg_attribute
    JOIN pg_class c ON c.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attidentity <> '' OR pg_get_expr(adbin, adrelid) LIKE '%nextval(%'
"""
# where such a column changes, PostgreSQL locks the row as for a DELETE: a key might refer to it
_UNIQUE = """
    SELECT relname, attname::text FROM pg_index i
    JOIN pg_class c ON c.oid = indrelid
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])
    JOIN pg_namespace n ON n.oid = relnamespace
    WHERE indisunique AND indpred IS NULL AND indexprs IS NULL
      AND nspname !~ '^(pg_|information_schema)'
"""
# whether two rows clash is asked when the transaction ends, or could be
_ASKED_LATE = """
    SELECT DISTINCT relname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE contype IN ('p', 'u', 'x') AND condeferrable
"""
_EVENTS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}


@dataclass(frozen=True)
class ForeignKey:
    """A reference from one table to another."""

    child: str
    parent: str
    deferrable: bool  # asked at COMMIT, or could be
    deferred: bool  # asked at COMMIT, unless SET CONSTRAINTS says otherwise
    cascades: bool  # a change of the parent changes the child, at once
    columns: frozenset[str]
    referenced: frozenset[str]


@dataclass(frozen=True)
class Catalog:
    """The part of a database's catalogue that footprints need. Read once per scenario."""

    tables: frozenset[str]
    opaque: frozenset[str]  # views, partitions, functions, tables with rules: the text tells less
    triggers: dict[str, frozenset[str]]  # table -> events
    unique: dict[str, frozenset[str]]  # table -> columns of its plain unique indexes
    asked_late: frozenset[str]  # tables with a deferrable unique or exclusion constraint
    numbered: frozenset[str]  # tables whose rows are numbered by a sequence
    parents: dict[str, tuple[ForeignKey, ...]]  # by child
    children: dict[str, tuple[ForeignKey, ...]]  # by parent
    known: dict[str, Any] = field(default_factory=dict)  # statements that were read under it


def read(connection: "psycopg.Connection[Any]") -> Catalog:
    """Read the catalogue of the connection's database."""
    relations = connection.execute(_RELATIONS).fetchall()
    functions = {name for (name,) in connection.execute(_FUNCTIONS)}
    keys = [
        ForeignKey(*described[:-2], *map(frozenset, described[-2:]))
        for described in connection.execute(_FOREIGN_KEYS)
    ]
    return Catalog(
        tables=frozenset(name for name, is_opaque in relations if not is_opaque),
        opaque=frozenset({name for name, is_opaque in relations if is_opaque} | functions),
        triggers=_triggers(connection),
        unique=_unique(connection),
        asked_late=frozenset(name for (name,) in connection.execute(_ASKED_LATE)),
        numbered=frozenset(name for (name,) in connection.execute(_NUMBERED)),
        parents=_grouped(keys, "child"),
        children=_grouped(keys, "parent"),
    )


def _triggers(connection: "psycopg.Connection[Any]") -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for table, kind in connection.execute(_TRIGGERS):
        found[table] |= {event for bit, event in _EVENTS.items() if kind & bit}
    return {table: frozenset(events) for table, events in found.items()}


def _unique(connection: "psycopg.Connection[Any]") -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(_UNIQUE):
        found[table].add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _grouped(keys: list[ForeignKey], side: str) -> dict[str, tuple[ForeignKey, ...]]:
    found: dict[str, list[ForeignKey]] = defaultdict(list)
    for key in keys:
        found[getattr(key, side)].append(key)
    return {table: tuple(group) for table, group in found.items()}
