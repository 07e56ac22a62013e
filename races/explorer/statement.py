"""From a statement's text to its footprint; where the text does not tell, that is everything."""

import re
from dataclasses import dataclass

from .catalog import Catalog, ForeignKey
from .dependency import (
    ANY_SEQUENCE,
    CHANGES,
    DELETE,
    INSERT,
    KEY_SHARE,
    NO_KEY_UPDATE,
    SHARE,
    UPDATE,
    WRITE,
    Footprint,
    Takes,
    names,
    union,
)
from .text import bare as bared
from .text import is_nested, is_several, levels, template

_WORD = re.compile(r'"([^"]+)"|([A-Za-z_][A-Za-z0-9_$]*)')
_WHOLE_NAME = r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[A-Za-z_][\w$]*))'
_NAME = rf'(?:ONLY\s+)?(?:(?:"[^"]+"|[\w$]+)\.)?{_WHOLE_NAME}'
_INSERT = re.compile(rf"\bINSERT\s+INTO\s+{_NAME}", re.IGNORECASE)
_UPDATE = re.compile(rf"(?<!FOR )(?<!KEY )(?<!DO )\bUPDATE\s+{_NAME}", re.IGNORECASE)
_DELETE = re.compile(rf"\bDELETE\s+FROM\s+{_NAME}", re.IGNORECASE)
_UPSERT = re.compile(r"\bON\s+CONFLICT\b.*\bDO\s+UPDATE\b", re.IGNORECASE | re.DOTALL)
_ROW_LOCK = re.compile(r"\bFOR\s+(NO\s+KEY\s+UPDATE|KEY\s+SHARE|UPDATE|SHARE)\b", re.IGNORECASE)
_SET_CLAUSE = re.compile(
    r"\bSET\b(.*?)(?:\bWHERE\b|(?<!\bDISTINCT )\bFROM\b|\bRETURNING\b|$)", re.I | re.S
)
_ASSIGNED = re.compile(r'"?(\w+)"?\s*=')
_ROW_ASSIGNED = re.compile(r"\(([^()]*)\)\s*=")
_COLUMN = re.compile(r"\w+")
_ADVISORY = re.compile(r"\bpg_(?:try_)?advisory_\w+", re.IGNORECASE)
_SEQUENCE = re.compile(r"\b(?:nextval|setval|currval|lastval)\s*\(", re.IGNORECASE)
_ROW_LOCKS = {"NO KEY UPDATE": NO_KEY_UPDATE, "KEY SHARE": KEY_SHARE, "UPDATE": UPDATE,
              "SHARE": SHARE}  # fmt: skip
