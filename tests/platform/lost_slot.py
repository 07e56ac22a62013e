"""Imported by a worker: the first acknowledgement fails, and nothing else does, as at the moment
between a fetch and its acknowledgement when a broker dies and is back at once.

With Redis it is kombu that counts what is unacknowledged, with RabbitMQ the broker: either way the
slot is taken for good.
"""

from typing import Any

from kombu.transport import pyamqp, redis

OF_REDIS, OF_RABBITMQ = redis.QoS.ack, pyamqp.Channel.basic_ack


def _fail_once(*_: Any, **__: Any) -> None:
    redis.QoS.ack, pyamqp.Channel.basic_ack = OF_REDIS, OF_RABBITMQ
    raise ConnectionError("Connection closed by server.")


redis.QoS.ack = pyamqp.Channel.basic_ack = _fail_once
