"""What the documents name exists: commands and their options, files, addresses, variables."""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from config.embedded.child import PROJECT
from outbox.models import Message
from sandbox.credentials import Credentials
from tests.docs.blocks import FENCE, documents

SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]")
FILE = re.compile(r"[\w./-]+\.(?:py|md|sql|yml|html|css|js|txt|in)")
OF_THE_READERS_PROJECT = {"shop/models.py", "shop/services.py", "shop/tasks.py"}
DOCUMENTS = [str(path.relative_to(PROJECT)) for path in documents()]


def prose(document: str) -> str:
    """A document without its fenced blocks."""
    kept, inside = [], False
    for line in (PROJECT / document).read_text().splitlines():
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def spans(document: str) -> list[str]:
    """What stands between backticks, a line break counting as a space."""
    text = re.sub(r"(?<=\S)\n(?=\S)", " ", prose(document))
    return SPAN.findall(text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_that_are_named_exist_and_know_their_options(document: str) -> None:
    for said in spans(document):
        words = said.removeprefix(".venv/bin/python ").removeprefix("python ").split()
        if words[0] == "manage.py" and len(words) > 1:
            assert set(OPTION.findall(said)) <= set(_options(words[1])), said
        elif words[0] == "make" and len(words) > 1:
            assert f"\n{words[1]}: " in (PROJECT / "Makefile").read_text(), said
        elif words[0] == "-m" and len(words) > 1:
            assert importlib.util.find_spec(words[1]), said


@cache
def _options(name: str) -> list[str]:
    assert name in get_commands(), f"manage.py {name}"
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    return list(_words(command.create_parser("manage.py", name)))


def _words(parser: object) -> Iterator[str]:
    for action in getattr(parser, "_actions", []):
        yield from action.option_strings
        if isinstance(action.choices, dict):
            for inner in action.choices.values():
                yield from _words(inner)


def test_every_decision_is_listed_under_its_title() -> None:
    folder = PROJECT / "docs/decisions"
    records = {path.name: path.read_text().partition("\n")[0] for path in folder.glob("0*.md")}
    lines = (folder / "README.md").read_text().splitlines()
    listed = {line for line in lines if line.startswith("- ")}
    assert listed == {f"- [{title.lstrip('# ')}]({name})" for name, title in records.items()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    files = {str(one.relative_to(PROJECT)) for one in _files()}
    for said in filter(FILE.fullmatch, spans(document)):
        there = any(f"/{one}".endswith(f"/{said}") for one in files)
        assert there or said in OF_THE_READERS_PROJECT, said


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    here = PROJECT / document
    for target in LINK.findall(prose(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (here.parent / path).resolve() if path else here
        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(found), target


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_variables_that_are_named_are_read_somewhere(document: str) -> None:
    for said in spans(document):
        name = said.partition("=")[0]
        if VARIABLE.fullmatch(name):
            assert re.search(rf"\b{name}\b", _source()), name


@cache
def _files() -> list[Path]:
    kept = [one for one in PROJECT.iterdir() if one.name[0] != "." or one.name == ".env.example"]
    found = [path for one in kept if one.is_dir() for path in one.rglob("*")]
    return [path for path in [*kept, *found] if path.is_file() and "__pycache__" not in path.parts]


@cache
def _source() -> str:
    suffixes = {".py", ".yml", ".example", ".toml", ".sh", ".sql", ".ini"}
    read = [one for one in _files() if one.suffix in suffixes or one.name == "Makefile"]
    mine = Path(__file__).parent
    of_the_sandbox = [f"SANDBOX_{one.name.upper()}" for one in fields(Credentials)]
    texts = [one.read_text(errors="replace") for one in read if one.parent != mine]
    return "\n".join([*texts, *of_the_sandbox])


def test_the_glossary_knows_every_state_of_a_message() -> None:
    known = {"pending", "parked", "done", "dead", "expired", "cancelled", "discarded"}
    assert set(Message.State.values) == known
    words = (PROJECT / "docs/glossary.md").read_text().lower()
    for state in known - {"pending", "done"}:
        assert state[:5] in words, state
