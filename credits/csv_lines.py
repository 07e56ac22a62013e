"""Reading a member file: each line becomes a member, or a refusal that says what to do."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from credits import inputs, phones

COLUMNS = ("name", "phone")
ENCODING_ERRORS = "surrogateescape"
"""How to open the file, so that a broken byte spoils its own line and no other."""


@dataclass(frozen=True, kw_only=True)
class MemberLine:
    """A well-formed line of the file; the number is in E.164."""

    line: int
    name: str
    phone: str


@dataclass(frozen=True)
class RefusedLine:
    """A line that cannot be imported, and why. Lines count from 1, the header."""

    line: int
    reason: str


def read_lines(file: Iterable[str]) -> Iterator[MemberLine | RefusedLine]:
    """Read a CSV file with a header, in constant memory. Empty lines are passed over.

    Raises InvalidInput where the header is not what it should be, before any line is read.
    """
    reader = csv.reader(file, strict=True)
    positions = _read_header(reader)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RefusedLine(line, f"is not valid CSV ({error}); check its quotes.")
            continue
        if any(fields):
            yield _read_member(line, fields, positions)


def _read_header(reader: Iterator[list[str]]) -> list[int]:
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise inputs.InvalidInput({"file": f"The header is not valid CSV: {error}."}) from None
    if sorted(header) != sorted(COLUMNS):
        found = ascii(",".join(header))[:80] if header else "nothing"
        raise inputs.InvalidInput(
            {
                "file": f"The first line must name the columns {','.join(COLUMNS)} and no others, "
                f"separated by commas; found {found}."
            }
        )
    return [header.index(column) for column in COLUMNS]


def _read_member(line: int, fields: list[str], positions: list[int]) -> MemberLine | RefusedLine:
    if len(fields) != len(COLUMNS):
        return RefusedLine(line, f"has {len(fields)} fields instead of {len(COLUMNS)}.")
    name, phone = (fields[position].strip() for position in positions)
    if any("\udc80" <= character <= "\udcff" for character in name + phone):
        return RefusedLine(line, "is not UTF-8; save the file as UTF-8.")
    try:
        return MemberLine(
            line=line, name=inputs.line(name, longest=100), phone=phones.normalise(phone)
        )
    except ValueError as refusal:
        return RefusedLine(line, str(refusal))
