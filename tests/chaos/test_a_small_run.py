"""A run of the size that every test run can afford; the command makes it as long as you like."""

import json
import os
import subprocess
import sys

import pytest

from config.embedded.child import PROJECT
from tests.platform.copies import OF_THE_TEST_RUN

pytestmark = pytest.mark.xdist_group("supervisor")

SIZE = ("--messages", "300", "--faults", "8", "--minutes", "0.5", "--longest-fault", "3")


def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    kept = {key: value for key, value in os.environ.items() if key not in OF_THE_TEST_RUN}
    done = subprocess.run(
        [sys.executable, "manage.py", "chaos", *SIZE, "--seed", "7", "--json"],
        cwd=PROJECT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    found = json.loads(done.stdout)
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["messages"] >= 150, "a slow machine may not reach all of it within the time"
    assert found["faults"] >= 4
    assert sum(kind["count"] for kind in found["kinds"].values()) == found["faults"]
    assert found["live_checks"] > 0
