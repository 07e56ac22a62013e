"""A Redis client whose every command is a yield point. Needs the redis package."""

from typing import Any, NoReturn

import redis

from .points import point, refuse


class PointedRedis(redis.Redis):
    """As redis.Redis; commands that have a key in common depend on each other.

    Which of its words are keys is asked of the server. A command without any (a scan, a flush, a
    publish) depends on everything. A script must name its keys, as Redis demands of it.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Wait for the scheduler's leave, then run the command."""
        keys = [f"redis {key}" for key in self._keys(args)]
        shown = "redis: " + " ".join(str(part) for part in args[:4])
        point(shown, *keys, everything=not keys)
        return self._run(*args, **options)

    def pipeline(self, *_: Any, **__: Any) -> NoReturn:
        """Raises NoYieldPoint."""
        refuse(
            "A pipeline sends its commands past the explorer, so that nobody could come in "
            "between them: send them one by one, or as one script."
        )

    def pubsub(self, **_: Any) -> NoReturn:
        """Raises NoYieldPoint."""
        refuse("What a subscriber hears comes past the explorer: read a list instead.")

    def _keys(self, args: tuple[Any, ...]) -> list[str]:
        words = [*str(args[0]).split(), *args[1:]]
        try:
            found = self._run("COMMAND GETKEYS", *words)
        except redis.ResponseError:  # it has none
            return []
        return [key.decode(errors="replace") if isinstance(key, bytes) else key for key in found]

    def _run(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
