"""The process: an HTTP server on loopback, one thread per connection, and the callback courier."""

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

from sandbox import credentials
from sandbox.application import Application
from sandbox.courier import Courier
from sandbox.store import Store
from sandbox.web import ConnectionCut, Request, Response

LONGEST_BODY = 1_000_000


def serve(*, home: Path, port: int) -> None:
    """Answer on 127.0.0.1:`port` (0: a free one) until SIGTERM or SIGINT.

    The address is printed and written to `home/url`. Raises SystemExit where another sandbox
    already runs in this home: two would not know each other's requests in flight.
    """
    signal.signal(signal.SIGTERM, _stop)
    with _only_one(home):
        store, secret = Store(home), credentials.load(home)
        seed = os.environ.get("SANDBOX_SEED") or secrets.token_hex(8)
        server = _Server(("127.0.0.1", port), _Conversation)
        server.application = Application(store=store, credentials=secret, seed=seed)
        with Courier(store, secret):
            _announce(home, server.server_port)
            try:
                server.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                return


def _stop(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        try:
            # Held by the process: the kernel gives it back even after a kill -9.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(
                f"a sandbox already runs in {home}: stop it, or give SANDBOX_HOME another place"
            )
        yield


def _announce(home: Path, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    (home / "url").write_text(url)
    sys.stdout.write(f"sandbox listens on {url}\n")
    sys.stdout.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    application: Application

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are the daily bread of a sandbox; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Server

    def do_GET(self) -> None:
        self._converse()

    def do_POST(self) -> None:
        self._converse()

    def do_DELETE(self) -> None:
        self._converse()

    def _converse(self) -> None:
        try:
            self._reply(self._answer())
        except ConnectionCut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> Response:
        declared = self.headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else 0
        if length > LONGEST_BODY:
            self.close_connection = True
            return Response(413, {"error": f"a body is at most {LONGEST_BODY} bytes"})
        try:
            return self.server.application.answer(self._request(length))
        except Exception as mistake:
            if isinstance(mistake, ConnectionCut):
                raise
            traceback.print_exc()  # ours, and no fault that anybody asked for
            return Response(500, {"error": f"the sandbox itself failed: {type(mistake).__name__}"})

    def _request(self, length: int) -> Request:
        address = urlsplit(self.path)
        return Request(
            method=self.command,
            path=address.path,
            query=dict(parse_qsl(address.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )

    def _reply(self, response: Response) -> None:
        payload = json.dumps(response.body).encode()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Nothing per request: numbers and texts have no place in a log file."""
