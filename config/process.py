"""What this process calls itself: to PostgreSQL (application_name), in logs, on the pages."""

import os
import sys
from pathlib import Path


def name() -> str:
    """PROCESS_NAME, which the supervisor and docker-compose.yml set, else what the command is."""
    return os.environ.get("PROCESS_NAME") or _from_command_line(sys.argv)


def is_worker() -> bool:
    """Whether this is a Celery worker or beat: it waits for the broker. All others never may."""
    program = _program(sys.argv)
    return program == "celery" and any(word in sys.argv for word in ("worker", "beat"))


def _from_command_line(command_line: list[str]) -> str:
    program = _program(command_line)
    words = [word for word in command_line[1:] if word.isidentifier()]
    if program == "manage":
        return words[0] if words else "manage"
    if program == "celery":
        return next((word for word in ("worker", "beat", "flower") if word in words), program)
    return program


def _program(command_line: list[str]) -> str:
    path = Path(command_line[0])
    return path.parent.name if path.stem == "__main__" else path.stem  # python -m celery