_SILENT = re.compile(
    r"\s*(BEGIN|START\s+TRANSACTION|SET(?!\s+CONSTRAINTS)|RESET|SHOW|SAVEPOINT|RELEASE|DISCARD|DEALLOCATE|CLOSE)\b",
    re.IGNORECASE,
)
# of one table, and of no schema: that might be anybody's
_OF_A_TABLE = re.compile(
    r"\s*(?:CREATE\s+TEMP(?:ORARY)?\s+TABLE|COPY|(?P<alone>ANALYZE|DROP\s+TABLE))"
    rf"\s+(?!(?:BINARY|IF|ONLY|VERBOSE)\b){_WHOLE_NAME}(?(alone)\s*$|(?=[\s(]|$))",
    re.IGNORECASE,
)
_SET_CONSTRAINTS = re.compile(r"\s*SET\s+CONSTRAINTS\b", re.IGNORECASE)
_ROLLBACK_TO = re.compile(r"\s*ROLLBACK\s+TO\b", re.IGNORECASE)
_KNOWN = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|DECLARE)\b", re.IGNORECASE)
_INTO = re.compile(r"(?<!\bINSERT )\bINTO\b", re.IGNORECASE)  # MERGE INTO, SELECT … INTO
# an UPDATE of a key, and a cascade of either, count as DELETE
_EVENTS = {
    INSERT: frozenset({"INSERT"}),
    WRITE: frozenset({"UPDATE"}),
    DELETE: frozenset({"UPDATE", "DELETE"}),
}
_INERT = frozenset({"pg_catalog", "pg_sleep", "pg_backend_pid", "pg_typeof"})
ADVISORY_LOCK = "advisory lock"
_STRICT = re.compile(
    r"(?:ISOLATION\s+LEVEL\s|transaction_isolation\s*(?:=|\sTO\s))"
    r"\s*'?(?:REPEATABLE\s+READ|SERIALIZABLE)",
    re.IGNORECASE,
)
_WITHOUT_SNAPSHOT = re.compile(
    r"\s*(?:LOCK|SET\s+CONSTRAINTS|NOTIFY|LISTEN|UNLISTEN)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Statement:
    """One statement: what it touches now, and what waits for the transaction's end."""

    text: str
    footprint: Footprint
    at_commit: Takes  # what deferrable constraints look at, and lock, at commit

    @property
    def sets_constraints(self) -> bool:
        """True where it decides when the transaction's deferrable constraints are asked."""
        return bool(_SET_CONSTRAINTS.match(self.text))

    @property
    def takes_a_snapshot(self) -> bool:
        """True where what a stricter transaction sees is settled by it, if by none before."""
        return not _WITHOUT_SNAPSHOT.match(self.text)


def is_silent(sql: str) -> bool:
    """True for what others cannot notice: BEGIN, SET, SAVEPOINT, RELEASE and their like."""
    return bool(_SILENT.match(sql)) and not is_several(sql)


def is_private(sql: str, catalog: Catalog) -> bool:
    """True for making, filling and dropping a table that nobody else has: a temporary one."""
    named = _OF_A_TABLE.match(bared(sql))
    return named is not None and _name(named) not in catalog.tables | catalog.opaque


def is_rollback_to_savepoint(sql: str) -> bool:
    """True for ROLLBACK TO SAVEPOINT, which lets row locks go in mid-transaction."""
    return bool(_ROLLBACK_TO.match(sql))


def makes_strict(sql: str) -> bool:
    """True where the statement raises its transaction's isolation level."""
    return bool(_STRICT.search(sql))


def is_drawn(key: str) -> bool:
    """True where the key is a sequence's: the number is drawn for good, whoever dies of it."""
    return key.startswith(ANY_SEQUENCE)


def _name(match: re.Match[str]) -> str:
    """The name in it, as the catalogue has it: in lower case unless it is quoted."""
    return match["quoted"] or match["plain"].lower()


def _named(pattern: re.Pattern[str], bare: str) -> list[str]:
    return [_name(match) for match in pattern.finditer(bare)]


def read(sql: str, catalog: Catalog) -> Statement:
    """Work out one statement's footprint; it is the same each time under one catalogue."""
    if sql not in catalog.known:
        catalog.known[sql] = _read(sql, catalog)
    found: Statement = catalog.known[sql]
    return found


def _read(sql: str, catalog: Catalog) -> Statement:
    bare = bared(sql)
    words = {match[1] or match[2].lower() for match in _WORD.finditer(bare)}
    tables = frozenset(words & catalog.tables)
    own = _of_all(_takes(bare, tables, catalog), catalog)
    takes = union(own, _references(own, bare, catalog, at_commit=False))
    return Statement(
        template(sql),
        Footprint(
            reads=tables - _only_inserted(bare, tables),
            takes=takes,
            keys=_keys(bare, own, catalog),
            everything=_is_opaque(bare, words, takes, catalog),
        ),
        at_commit=union(
            _references(own, bare, catalog, at_commit=True), _asked_late(takes, catalog)
        ),
    )


def _takes(bare: str, tables: frozenset[str], catalog: Catalog) -> Takes:
    takes: Takes = names(_named(_INSERT, bare), INSERT)
    takes = union(takes, names(_named(_DELETE, bare), DELETE))
    upserted = _named(_INSERT, bare) if _UPSERT.search(bare) else []
    for table in [*_named(_UPDATE, bare), *upserted]:
        takes = union(takes, {table: _write_modes(table, bare, catalog)})
    for mode in _ROW_LOCK.findall(bare):
        takes = union(takes, names(tables, _ROW_LOCKS[" ".join(mode.upper().split())]))
    return takes


def _of_all(takes: Takes, catalog: Catalog) -> Takes:
    """Without temporary tables, which nobody else can meet."""
    return {table: takes[table] for table in takes if table in catalog.tables}


def _write_modes(table: str, bare: str, catalog: Catalog) -> frozenset[str]:
    """Changing a column that is, or could be, referenced locks as a DELETE; others lock less."""
    assigned = _assigned(bare)
    referenced = [key.referenced for key in catalog.children.get(table, ())]
    if any(columns & assigned for columns in referenced):
        return frozenset({DELETE})
    return frozenset(
        {WRITE, UPDATE} if catalog.unique.get(table, frozenset()) & assigned else {WRITE}
    )


def _references(takes: Takes, bare: str, catalog: Catalog, *, at_commit: bool) -> Takes:
    """Rows that foreign keys make the statement look at: parents locked, children searched."""
    found: Takes = {}
    for table, modes in takes.items():
        if modes & CHANGES:
            found = union(found, _parents(table, modes, bare, catalog, at_commit))
        if DELETE in modes:
            found = union(found, names(_children(table, catalog, at_commit), DELETE))
    return found


def _parents(
    table: str, modes: frozenset[str], bare: str, catalog: Catalog, at_commit: bool
) -> Takes:
    keys = [key for key in catalog.parents.get(table, ()) if _is_asked(key, at_commit)]
    if INSERT not in modes:
        keys = [key for key in keys if key.columns & _assigned(bare)]
    return names((key.parent for key in keys), KEY_SHARE)


def _children(table: str, catalog: Catalog, at_commit: bool) -> set[str]:
    """Tables that are searched when a row goes; where that cascades, theirs as well.

    A cascade is never put off, whatever its key says.
    """
    found: set[str] = set()
    todo, seen = [table], {table}
    while todo:
        for key in catalog.children.get(todo.pop(), ()):
            if _is_asked(key, at_commit) or (key.cascades and not at_commit):
                found.add(key.child)
            if key.cascades and key.child not in seen:
                seen.add(key.child)
                todo.append(key.child)
    return found


def _is_asked(key: ForeignKey, at_commit: bool) -> bool:
    return key.deferrable if at_commit else not key.deferred


def _asked_late(takes: Takes, catalog: Catalog) -> Takes:
    """Tables whose new rows may be compared with others' only at commit."""
    changed = (table for table, modes in takes.items() if modes & CHANGES)
    return names(catalog.asked_late.intersection(changed), INSERT)


def _assigned(bare: str) -> frozenset[str]:
    """Columns that are set, at whatever depth; rather one too many than one too few."""
    clauses = [clause for level in levels(bare) for clause in _SET_CLAUSE.findall(level)]
    several = {column for row in _ROW_ASSIGNED.findall(bare) for column in _COLUMN.findall(row)}
    columns = several.union(*map(_ASSIGNED.findall, clauses))
    return frozenset(columns | {column.lower() for column in columns})


def _only_inserted(bare: str, tables: frozenset[str]) -> frozenset[str]:
    """Tables that the text names once, as an INSERT's target: they are not read."""
    targets = tables.intersection(_named(_INSERT, bare))
    return frozenset(table for table in targets if _times(table, bare) == 1)


def _times(table: str, bare: str) -> int:
    """How often the text names the table, other than before a column."""
    return len(re.findall(rf"\b{re.escape(table)}\b(?!\"?\.)", bare, re.IGNORECASE))


def _keys(bare: str, takes: Takes, catalog: Catalog) -> frozenset[str]:
    keys = {ADVISORY_LOCK} if _ADVISORY.search(bare) else set()
    numbered = {table for table, modes in takes.items() if INSERT in modes} & catalog.numbered
    if _SEQUENCE.search(bare):  # whose it is, is not looked for
        keys, numbered = keys | {ANY_SEQUENCE}, set(catalog.numbered)
    return frozenset(keys | {f"{ANY_SEQUENCE} of {table}" for table in numbered})


def _is_of_the_server(word: str) -> bool:
    """A function or view such as pg_notify or pg_locks: what it touches is not in the statement."""
    if word == "information_schema":
        return True
    return word.startswith("pg_") and word not in _INERT and not _ADVISORY.fullmatch(word)


def _is_opaque(bare: str, words: set[str], takes: Takes, catalog: Catalog) -> bool:
    if is_nested(bare) or is_several(bare):
        return True
    if not (_KNOWN.match(bare) or is_private(bare, catalog)):
        return True
    if words & catalog.opaque or any(map(_is_of_the_server, words)) or _INTO.search(bare):
        return True
    return any(
        _EVENTS[mode] & catalog.triggers.get(table, frozenset())
        for table, modes in takes.items()
        for mode in modes & CHANGES
    )
