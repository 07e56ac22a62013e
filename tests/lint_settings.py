"""The settings of a deployment, for checks that need settings and no servers."""

import os

DEPLOYMENT = {
    "SECRET_KEY": "a-deployment-has-one-of-its-own-0123456789-abcdefghij",
    "ALLOWED_HOSTS": "onceproof.example",
    "DATABASE_URL": "postgres://onceproof@127.0.0.1:1/onceproof",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "HTTPS": "true",
}
os.environ.update(DEPLOYMENT)

from config.settings import *  # noqa: E402, F403 (after the environment that it reads)
