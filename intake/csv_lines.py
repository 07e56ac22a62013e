"""Reading a CSV file: each line becomes a row, or a refusal that says what to do."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Row = TypeVar("Row")

ENCODING_ERRORS = "surrogateescape"
"""How to open the file, so that a broken byte spoils its own line and no other."""


@dataclass(frozen=True)
class RefusedLine:
    """A line that cannot be imported, and why. Lines count from 1, the header."""

    line: int
    reason: str


class ImportRefused(Exception):
    """The file has lines that cannot be imported, and none of it was. `refused` names each.

    Mend those lines, or skip them knowingly with `skip_invalid`.
    """

    def __init__(self, refused: list[RefusedLine]) -> None:
        super().__init__(f"{len(refused)} lines cannot be imported; nothing was.")
        self.refused = refused


class WrongHeader(ValueError):
    """The first line does not name the columns; its text says what it should be."""


def read_lines(
    file: Iterable[str], columns: Sequence[str], read: Callable[..., Row]
) -> Iterator[Row | RefusedLine]:
    """Read a file with a header, in constant memory. Empty lines are passed over.

    Each line goes to `read(line, *fields)`, the number first, the fields without blanks around them
    and in the order of `columns`; a ValueError of it refuses the line. Raises WrongHeader, before
    any line is read.
    """
    reader = csv.reader(file, strict=True)
    positions = _read_header(reader, columns)
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
            try:
                yield read(line, *_in_order(fields, positions))
            except ValueError as refusal:
                yield RefusedLine(line, str(refusal))


def _read_header(reader: Iterator[list[str]], columns: Sequence[str]) -> list[int]:
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise WrongHeader(f"The header is not valid CSV: {error}.") from None
    if sorted(header) != sorted(columns):
        found = ascii(",".join(header))[:80] if header else "nothing"
        raise WrongHeader(
            f"The first line must name the columns {','.join(columns)} and no others, "
            f"separated by commas; found {found}."
        )
    return [header.index(column) for column in columns]


def _in_order(fields: list[str], positions: list[int]) -> list[str]:
    if len(fields) != len(positions):
        raise ValueError(
            f"has {len(fields)} fields instead of {len(positions)}; put quotes around a field that "
            "holds a comma."
        )
    if any("\udc80" <= character <= "\udcff" for field in fields for character in field):
        raise ValueError("is not UTF-8; save the file as UTF-8.")
    return [fields[position].strip() for position in positions]
