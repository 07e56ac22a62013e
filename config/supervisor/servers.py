"""The servers of one home: their ports and password, chosen once and written down."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from config.embedded import account
from config.embedded.child import Child
from config.embedded.ports import free_port, is_free
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from config.home import Home, write_private

DATABASE = "onceproof"


@dataclass(frozen=True)
class EmbeddedServers:
    """The PostgreSQL and the Valkey of one home."""

    postgres: Postgres
    valkey: Valkey
    sandbox_port: int

    def children(self, home: Home) -> list[Child]:
        """Set both up, if they are not yet, and return their processes."""
        self.postgres.initialise()
        self.valkey.initialise()
        return [
            self.postgres.child(home.logs / "postgres.log"),
            self.valkey.child(home.logs / "valkey.log"),
        ]

    def wait_until_ready(self) -> None:
        """Wait until both answer and the database is there."""
        self.valkey.wait_until_ready()
        self.postgres.wait_until_ready()
        self.postgres.create_database(DATABASE)


def of_home(home: Home) -> EmbeddedServers:
    """The servers of this home. Call it with nothing of the home running: a port may move."""
    runs_as = account.for_servers()
    place = account.place_for(home.folder, runs_as)
    kept = _kept(home)
    return EmbeddedServers(
        Postgres(place, kept["postgres"], kept["password"], runs_as),
        Valkey(place, kept["valkey"], kept["password"], runs_as),
        kept["sandbox"],
    )


def _kept(home: Home) -> dict[str, Any]:
    file = home.folder / "embedded.json"
    kept: dict[str, Any]
    kept = json.loads(file.read_text()) if file.exists() else {"password": secrets.token_hex(16)}
    for server in ("postgres", "valkey", "sandbox"):
        if server not in kept or not is_free(kept[server]):  # somebody took it in the meantime
            kept[server] = free_port()
    write_private(file, json.dumps(kept))
    return kept
