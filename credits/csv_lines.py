"""Reading a member file: each line becomes a member, or a refusal that says what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from credits import inputs, phones
from intake import csv_lines
from intake.csv_lines import RefusedLine

COLUMNS = ("name", "phone")


@dataclass(frozen=True, kw_only=True)
class MemberLine:
    """A well-formed line of the file; the number is in E.164."""

    line: int
    name: str
    phone: str


def read_lines(file: Iterable[str]) -> Iterator[MemberLine | RefusedLine]:
    """Read a file of members: see `intake.csv_lines`. Raises WrongHeader."""
    return csv_lines.read_lines(file, COLUMNS, _read_member)


def _read_member(line: int, name: str, phone: str) -> MemberLine:
    return MemberLine(line=line, name=inputs.line(name, longest=100), phone=phones.normalise(phone))
