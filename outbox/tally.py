"""What one dispatch found and did: its Celery result, as Flower shows it."""

from dataclasses import asdict, dataclass


@dataclass
class Tally:
    """Counts of messages. `refused` were locked, finished or not due: duplicates, mostly."""

    done: int = 0
    failed: int = 0
    late: int = 0
    refused: int = 0

    def as_dict(self) -> dict[str, int]:
        """As JSON, for the Celery event."""
        return asdict(self)
