"""Where a project's source calls `.delay()` and its like on what is an outbox handler."""

import ast
from collections.abc import Iterator
from importlib.util import resolve_name

from outbox.unsafe import parsed

SHORTCUTS = {"delay", "apply_async", "s", "si", "signature"}


def shortcuts_in(source: str, module: str, handlers: set[str]) -> Iterator[tuple[int, str]]:
    """Lines of the module that publish one of the handlers, which are named `module.function`.

    A name is followed to where it was imported or defined, so that another task of the same name is
    left alone. What is not seen, such as a name that was handed on, is refused when it is called.
    """
    tree = parsed(source)
    names = _names_in(tree, module)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        root, *rest = _dotted(node.func.value)
        whole = ".".join([names.get(root, root), *rest])
        if node.func.attr in SHORTCUTS and whole in handlers:
            yield node.lineno, f"{[root, *rest][-1]}.{node.func.attr}"


def _dotted(node: ast.expr) -> list[str]:
    """The parts of `a.b.c`; one empty part of anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [""]


def _names_in(tree: ast.Module, module: str) -> dict[str, str]:
    """What the names in a module stand for, wherever in it they were imported or defined."""
    package = module.rpartition(".")[0]
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names[node.name] = f"{module.removesuffix('.__init__')}.{node.name}"
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            names |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
    return names


def _origin(node: ast.ImportFrom, package: str) -> str:
    try:
        return resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:  # it leads out of the package
        return ""
