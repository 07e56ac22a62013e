"""A mail server that says what a test tells it to, to Django's own client."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HANG_UP = ""


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every message, but for its answers: each is given once, to the next such command."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.answers: dict[str, str] = {}
        self.taken: list[str] = []


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if not self._answer(
                verb, {"DATA": "354 go on", "AUTH": "235 in", "EHLO": "250-hello\r\n250 AUTH PLAIN"}
            ):
                return
            if verb == "QUIT":
                return

    def _answer(self, verb: str, usual: dict[str, str]) -> bool:
        answer = self.server.answers.pop(verb, usual.get(verb, "250 fine"))
        if answer == HANG_UP:
            return False
        self._say(answer)
        return self._take() if answer.startswith("354") else True

    def _take(self) -> bool:
        lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
        message = "".join(lines)
        if self.server.answers.get("message", "250").startswith("250"):
            self.server.taken.append(message)
        return self._answer("message", {})

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Runs in a thread; yields it."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
