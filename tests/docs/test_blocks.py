"""No block of a document goes unseen: each has a language, and each language a test."""

import ast
import re
from pathlib import Path

import pytest

from config.embedded.child import PROJECT
from outbox.models import Message
from tests.docs.blocks import GENERATED, Block, blocks
from tests.docs.elsewhere import ELSEWHERE

TESTED = {
    "console": "tests/docs/test_commands.py::test_what_is_typed_does_what_is_shown",
    "mermaid": "tests/docs/test_blocks.py::test_a_diagram_names_what_it_declares",
    "python": "tests/docs/test_python.py::test_an_example_does_what_is_said_of_it",
    "sql": "tests/docs/test_sql.py::test_a_statement_runs",
    "text": "",  # a drawing
}


def test_each_block_has_a_language_that_is_tested() -> None:
    found = blocks()
    assert len(found) > 15
    assert {str(one): one.language for one in found if one.language not in TESTED} == {}


def test_what_the_explorer_has_written_is_compared_elsewhere() -> None:
    assert not [one for one in blocks() if Path(one.document).parent == GENERATED]
    assert _exists("tests/races/test_pages.py::test_each_page_says_what_its_scenario_says")
    assert _exists("tests/races/test_recordings.py::test_a_recorded_run_is_what_happens")


@pytest.mark.parametrize("test", sorted({*ELSEWHERE.values(), *TESTED.values()} - {""}))
def test_the_tests_that_are_named_exist(test: str) -> None:
    assert _exists(test)


def test_what_is_run_elsewhere_is_still_written_somewhere() -> None:
    typed = {command.said for block in blocks("console") for command in block.commands}
    assert set(ELSEWHERE) - typed == set()


@pytest.mark.parametrize("block", blocks("mermaid"), ids=str)
def test_a_diagram_names_what_it_declares(block: Block) -> None:
    kind, *lines = [line.strip() for line in block.text.splitlines()]
    if kind == "sequenceDiagram":
        declared = {line.split()[1] for line in lines if line.startswith("participant")}
        spoken = [re.match(r"(\w+)-+>+(\w+):", line) for line in lines]
        used = {name for found in spoken if found for name in found.groups()}
        assert used == declared
    else:
        assert kind == "stateDiagram-v2"
        named = {word for line in lines for word in re.findall(r"\w+", line.partition(":")[0])}
        assert named == set(Message.State.values)


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    tree = ast.parse((PROJECT / file).read_text())
    return name in {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
