"""What a Celery delivery tells about itself. It is noted for people to read and decides nothing."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Which process received which dispatch, and when that was sent by its sender's clock."""

    worker: str
    task_id: str = ""
    dispatched_at: datetime | None = None

    @classmethod
    def here(cls) -> "Delivery":
        """This process, without a dispatch."""
        return cls(worker=f"{socket.gethostname()}:{os.getpid()}")

    @classmethod
    def of(cls, request: Any) -> "Delivery":
        """This process, with the dispatch of a Celery task's request."""
        return cls(
            worker=cls.here().worker,
            task_id=request.id or "",
            dispatched_at=_sent_at(request),
        )


def _sent_at(request: Any) -> datetime | None:
    try:
        sent_at = parse_datetime(str((request.headers or {})["dispatched_at"]))
    except (KeyError, TypeError, ValueError):
        return None
    return sent_at if sent_at and sent_at.tzinfo else None
