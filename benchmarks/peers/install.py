"""Peers are installed for the benchmark alone: into .venv/peers, which `make clean` removes."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.progress import say
from config.embedded.child import PROJECT

HERE = Path(__file__).parent
INSTALLED = PROJECT / ".venv" / "peers"


def install(name: str, language: str, packages: tuple[str, ...]) -> str:
    """Install these packages for the peer, each from its language's registry.

    A second call does nothing. Returns why it is impossible, or "" where all is well.
    """
    folder = INSTALLED / name
    missing = [program for program in _NEEDS[language] if shutil.which(program) is None]
    if missing:
        return f"{' and '.join(missing)} not found on this machine"
    note, wanted = folder / "installed", " ".join(packages)
    if note.exists() and note.read_text() == wanted:
        return ""
    say(f"installing {name}: {wanted}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in _COMMANDS[language](folder, packages):
        done = subprocess.run(  # noqa: S603 (the commands are our own)
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            return f"could not be installed: {done.stderr.strip().splitlines()[-1:]}"
    note.write_text(wanted)
    return ""


def _python(folder: Path, packages: tuple[str, ...]) -> list[list[str]]:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq"]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "--disable-pip-version-check", *packages],
    ]


def _node(folder: Path, packages: tuple[str, ...]) -> list[list[str]]:
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--no-save", "--loglevel=error"]
    return [["npm", "install", "--prefix", str(folder), *options, *packages]]


def _ruby(folder: Path, packages: tuple[str, ...]) -> list[list[str]]:
    """Debian's own Sidekiq and pg: `apt install ruby-sidekiq ruby-pg`."""
    return [["ruby", "-e", "require 'sidekiq'; require 'pg'"]]


_NEEDS = {"python": ("python3",), "node": ("node", "npm"), "ruby": ("ruby", "sidekiq")}
_COMMANDS = {"python": _python, "node": _node, "ruby": _ruby}
