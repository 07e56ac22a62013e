"""Which user the servers run as, and where that user can reach them.

PostgreSQL refuses to run as root. Under root both servers run as `nobody`, which cannot look into
a root's home: programs are then copied to, and data is kept in, a folder of our own elsewhere. No
folder that is not ours is ever opened to others.
"""

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.binaries import Programs

_HEADERS = shutil.ignore_patterns("include")


@dataclass(frozen=True)
class Account:
    """A user of this machine, by number."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Hand one file or folder of ours over to this account."""
        os.chown(path, self.uid, self.gid)


def for_servers() -> Account | None:
    """The account to run servers as, or None to run them as ourselves (anybody but root)."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def as_account(account: Account | None) -> dict[str, Any]:
    """Arguments for `subprocess` to run a program as `account` (none: as ourselves)."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def place_for(home: Path, account: Account | None) -> Path:
    """The folder for the servers' data: `home/servers`, or what that link names.

    A second call gives the same folder. The link is how a home whose inside the account cannot
    reach still names the place.
    """
    place = home / "servers"
    if not place.exists():
        if account is None or can_reach(home, account):
            place.mkdir(mode=0o700)
        else:
            place.unlink(missing_ok=True)  # a link whose target somebody removed
            place.symlink_to(_elsewhere(account))
        if account is not None:
            account.owns(place.resolve())
    return place.resolve()


def can_reach(folder: Path, account: Account) -> bool:
    """Whether `account` may pass through `folder` and everything above it."""
    folder = folder.resolve()
    return all(_open_to(step, account) for step in (folder, *folder.parents))


def reachable_copy(programs: Programs, place: Path, account: Account | None) -> Path:
    """The folder of programs, or that of a copy under `place` if the account cannot reach it."""
    if account is None or can_reach(programs.folder, account):
        return programs.folder
    version = programs.folder.stat().st_mtime_ns
    copy = place / f"programs-{programs.needs[0].name}-{version}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in programs.needs:
            target = unfinished / part.relative_to(programs.root)
            shutil.copytree(part, target, symlinks=True, ignore=_HEADERS)
        unfinished.rename(copy)  # a killed copy is never taken for a whole one
    return copy / programs.folder.relative_to(programs.root)


def _open_to(folder: Path, account: Account) -> bool:
    state = folder.stat()
    if state.st_uid == account.uid:
        return bool(state.st_mode & stat.S_IXUSR)
    return bool(state.st_mode & stat.S_IXOTH)


def _elsewhere(account: Account) -> Path:
    for parent in (Path("/var/lib"), Path("/var/tmp"), Path("/tmp")):  # noqa: S108 (mkdtemp below)
        if parent.is_dir() and can_reach(parent, account):
            return Path(tempfile.mkdtemp(prefix="onceproof-", dir=parent))
    raise RuntimeError("Found no folder that the user nobody can reach; set ONCEPROOF_HOME to one.")
