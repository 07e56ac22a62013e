"""From a statement's text to its footprint; where the text does not tell, that is everything."""

import re
from dataclasses import dataclass

from .catalog import Catalog
from .dependency import (
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

_STRING = re.compile(r"'(?:[^']|'')*'")
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_WORD = re.compile(r'"([^"]+)"|([A-Za-z_][A-Za-z0-9_$]*)')
_NAME = r'(?:ONLY\s+)?(?:"?\w+"?\.)?"?(\w+)"?'
_INSERT = re.compile(rf"\bINSERT\s+INTO\s+{_NAME}", re.IGNORECASE)
_UPDATE = re.compile(rf"(?<!FOR )(?<!KEY )(?<!DO )\bUPDATE\s+{_NAME}", re.IGNORECASE)
_DELETE = re.compile(rf"\bDELETE\s+FROM\s+{_NAME}", re.IGNORECASE)
_UPSERT = re.compile(r"\bON\s+CONFLICT\b.*\bDO\s+UPDATE\b", re.IGNORECASE | re.DOTALL)
_ROW_LOCK = re.compile(r"\bFOR\s+(NO\s+KEY\s+UPDATE|KEY\s+SHARE|UPDATE|SHARE)\b", re.IGNORECASE)
_SET_CLAUSE = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", re.I | re.S)
_ASSIGNED = re.compile(r'"?(\w+)"?\s*=')
_ADVISORY = re.compile(r"\bpg_(?:try_)?advisory_\w+", re.IGNORECASE)
_SEQUENCE = re.compile(r"\b(?:nextval|setval|currval|lastval)\s*\(", re.IGNORECASE)
_ROW_LOCKS = {"NO KEY UPDATE": NO_KEY_UPDATE, "KEY SHARE": KEY_SHARE, "UPDATE": UPDATE,
              "SHARE": SHARE}  # fmt: skip
_SILENT = re.compile(
    r"\s*(BEGIN|START\s+TRANSACTION|SET|RESET|SHOW|SAVEPOINT|RELEASE|DISCARD|DEALLOCATE|CLOSE)\b",
    re.IGNORECASE,
)
_ROLLBACK_TO = re.compile(r"\s*ROLLBACK\s+TO\b", re.IGNORECASE)
_KNOWN = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|DECLARE)\b", re.IGNORECASE)
_SAVEPOINT_NAME = re.compile(r'"s\d+_x\d+"')
ADVISORY_LOCK = "advisory lock"
_STRICT = re.compile(r"ISOLATION\s+LEVEL\s+(?:REPEATABLE\s+READ|SERIALIZABLE)", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement: what it touches now, and what waits for the transaction's end."""

    text: str
    footprint: Footprint
    at_commit: Takes  # deferred foreign keys are checked, and their parents locked, at commit


def is_silent(sql: str) -> bool:
    """True for what others cannot notice: BEGIN, SET, SAVEPOINT, RELEASE and their like."""
    return bool(_SILENT.match(sql))


def is_rollback_to_savepoint(sql: str) -> bool:
    """True for ROLLBACK TO SAVEPOINT, which lets row locks go in mid-transaction."""
    return bool(_ROLLBACK_TO.match(sql))


def makes_strict(sql: str) -> bool:
    """True where the statement raises its transaction's isolation level."""
    return bool(_STRICT.search(sql))


def template(sql: str) -> str:
    """The statement without what changes from run to run, for people and for comparison."""
    return " ".join(_SAVEPOINT_NAME.sub("savepoint", sql).split())


def _bare(sql: str) -> str:
    return " ".join(_COMMENT.sub(" ", _STRING.sub("''", sql)).split())


def read(sql: str, catalog: Catalog) -> Statement:
    """Work out one statement's footprint; it is the same each time under one catalogue."""
    if sql not in catalog.known:
        catalog.known[sql] = _read(sql, catalog)
    found: Statement = catalog.known[sql]
    return found


def _read(sql: str, catalog: Catalog) -> Statement:
    bare = _bare(sql)
    words = {match[1] or match[2].lower() for match in _WORD.finditer(bare)}
    tables = frozenset(words & catalog.tables)
    takes = _takes(bare, tables, catalog)
    return Statement(
        template(sql),
        Footprint(
            reads=tables - _only_inserted(bare, tables),
            takes=union(takes, _references(takes, bare, catalog, deferrable=False)),
            keys=_keys(bare, takes, catalog),
            everything=_is_opaque(bare, words, takes, catalog),
        ),
        at_commit=_references(takes, bare, catalog, deferrable=True),
    )


def _takes(bare: str, tables: frozenset[str], catalog: Catalog) -> Takes:
    takes: Takes = names(_INSERT.findall(bare), INSERT)
    takes = union(takes, names(_DELETE.findall(bare), DELETE))
    if _UPSERT.search(bare):
        takes = union(takes, names(_INSERT.findall(bare), WRITE))
    for table in _UPDATE.findall(bare):
        takes = union(takes, names([table], _write_mode(table, bare, catalog)))
    for mode in _ROW_LOCK.findall(bare):
        takes = union(takes, names(tables, _ROW_LOCKS[" ".join(mode.upper().split())]))
    return takes


def _write_mode(table: str, bare: str, catalog: Catalog) -> str:
    """Changing a referenced column locks as a DELETE does; any other UPDATE locks less."""
    assigned = _assigned(bare)
    referenced = [key.referenced for key in catalog.children.get(table, ())]
    return DELETE if any(columns & assigned for columns in referenced) else WRITE


def _references(takes: Takes, bare: str, catalog: Catalog, *, deferrable: bool) -> Takes:
    """Rows that foreign keys make the statement look at: parents locked, children searched."""
    found: Takes = {}
    for table, modes in takes.items():
        if modes & {INSERT, WRITE, DELETE}:
            found = union(found, _parents(table, modes, bare, catalog, deferrable))
        if DELETE in modes:
            children = (
                k.child for k in catalog.children.get(table, ()) if k.deferrable == deferrable
            )
            found = union(found, names(children, DELETE))  # it may cascade
    return found


def _parents(
    table: str, modes: frozenset[str], bare: str, catalog: Catalog, deferrable: bool
) -> Takes:
    keys = [key for key in catalog.parents.get(table, ()) if key.deferrable == deferrable]
    if INSERT not in modes:
        keys = [key for key in keys if key.columns & _assigned(bare)]
    return names((key.parent for key in keys), KEY_SHARE)


def _assigned(bare: str) -> frozenset[str]:
    return frozenset(
        column for clause in _SET_CLAUSE.findall(bare) for column in _ASSIGNED.findall(clause)
    )


def _only_inserted(bare: str, tables: frozenset[str]) -> frozenset[str]:
    """Tables that the text names once, as an INSERT's target: they are not read."""
    targets = set(_INSERT.findall(bare))
    return frozenset(
        table for table in targets & tables if len(re.findall(rf"\b{table}\b(?!\"?\.)", bare)) == 1
    )


def _keys(bare: str, takes: Takes, catalog: Catalog) -> frozenset[str]:
    keys = {ADVISORY_LOCK} if _ADVISORY.search(bare) else set()
    numbered = {table for table, modes in takes.items() if INSERT in modes} & catalog.numbered
    if _SEQUENCE.search(bare):  # whose it is, is not looked for
        keys, numbered = keys | {"sequence"}, catalog.numbered
    return frozenset(keys | {f"sequence of {table}" for table in numbered})


def _is_opaque(bare: str, words: set[str], takes: Takes, catalog: Catalog) -> bool:
    if not _KNOWN.match(bare) or words & catalog.opaque:
        return True
    verbs = {INSERT: "INSERT", WRITE: "UPDATE", DELETE: "DELETE"}
    return any(
        verbs[mode] in catalog.triggers.get(table, ())
        for table, modes in takes.items()
        for mode in modes & CHANGES
    )
