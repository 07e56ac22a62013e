"""The settings of the test run: the project's own, on throwaway servers."""

import os

from tests.servers import DATABASE, Servers

GIVEN = "TEST_DATABASE_URL" in os.environ and "TEST_BROKER_URL" in os.environ
SERVERS = None if GIVEN else Servers()  # started by the root conftest.py, where they are needed

os.environ["SECRET_KEY"] = "of-the-test-run-" + "0123456789abcdef" * 3
os.environ["ALLOWED_HOSTS"] = "testserver,127.0.0.1,localhost"
os.environ["HTTPS"] = "false"
if SERVERS is None:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    os.environ["BROKER_URL"] = os.environ["TEST_BROKER_URL"]
else:
    os.environ["DATABASE_URL"] = SERVERS.postgres.url(DATABASE)
    os.environ["BROKER_URL"] = SERVERS.broker_url()
    if SERVERS.rabbitmq is not None:  # it keeps no keys: what workers share has a place of its own
        os.environ["REDIS_URL"] = SERVERS.valkey.url()

from config.settings import *  # noqa: E402, F403 (after the environment that it reads)
from config.settings import DATABASES  # noqa: E402

if SERVERS is not None:
    # The server is this worker's own, so the test database can have the very name that real
    # processes started by a test find in DATABASE_URL.
    DATABASES["default"]["TEST"] = {"NAME": DATABASE}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a test signs in in no time
OUTBOX_COALESCING_CACHE = None  # a test counts its own dispatches, whatever another's left in Redis
