"""Settings, from the environment alone (see .env.example), or from what `make run` wrote down.

The parts with a subject of their own are beside this file; here is what Django itself needs.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from config import home, process
from config.settings import security
from config.settings.caches import caches
from config.settings.celery import celery_settings
from config.settings.database import databases
from config.settings.installation import find
from config.settings.logs import logging_settings
from config.settings.shop import find_shop, mail_settings
from config.settings.texts import find_texts

env = Env()
BASE_DIR = Path(__file__).resolve().parents[2]
_installation = find(os.environ, home.current())

# Servers of our own on loopback: demo accounts, and buttons that break things, exist only there.
EMBEDDED = _installation.embedded
SECRET_KEY = _installation.secret_key
ALLOWED_HOSTS = list(_installation.allowed_hosts)
DEBUG = env.bool("DEBUG", False)
if DEBUG and not EMBEDDED:  # as parsed: there are many ways to write yes
    raise ImproperlyConfigured("DEBUG shows secrets to strangers: it is for `make run` alone.")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# A pooler in transaction mode forgets sessions. What needs one goes past it (docs/scaling.md).
DIRECT_DATABASE_URL = env.str("DIRECT_DATABASE_URL", "") or _installation.database_url
DATABASES = databases(_installation.database_url, DIRECT_DATABASE_URL, application=process.name())
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True  # and UTC throughout: django-celery-beat has open time-zone faults
TIME_ZONE = "UTC"

INSTALLED_APPS = [
    "config",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "ninja",
    "config.accounts",
    "django_structlog",
    "outbox",
    "pricing",
    "credits",
    "orders",
    "races",
    "sandbox",
    "chaos",
]
MIDDLEWARE = [
    "config.middleware.health_first",
    "config.tracing.request_spans",
    "config.middleware.trace_context",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.RequestLines",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.navigation.navigation",
            ],
        },
    }
]
FORM_RENDERER = "config.selects.Renderer"
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # no form or API call of ours needs a tenth of it
API_REQUESTS_PER_SECOND = env.float("API_REQUESTS_PER_SECOND", 200)  # of one token, in one process
# Where the menu's link to Flower leads; none, no link.
LINK_TO_FLOWER = env.str("LINK_TO_FLOWER", "") or getattr(home.current().running(), "flower", "")
STATIC_URL = "static/"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if STATIC_ROOT := env.str("STATIC_ROOT", None):  # an image collects them once, named by content
    STORAGES["staticfiles"]["BACKEND"] = "whitenoise.storage.CompressedManifestStaticFilesStorage"
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

_https = env.bool("HTTPS", not EMBEDDED)
_behind_proxy = env.bool("BEHIND_PROXY", False)
# How many of our own proxies a request has passed: whose word on the client's address counts.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", int(_behind_proxy))
CONTENT_SECURITY_POLICY = security.CONTENT_SECURITY_POLICY
globals().update(security.security_settings(https=_https, behind_proxy=_behind_proxy))
# What watches from outside, each off unless asked for (docs/observability.md).
METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # opens /metrics and nothing else
TRACES_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
SENTRY_DSN = env.str("SENTRY_DSN", "")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", "production")
globals().update(logging_settings(env.str("LOG_LEVEL", "INFO"), process.name()))
CELERY_BROKER_URL = _installation.broker_url
globals().update(
    celery_settings(CELERY_BROKER_URL, waits_for_broker=process.is_worker(), embedded=EMBEDDED)
)
WORKER_DEAF_AFTER = env.float("WORKER_DEAF_AFTER", 6)  # seconds; see config.watchdog
_redis_broker = CELERY_BROKER_URL if CELERY_BROKER_URL.startswith("redis") else ""
# What workers share for efficiency: the provider's rate, marks of dispatches in the air.
REDIS_URL = env.str("REDIS_URL", "") or _redis_broker
HEARTBEATS_URL = _redis_broker or REDIS_URL  # in the broker, where it keeps keys
CACHES, OUTBOX_COALESCING_CACHE = caches(REDIS_URL)
TEXTS = find_texts(
    env, home.current(), database_url=_installation.database_url, redis_url=REDIS_URL
)
SHOP = find_shop(env, home.current(), database_url=_installation.database_url)
globals().update(mail_settings(env, home.current()))
