"""Who reaches the broker with one process's password can do that process's work and no other."""

import pytest
import redis

from tests.security.least import Broker

NOBODY = [
    *("FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET requirepass mine", "SHUTDOWN", "KEYS *"),
    *("ACL LIST", "ACL SETUSER mine on nopass +@all", "MONITOR", "INFO", "SAVE"),
    *("CLIENT LIST", "CLIENT KILL ID 1", "MODULE LIST", "REPLICAOF 127.0.0.1 1", "FUNCTION LIST"),
    *("SCRIPT FLUSH", "SET mine 1", "GET mine", "RENAME default mine", "DUMP default"),
    *("SWAPDB 0 1", "LRANGE default 0 -1", "SORT default", "MIGRATE 127.0.0.1 1 default 0 1"),
]
ONLY = {
    "web": [
        *("BRPOP default 1", "RPOP default", "DEL default", "HGETALL unacked", "EVAL return 0"),
        *("SET onceproof:worker:mine 1", "PUBLISH /0.celeryev/task.sent x", "LPUSH unacked x"),
        "SUBSCRIBE /0.celeryev/worker.heartbeat",
    ],
    "worker": [
        *("PUBLISH mine x", "SUBSCRIBE /0.celeryev/task.sent", "PUBLISH /0.celery.pidbox x"),
    ],
    "flower": [
        *("LPUSH default x", "RPOP default", "BRPOP relay 1", "DEL default", "HGETALL unacked"),
        *("SET onceproof:worker:mine 1", "GET onceproof:texts:next"),
        "SADD _kombu.binding.default x",
    ],
}


@pytest.mark.parametrize("user", ONLY)
def test_every_user_is_refused_what_is_not_its_work(broker: Broker, user: str) -> None:
    with broker.client(user) as client:
        allowed = [command for command in [*NOBODY, *ONLY[user]] if may(client, command)]

    assert allowed == []


def may(client: redis.Redis, command: str) -> bool:
    try:
        client.execute_command(*command.split())
    except redis.exceptions.NoPermissionError:
        return False
    except redis.ResponseError:
        return True  # it was let through, whatever it then lacked
    return True


@pytest.mark.parametrize(
    "script", ["redis.call('FLUSHALL')", "redis.call('GET', 'mine')", "redis.call('KEYS', '*')"]
)
def test_a_script_may_do_no_more_than_who_sends_it(broker: Broker, script: str) -> None:
    with broker.client("worker") as client, pytest.raises(redis.exceptions.ResponseError) as error:
        client.eval(script, 0)

    assert "ACL failure" in str(error.value) or "NOPERM" in str(error.value)


def test_without_a_password_nobody_does_anything(broker: Broker) -> None:
    address = f"redis://127.0.0.1:{broker.port}/0"
    with redis.Redis.from_url(address) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_server_holds_hashes_alone(broker: Broker) -> None:
    written = (broker.child.log.parent / "users.acl").read_text()

    assert not any(password in written for password in broker.passwords.values())
