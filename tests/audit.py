"""`python -m tests.audit`: known vulnerabilities of what a deployment may install, by pip-audit.

pip-audit calls it "no known vulnerabilities" when it could look up nothing at all. Here that is
told apart: what could not be looked up is named, and does not fail; what was found fails.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

LOCKED = ("requirements.txt", "requirements-observability.txt")
FILES = " and ".join(LOCKED)
PATIENCE = 300  # seconds
COMMAND = (
    *(sys.executable, "-m", "pip_audit", "--require-hashes"),
    *(word for file in LOCKED for word in ("-r", file)),
    *("--disable-pip", "--progress-spinner", "off", "-f", "json"),
)


@dataclass
class Verdict:
    """What is known about the locked packages."""

    audited: int = 0
    unknown: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    @property
    def says(self) -> str:
        """One paragraph for a person."""
        told = [f"{len(self.found)} known vulnerabilities in {self.audited} packages of {FILES}."]
        if self.unknown:
            told.append(
                f"{len(self.unknown)} packages could NOT be audited: the advisory database was not "
                f"reached, or does not know them ({', '.join(self.unknown[:5])} …)."
            )
        return "\n".join([*told, *self.found])


def main() -> int:
    """Returns 1 where something was found, else 0, also where nobody could be asked."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=PATIENCE)
        report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        print(f"NOT audited: no advisory database was reached, so nothing is known of {FILES}.")  # noqa: T201
        return 0
    verdict = judge(report)
    print(verdict.says)  # noqa: T201
    return int(bool(verdict.found))


def judge(report: dict[str, Any]) -> Verdict:
    """Read pip-audit's report."""
    verdict = Verdict()
    for package in report["dependencies"]:
        if "skip_reason" in package:
            verdict.unknown.append(package["name"])
            continue
        verdict.audited += 1
        verdict.found += [
            f"{package['name']} {package['version']}: {one['id']}, mended in "
            f"{', '.join(one['fix_versions']) or 'no version yet'}"
            for one in package["vulns"]
        ]
    return verdict


if __name__ == "__main__":
    sys.exit(main())
