"""docs/security.md: each attack names a test, and each test that it names is there."""

import ast
import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs/security.md").read_text().partition("\n## The database's roles")[0]
ROWS = [
    row for row in re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", PAGE, re.M) if row[0] != "Attack"
]


def test_every_attack_names_tests_that_exist() -> None:
    assert len(ROWS) > 30
    missing = [
        f"{attack}: {named or 'no test'}"
        for attack, _, tests in ROWS
        for named in re.findall(r"`([^`]+)`", tests) or [""]
        if not exists(named)
    ]

    assert missing == []


def exists(named: str) -> bool:
    """Whether there is such a test: ``tests/a/test_b.py::test_c``."""
    path, _, test = named.partition("::")
    file = ROOT / path
    if not (test and file.is_file()):
        return False
    return test in {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }


def test_every_test_of_security_is_in_the_table() -> None:
    told = "".join(tests for *_, tests in ROWS)
    here = Path(__file__).parent.glob("test_*.py")

    assert [path.name for path in here if path.name not in told and path != Path(__file__)] == []
