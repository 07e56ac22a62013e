"""Logs with a bound: a file past ten megabytes becomes `name.log.1`, of which one is kept."""

import shutil
from pathlib import Path

LIMIT = 10 * 1024 * 1024  # bytes


def bound(folder: Path, limit: int = LIMIT) -> None:
    """Rotate what has grown past `limit`.

    The writer keeps its file open for appending, so the content is copied and the file emptied.
    A line written just in between is lost: these are logs of a development machine.
    """
    for file in folder.glob("*.log"):
        if file.stat().st_size > limit:
            shutil.copyfile(file, file.with_suffix(".log.1"))
            with file.open("r+b") as log:
                log.truncate()
