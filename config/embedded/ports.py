"""Free ports below the range that the system hands out to outgoing connections.

A port inside that range was once taken by a client's connection while its server restarted.
"""

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000  # Linux hands out 32768 and above, macOS 49152 and above


def free_port() -> int:
    """A port on which nothing listens now. The caller writes it down and keeps it."""
    for port in random.sample(range(LOWEST, HIGHEST), k=200):
        if is_free(port):
            return port
    raise RuntimeError(f"No free port between {LOWEST} and {HIGHEST}.")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True
