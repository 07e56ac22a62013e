"""Text messages: through Twilio where the environment has credentials, else through the sandbox."""

from typing import Any

from environs import Env

from config.home import Home
from sandbox import credentials
from sandbox import home as sandbox_home


def text_settings(env: Env, home: Home, *, database_url: str, broker_url: str) -> dict[str, Any]:
    """The provider, its rate, and how long to wait for what.

    Credentials of a real account switch to the real service; nothing else changes.
    """
    running = home.running()
    ours = running if running and running.database_url == database_url else None
    redis = broker_url if broker_url.startswith("redis") else ""
    return {
        **(_twilio(env) or _sandbox(env.str("SANDBOX_URL", ours.sandbox if ours else ""))),
        # Where the provider reaches us with its callbacks; without it, listing settles what is open.
        "PUBLIC_URL": env.str("PUBLIC_URL", ours.web if ours else "").rstrip("/"),
        "REDIS_URL": env.str("REDIS_URL", redis),  # the provider's rate is shared there
        "TEXTS_PER_SECOND": env.float("TEXTS_PER_SECOND", 50),  # that rate, of all workers together
        "TEXT_COUNTRIES": env.list("TEXT_COUNTRIES", ["DE"]),  # whose numbers may be texted
        "TEXT_TIMEOUT": env.float("TEXT_TIMEOUT", 5),  # seconds for one call to the provider
        # Seconds after a call has surely ended until absence from the provider's list is proof.
        "TEXT_LIST_LAG": env.float("TEXT_LIST_LAG", 5),
    }


def _twilio(env: Env) -> dict[str, Any]:
    if not env.str("TWILIO_ACCOUNT_SID", ""):
        return {}
    return {
        "TWILIO_ACCOUNT_SID": env.str("TWILIO_ACCOUNT_SID"),
        "TWILIO_AUTH_TOKEN": env.str("TWILIO_AUTH_TOKEN"),
        "TWILIO_FROM": env.str("TWILIO_FROM"),  # a number of the account's own, in E.164
        "TWILIO_BASE_URL": env.str("TWILIO_BASE_URL", ""),  # empty: Twilio itself
    }


def _sandbox(address: str) -> dict[str, Any]:
    secret = credentials.load(sandbox_home.find()) if address else None
    return {
        "TWILIO_ACCOUNT_SID": secret.twilio_account_sid if secret else "",
        "TWILIO_AUTH_TOKEN": secret.twilio_auth_token if secret else "",
        "TWILIO_FROM": "+15005550006",  # the sender of Twilio's own test account
        "TWILIO_BASE_URL": address,
    }
