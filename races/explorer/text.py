"""A statement's text: what is said in it, without what it only quotes or comments on."""

import re
from collections.abc import Iterator

# one after the other, as PostgreSQL reads them: a quote in a comment begins no string
_QUOTED = re.compile(
    r"""(?P<string> \b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*'
            | (?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$ )
      | (?P<comment> --[^\n]* | /\*(?:(?!/\*).)*?\*/ )
      | "[^"]*"
    """,
    re.DOTALL | re.VERBOSE,
)
_INNERMOST = re.compile(r"\(([^()]*)\)")
_SAVEPOINT_NAME = re.compile(r'"s\d+_x\d+"')


def bare(sql: str) -> str:
    """What is left without comments, and with every string empty."""
    return " ".join(_QUOTED.sub(_emptied, sql).split())


def uncommented(sql: str) -> str:
    """What is left without comments."""
    return _QUOTED.sub(lambda found: " " if found["comment"] else found[0], sql)


def is_several(sql: str) -> bool:
    """True where one statement follows another."""
    return ";" in bare(sql).rstrip("; ")


def is_nested(bare: str) -> bool:
    """True where a comment stood in another: it is not looked for where the outer one ends."""
    return "/*" in bare


def template(sql: str) -> str:
    """The statement without what changes from run to run, for people and for comparison."""
    return " ".join(_SAVEPOINT_NAME.sub("savepoint", sql).split())


def levels(bare: str) -> Iterator[str]:
    """The text in each pair of parentheses, without what is in pairs of its own; then the rest."""
    while innermost := _INNERMOST.search(bare):
        yield innermost[1]
        bare = f"{bare[: innermost.start()]} {bare[innermost.end() :]}"
    yield bare


def _emptied(found: re.Match[str]) -> str:
    if found["comment"]:
        return " "
    return "''" if found["string"] else found[0]
