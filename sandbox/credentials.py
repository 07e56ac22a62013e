"""What the clients and the sandbox share: account names, tokens and signing secrets.

Each comes from the environment, else from `credentials.json` in the sandbox's home, which whoever
asks first fills with random values. Nothing is fixed in the code, so that nobody who has read it
can forge a callback.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Credentials:
    """One set of secrets, used by the sandbox to check requests and to sign callbacks."""

    twilio_account_sid: str
    twilio_auth_token: str
    stripe_api_key: str
    stripe_webhook_secret: str
    carrier_token: str


def load(home: Path) -> Credentials:
    """The credentials of the sandbox in `home`; a second call, from any process, gives the same."""
    kept = _kept(home / "credentials.json")
    return Credentials(
        **{name: os.environ.get(f"SANDBOX_{name.upper()}") or value for name, value in kept.items()}
    )


def _kept(path: Path) -> dict[str, str]:
    if not path.exists():
        _write_once(path, asdict(_random()))
    values: dict[str, str] = json.loads(path.read_text())
    return values


def _random() -> Credentials:
    return Credentials(
        twilio_account_sid="AC" + secrets.token_hex(16),
        twilio_auth_token=secrets.token_hex(16),
        stripe_api_key="sk_test_sandbox" + secrets.token_hex(12),
        stripe_webhook_secret="whsec_" + secrets.token_hex(16),
        carrier_token="carrier_" + secrets.token_hex(16),
    )


def _write_once(path: Path, values: dict[str, str]) -> None:
    draft = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(values, file)
    try:
        # A link is refused where the name exists: of two processes at once, one set is kept.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
