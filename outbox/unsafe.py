"""What an existing Celery project still does that loses or doubles jobs, found in its source.

For moving over task by task: each finding names what may happen and what to do instead. A line that
says `# unsafe on purpose` is left alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

ON_PURPOSE = "# unsafe on purpose"
PUBLISHES = {"delay", "apply_async", "send_task"}


@dataclass(frozen=True)
class Unsafe:
    """One place in the source, and what is wrong there."""

    line: int
    id: str
    message: str
    hint: str


def unsafe_in(source: str) -> Iterator[Unsafe]:
    """What a module's source does that is unsafe, in the order of its lines."""
    lines = source.splitlines()
    finder = _Finder()
    finder.visit(parsed(source))
    for found in sorted(finder.found, key=lambda one: (one.line, one.id)):
        if ON_PURPOSE not in lines[found.line - 1]:
            yield found


def parsed(source: str) -> ast.Module:
    """Its tree; an empty one of what is no Python, and harms nobody until it is imported."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[Unsafe] = []
        self._in_transaction = False
        self._in_hook = False

    def visit_With(self, node: ast.With) -> None:
        self._inside(node, any(_names_atomic(item.context_expr) for item in node.items))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node, any(map(_names_atomic, node.decorator_list)))

    def visit_Call(self, node: ast.Call) -> None:
        keywords = {keyword.arg: keyword for keyword in node.keywords}
        if _name(node.func) in PUBLISHES:
            self._look_at_publish(node, keywords)
        if _is_true(keywords.get("acks_late")):
            self._note(node, "outbox.W004", *_LATE)
        if _name(node.func) == "on_commit":
            was, self._in_hook = self._in_hook, True
            self.generic_visit(node)
            self._in_hook = was
        else:
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """In a hook, a method that is handed over is called, too: `partial(charge.delay, 7)`."""
        if self._in_hook and node.attr in PUBLISHES:
            self._note(node, "outbox.W002", *_AFTER)
        self.generic_visit(node)

    def _look_at_publish(self, node: ast.Call, keywords: dict[str | None, ast.keyword]) -> None:
        if self._in_transaction and not self._in_hook:
            self._note(node, "outbox.W001", *_INSIDE)
        if keywords.keys() & {"eta", "countdown"}:
            self._note(node, "outbox.W003", *_ETA)

    def _inside(self, node: ast.With | ast.FunctionDef, atomic: bool) -> None:
        was, self._in_transaction = self._in_transaction, self._in_transaction or atomic
        self.generic_visit(node)
        self._in_transaction = was

    def _note(self, node: ast.expr, id: str, message: str, hint: str) -> None:  # noqa: A002
        self.found.append(Unsafe(node.lineno, id, message, hint))


_ENQUEUE = (
    "Declare it with @outbox.handler and call outbox.enqueue(NAME, args=…) in the transaction."
)
_INSIDE = (
    "publishes a task inside a transaction: a worker may be faster than the commit, and the commit"
    " may never come.",
    _ENQUEUE,
)
_AFTER = (
    "publishes a task after the commit: a crash or a broker that is down in between loses it.",
    _ENQUEUE,
)
_ETA = (
    "gives a task a time in Celery: it lives in a worker's memory and the broker, and what waits"
    " longer than the visibility time-out runs twice.",
    "Pass due_at=… to outbox.enqueue: the time is a column.",
)
_LATE = (
    "acknowledges a task late: when its worker dies after the commit, it runs again.",
    "Make it an outbox handler (effect and mark commit together), or idempotent by a constraint.",
)


def _names_atomic(node: ast.expr) -> bool:
    return _name(node.func if isinstance(node, ast.Call) else node) == "atomic"


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_true(keyword: ast.keyword | None) -> bool:
    return keyword is not None and getattr(keyword.value, "value", None) is True
