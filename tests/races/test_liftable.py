"""`races/explorer/` can be lifted into another project: it imports nothing of this one."""

import ast
import sys
from pathlib import Path

import races.explorer

FOLDER = Path(races.explorer.__file__).parent
ALLOWED = {"django", "psycopg"}
OPTIONAL = {"celery_broker.py": {"celery", "kombu"}, "redis_points.py": {"redis"}}


def test_the_explorer_imports_django_and_psycopg_alone() -> None:
    for file in FOLDER.glob("*.py"):
        allowed = ALLOWED | OPTIONAL.get(file.name, set()) | sys.stdlib_module_names
        assert _imported(file) <= allowed, file.name


def test_its_files_are_short() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in FOLDER.glob("*.py")}
    assert max(lengths.values()) <= 300, lengths


def _imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found
