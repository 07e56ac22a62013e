"""Keys of callers name operations."""

from uuid import NAMESPACE_URL, UUID, uuid5

KEYED_OPERATIONS = uuid5(NAMESPACE_URL, "onceproof:orders:order")
"""Under this namespace a key names its operation, in every process alike."""


def operation_of_key(key: str) -> UUID:
    """The operation that a caller's key names; a second call gives the same."""
    return uuid5(KEYED_OPERATIONS, key)
