"""Text messages: through Twilio where the environment has credentials, else through the sandbox."""

from dataclasses import dataclass

from environs import Env

from config.home import Home
from sandbox import credentials
from sandbox import home as sandbox_home


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The provider, its rate, and how long to wait for what."""

    account: str  # empty: no provider, and no text can be sent
    secret: str
    sender: str  # a number of the account's own, in E.164
    base_url: str  # empty: Twilio itself
    public_url: str  # where the provider calls back; empty: its list alone settles what is open
    redis_url: str  # where the workers share the provider's rate
    per_second: float  # that rate, of all workers together
    countries: tuple[str, ...]  # whose numbers may be texted (ISO 3166)
    timeout: float  # seconds, of connecting to the provider and of each reading
    list_lag: float  # seconds after a call until absence from the provider's list is proof


def find_texts(env: Env, home: Home, *, database_url: str, redis_url: str) -> Texts:
    """Credentials of a real account switch to the real service; nothing else changes."""
    running = home.running()
    ours = running if running and running.database_url == database_url else None
    real = bool(env.str("TWILIO_ACCOUNT_SID", ""))
    address = "" if real else env.str("SANDBOX_URL", ours.sandbox if ours else "")
    account, secret = _sandbox(address) if not real else _twilio(env)
    return Texts(
        account=account,
        secret=secret,
        # Twilio's own test number where nobody minds.
        sender=env.str("TWILIO_FROM") if real else "+15005550006",
        base_url=env.str("TWILIO_BASE_URL", "") if real else address,
        public_url=env.str("PUBLIC_URL", ours.web if ours else "").rstrip("/"),
        redis_url=redis_url,
        per_second=env.float("TEXTS_PER_SECOND", 50),
        countries=tuple(env.list("TEXT_COUNTRIES", ["DE"])),
        timeout=env.float("TEXT_TIMEOUT", 5),
        list_lag=env.float("TEXT_LIST_LAG", 60 if real else 5),
    )


def _twilio(env: Env) -> tuple[str, str]:
    return env.str("TWILIO_ACCOUNT_SID"), env.str("TWILIO_AUTH_TOKEN")


def _sandbox(address: str) -> tuple[str, str]:
    if not address:
        return "", ""
    shared = credentials.load(sandbox_home.find())
    return shared.twilio_account_sid, shared.twilio_auth_token
