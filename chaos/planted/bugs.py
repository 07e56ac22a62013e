"""Seeded bugs."""

BUGS: dict[str, object] = {}


def plant_by_name(name: str) -> None:
    """Later."""
