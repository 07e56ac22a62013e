"""A Redis client whose every command is a yield point. Needs the redis package."""

from typing import Any

import redis

from .points import point


class PointedRedis(redis.Redis):
    """As redis.Redis; commands on the same key depend on each other."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Wait for the scheduler's leave, then run the command."""
        command, key = str(args[0]), str(args[1]) if len(args) > 1 else ""
        if command == "EVALSHA":
            key = str(args[3]) if len(args) > 3 else key
        point("redis: " + " ".join(str(part) for part in args[:4]), f"redis {key}")
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
