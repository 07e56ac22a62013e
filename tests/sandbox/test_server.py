"""The server itself: loopback only, its own secrets, what it does with nonsense."""

import json
import socket
import stat
import threading
from pathlib import Path

import requests

from sandbox import credentials
from sandbox.control import Control
from tests.sandbox.clients import Carrier
from tests.sandbox.process import SandboxProcess


def test_it_listens_on_loopback_only(sandbox: SandboxProcess):
    port = int(sandbox.url.rpartition(":")[2])
    listening = (
        [
            line.split()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()
            if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
        ]
        if Path("/proc/net/tcp").exists()
        else [f"0100007F:{port:04X}"]
    )
    assert listening == [f"0100007F:{port:04X}"]  # 127.0.0.1


def test_its_address_is_written_down(sandbox: SandboxProcess):
    assert (sandbox.home / "url").read_text() == sandbox.url


def test_secrets_are_random_kept_and_private(tmp_path: Path):
    first, again = credentials.load(tmp_path), credentials.load(tmp_path)
    (tmp_path / "other").mkdir()
    assert first == again != credentials.load(tmp_path / "other")
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_secrets_can_be_given(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SANDBOX_TWILIO_AUTH_TOKEN", "given")
    assert credentials.load(tmp_path).twilio_auth_token == "given"


def test_many_at_once_find_the_same_secrets(tmp_path: Path):
    found: list[credentials.Credentials] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        found.append(credentials.load(tmp_path))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_unknown_paths(sandbox: SandboxProcess):
    for path in ("/", "/v1/customers", "/2010-04-01/Accounts/AC0/Calls.json", "/carrier/v2"):
        assert requests.get(sandbox.url + path, timeout=2).status_code == 404


def test_a_huge_body_is_refused(sandbox: SandboxProcess):
    reply = requests.post(sandbox.url + "/v1/payment_intents", data=b"x" * 1_000_001, timeout=5)
    assert reply.status_code == 413


def test_nonsense_in_bodies(sandbox: SandboxProcess):
    url = sandbox.url + "/carrier/v1/shipments"
    headers = {"Authorization": f"Bearer {sandbox.credentials.carrier_token}"}
    for body in (b"{", b"[1]", b"\xff", b"[" * 100_000, b""):
        assert requests.post(url, data=body, headers=headers, timeout=5).status_code == 422


def test_a_client_that_hangs_up_harms_nobody(sandbox: SandboxProcess, control: Control):
    port = int(sandbox.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /carrier/v1/shipments HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert Carrier(sandbox).create(reference="r", order="7").status_code == 201


def test_many_at_once_are_all_served(sandbox: SandboxProcess, control: Control):
    carrier = Carrier(sandbox)

    def ship(n: int) -> None:
        for step in range(5):
            assert carrier.create(reference=f"{n}-{step}", order="7").status_code == 201

    threads = [threading.Thread(target=ship, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(control.log("shipping")) == 80


def test_of_many_with_one_reference_one_ships(sandbox: SandboxProcess, control: Control):
    carrier, statuses = Carrier(sandbox), []

    def ship() -> None:
        statuses.append(carrier.create(reference="r", order="7").status_code)

    threads = [threading.Thread(target=ship) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 11
    assert json.dumps(control.log("shipping")) == '[{"order": "7", "reference": "r"}]'
