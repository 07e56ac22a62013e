"""What the documents tell people to type is typed here, on the test's own database."""

import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from config.embedded.child import PROJECT
from pricing.models import PriceReduction
from tests.docs.blocks import Block, Command, blocks
from tests.docs.elsewhere import ELSEWHERE
from tests.pricing.shop import make_product

MANAGE = (".venv/bin/python", "manage.py")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _a_shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo's product, a store for the sandbox, and no broker."""
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    make_product("DEMO-1")


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_what_is_typed_does_what_is_shown(block: Block) -> None:
    for command in block.commands:
        if command.said in ELSEWHERE:
            _is_understood(command)
            continue
        code, printed = _run(command)
        assert code == 0, f"{command.text}: {printed}"
        if command.shown:
            assert printed.splitlines() == command.shown, command.text


def _run(command: Command) -> tuple[int, str]:
    """Run a `manage.py` command in this process: code and output. Anything else is not known."""
    assert tuple(command.words[:2]) == MANAGE, f"{command.text}: say in elsewhere.py what runs it"
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            call_command(*command.words[2:], stdout=printed)
    except CommandError as error:
        return 1, str(error)
    except SystemExit as end:
        return int(end.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def _is_understood(command: Command) -> None:
    """It is not run here; its words at least are those that the command knows."""
    if command.words[0] == "make":
        assert f"\n{command.words[1]}: " in (PROJECT / "Makefile").read_text()
    elif tuple(command.words[:2]) == MANAGE:
        name, *words = _without_redirection(command.words[2:])
        found = load_command_class(get_commands()[name], name)  # type: ignore[arg-type]
        found.create_parser("manage.py", name).parse_args(words)


def _without_redirection(words: list[str]) -> list[str]:
    return words[: words.index(">")] if ">" in words else words


def test_the_readmes_two_presses_are_one_reduction() -> None:
    (block,) = [one for one in blocks("console") if "reduce_price" in one.text]
    told = [_run(command)[1] for command in block.commands if "reduce_price" in command.text]
    assert len(told) == 2
    assert told[0] == told[1]
    assert PriceReduction.objects.count() == 1


def test_make_test_is_this_very_suite() -> None:
    told = subprocess.run(
        ["make", "-n", "test", "WORKERS=2"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    assert "-m pytest -n 2 --dist loadgroup" in told


def test_a_command_that_fails_or_is_unknown_is_told() -> None:
    assert _run(Command(".venv/bin/python manage.py reduce_price NOTHING --percent 10"))[0] == 1
    assert _run(Command(".venv/bin/python manage.py reduce_price DEMO-1 --wrong"))[0] != 0
    with pytest.raises(AssertionError, match=r"elsewhere\.py"):
        _run(Command("rm -r everything"))
