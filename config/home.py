"""ONCEPROOF_HOME: the folder that names the servers in use, their addresses and the secret.

`manage.py up` fills it; every other command, and every process of ours, reads it. Standard library
only, since the settings are built on it.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Running:
    """What `manage.py up` last started in this home, or was told to use."""

    embedded: bool  # whether the servers are ours; demo accounts exist only then
    database_url: str
    broker_url: str
    web: str
    flower: str
    sandbox: str
    supervisor: int  # its process number


@dataclass(frozen=True)
class Home:
    """One such folder. Two homes are two installations that know nothing of each other."""

    folder: Path

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file for each process."""
        return self.folder / "logs"

    def create(self) -> None:
        """Make the folder, for its owner alone unless it is there already."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def secret(self) -> str | None:
        """Django's SECRET_KEY, if this home has one."""
        return _read(self.folder / "secret")

    def create_secret(self) -> None:
        """Write a new secret; a second call keeps the first."""
        if self.secret() is None:
            write_private(self.folder / "secret", secrets.token_urlsafe(64))

    def running(self) -> Running | None:
        """What runs here; None before the first start."""
        text = _read(self.folder / "running.json")
        return None if text is None else Running(**json.loads(text))

    def note(self, running: Running) -> None:
        """Write down what runs here, for everybody who has only ONCEPROOF_HOME."""
        write_private(self.folder / "running.json", json.dumps(asdict(running), indent=1))


def current() -> Home:
    """The home that ONCEPROOF_HOME names; by default `.onceproof` beside manage.py."""
    folder = os.environ.get("ONCEPROOF_HOME") or PROJECT / ".onceproof"
    return Home(Path(folder).expanduser().absolute())


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.replace(path)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
