"""Statements and sentences as pages show them."""

import re

from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe

_KEYWORDS = re.compile(
    r"\b(SELECT|FROM|WHERE|UPDATE|SET|INSERT INTO|VALUES|RETURNING|DELETE|ORDER BY|LIMIT|AND|OR|IN"
    r"|COMMIT|ROLLBACK|FOR NO KEY UPDATE|FOR UPDATE|FOR KEY SHARE|FOR SHARE|SKIP LOCKED|NOT|NULL"
    r"|ON CONFLICT|DO NOTHING|JOIN|EXISTS|AS|OF)\b"
)
_LOCKS = re.compile(r"FOR (?:NO KEY )?UPDATE|FOR (?:KEY )?SHARE|SKIP LOCKED|pg_\w*advisory\w*")
_QUOTED = re.compile(r"“([^”]*)”")
_LONGEST = 260


def sql(text: str) -> SafeString:
    """A statement with its keywords told apart; what does not fit says little."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
    parts = []
    end = 0
    for found in re.finditer(f"{_LOCKS.pattern}|{_KEYWORDS.pattern}", shown):
        name = "lock" if _LOCKS.fullmatch(found[0]) else "word"
        parts += [("", shown[end : found.start()]), (name, found[0])]
        end = found.end()
    parts.append(("", shown[end:]))
    return format_html_join("", "{}", ((_part(name, piece),) for name, piece in parts if piece))


def sentence(text: str) -> SafeString:
    """A sentence in which the quoted statements stand out."""
    shown = escape(text.replace("…”.", "…”"))  # one full stop is enough
    return mark_safe(_QUOTED.sub(r"<code>\1</code>", shown))  # noqa: S308 (escaped before)


def _part(name: str, piece: str) -> SafeString:
    if not name:
        return escape(piece)
    return format_html_join("", '<b class="{}">{}</b>', [(name, piece)])
