"""Imported by a worker: the first acknowledgement fails, and nothing else does, as at the moment
between a fetch and its acknowledgement when a broker dies and is back at once."""

from typing import Any

from kombu.transport.redis import QoS

really_ack = QoS.ack


def _fail_once(self: QoS, delivery_tag: Any) -> None:
    QoS.ack = really_ack
    raise ConnectionError("Connection closed by server.")


QoS.ack = _fail_once
