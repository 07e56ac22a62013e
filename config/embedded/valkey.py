"""The embedded Valkey (or Redis): the broker of `make run` and `make test`."""

import time
from dataclasses import dataclass
from pathlib import Path

import redis

from config.embedded import binaries
from config.embedded.account import Account, reachable_copy
from config.embedded.child import Child


@dataclass(frozen=True)
class Valkey:
    """One server: its folder, port and password."""

    place: Path
    port: int
    password: str
    account: Account | None = None

    def url(self, database: int = 0) -> str:
        """The address of one of its numbered databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Write its configuration; a second call writes it anew."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(self._text())
        if self.account is not None:
            self.account.owns(self._data)
            self.account.owns(self._configuration)

    def child(self, log: Path) -> Child:
        """The server process. Its password is in a file: anybody can read a command line."""
        program = binaries.valkey_program()
        alone = binaries.Programs(program.parent, program.parent, (program.parent,))
        folder = reachable_copy(alone, self.place, self.account)
        return Child(
            name="valkey",
            command=[str(folder / program.name), str(self._configuration)],
            log=log,
            account=self.account,
            folder=self.place,
        )

    def wait_until_ready(self, patience: float = 30) -> None:
        """Wait until it answers; raises TimeoutError after `patience` seconds."""
        latest = time.monotonic() + patience
        while not self._answers():
            if time.monotonic() > latest:
                raise TimeoutError("Valkey does not answer.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url(), socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    @property
    def _data(self) -> Path:
        return self.place / "valkey"

    @property
    def _configuration(self) -> Path:
        return self.place / "valkey.conf"

    def _text(self) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{self._data}"',
                "set-proc-title no",  # a supervisor's next start knows it by its command line
                "appendonly yes",
                'save ""',
                "maxmemory-policy noeviction",  # a broker that evicts loses dispatches silently
                "",
            ]
        )
