"""A connection to RabbitMQ for those who publish now and then, and keep it in between.

While nobody reads from it, nobody hears that the broker has gone, or that something between has
closed what was idle. The next dispatch would be written into a dead connection, fail, and the
broker be left alone for seconds, though it is there. redis-py looks first; py-amqp does not.
"""

import select
import socket
from typing import Any

from kombu.transport import pyamqp

FAR_END_CLOSED = getattr(select, "POLLRDHUP", 0)  # Linux; elsewhere POLLHUP says it, unasked


class _Looks:
    """kombu's transport, which opens a connection anew that the other side has closed."""

    def verify_connection(self, connection: Any) -> bool:
        """Asked by kombu before it publishes. One that is consumed from has a loop that reads, and
        must not be exchanged for one without consumers behind its back (Flower's)."""
        if connection.connected and not _is_consumed_from(connection) and is_gone(connection.sock):
            connection.collect()
        return bool(connection.connected)


class Transport(_Looks, pyamqp.Transport):
    """For amqp://."""


class SSLTransport(_Looks, pyamqp.SSLTransport):
    """For amqps://."""


def is_gone(its_socket: socket.socket) -> bool:
    """Whether the other side has closed it, whatever is still to be read. Does not wait."""
    asked = select.poll()
    asked.register(its_socket, FAR_END_CLOSED)
    return bool(asked.poll(0))


def _is_consumed_from(connection: Any) -> bool:
    channels = (connection.channels or {}).values()
    return any(getattr(channel, "callbacks", None) for channel in channels)
