"""Orders: paid through Stripe where the environment has a key, else through the sandbox."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from config.home import Home
from sandbox import credentials
from sandbox import home as sandbox_home

LONGEST_TIMEOUT = 5.0
"""A quarter of `orders.saga.LEASE`: with more, no order would ever be asked for at the provider."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The providers of payments and shipping, and how long to wait for them."""

    stripe_api_key: str  # empty: no provider, and every payment waits for one
    stripe_webhook_secret: str  # empty: no webhook is believed
    stripe_base_url: str  # empty: Stripe itself
    carrier_url: str
    carrier_token: str
    timeout: float  # seconds for connecting, and again for the answer, of one request


def find_shop(env: Env, home: Home, *, database_url: str) -> Shop:
    """The providers to work with.

    Credentials of a real account switch to the real service; nothing else changes.
    """
    running = home.running()
    ours = running if running and running.database_url == database_url else None
    sandbox = env.str("SANDBOX_URL", ours.sandbox if ours else "")
    return Shop(
        **(_stripe(env) or _sandbox_payments(sandbox)),
        **(_carrier(env) or _sandbox_shipping(sandbox)),
        timeout=_timeout(env),
    )


def mail_settings(env: Env, home: Home) -> dict[str, Any]:
    """Django's own: a mail server where one is named, else a folder to read the mails in."""
    if not env.str("EMAIL_HOST", ""):
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(home.folder / "mails"),
        }
    return {
        "EMAIL_HOST": env.str("EMAIL_HOST"),
        "EMAIL_PORT": env.int("EMAIL_PORT", 25),
        "EMAIL_HOST_USER": env.str("EMAIL_HOST_USER", ""),
        "EMAIL_HOST_PASSWORD": env.str("EMAIL_HOST_PASSWORD", ""),
        "EMAIL_USE_TLS": env.bool("EMAIL_USE_TLS", False),
        "EMAIL_TIMEOUT": _timeout(env),
        "DEFAULT_FROM_EMAIL": env.str("DEFAULT_FROM_EMAIL", "orders@localhost"),
    }


def _timeout(env: Env) -> float:
    """Seconds. Raises ImproperlyConfigured where an attempt's lease has no room for them."""
    seconds = env.float("PROVIDER_TIMEOUT", 5)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise ImproperlyConfigured(
            f"PROVIDER_TIMEOUT is {seconds:g}: give seconds above 0, {LONGEST_TIMEOUT:g} at most. "
            "An attempt has 20 seconds for a look and a call, and each may take it twice."
        )
    return seconds


def _stripe(env: Env) -> dict[str, str]:
    if not env.str("STRIPE_API_KEY", ""):
        return {}
    return {
        "stripe_api_key": env.str("STRIPE_API_KEY"),
        "stripe_webhook_secret": env.str("STRIPE_WEBHOOK_SECRET", ""),
        "stripe_base_url": env.str("STRIPE_BASE_URL", ""),
    }


def _sandbox_payments(address: str) -> dict[str, str]:
    secret = credentials.load(sandbox_home.find()) if address else None
    return {
        "stripe_api_key": secret.stripe_api_key if secret else "",
        "stripe_webhook_secret": secret.stripe_webhook_secret if secret else "",
        "stripe_base_url": address,
    }


def _carrier(env: Env) -> dict[str, str]:
    if not env.str("CARRIER_URL", ""):
        return {}
    return {"carrier_url": env.str("CARRIER_URL"), "carrier_token": env.str("CARRIER_TOKEN")}


def _sandbox_shipping(address: str) -> dict[str, str]:
    secret = credentials.load(sandbox_home.find()) if address else None
    return {"carrier_url": address, "carrier_token": secret.carrier_token if secret else ""}
