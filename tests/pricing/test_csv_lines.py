"""Reading a product file: what is well-formed, and what each refusal says."""

import io
from decimal import Decimal

import pytest

from intake.csv_lines import ENCODING_ERRORS, RefusedLine, WrongHeader
from pricing.csv_lines import ProductLine, read_lines

HEADER = b"sku,name,category,price\n"


def read(body: bytes, header: bytes = HEADER) -> list[ProductLine | RefusedLine]:
    raw = io.BytesIO(header + body)
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors=ENCODING_ERRORS, newline="")
    return list(read_lines(text))


def reason(body: bytes) -> str:
    (refused,) = [one for one in read(body) if isinstance(one, RefusedLine)]
    return refused.reason


def test_a_line_is_a_product() -> None:
    assert read(b"B-1, A book ,Books,9.5\n") == [
        ProductLine(line=2, sku="B-1", name="A book", category="Books", price=Decimal("9.5"))
    ]


def test_quotes_commas_and_accents_in_titles() -> None:
    (line,) = read('B-1,"Say ""yes"", or nön",Bücher,9.50\n'.encode())
    assert isinstance(line, ProductLine)
    assert line.name == 'Say "yes", or nön'


def test_columns_in_any_order_with_a_byte_order_mark_and_dos_line_ends() -> None:
    (line,) = read(b"9.50,Books,A book,B-1\r\n", "\ufeffPrice,category,name,SKU\r\n".encode())
    assert isinstance(line, ProductLine)
    assert (line.sku, line.price) == ("B-1", Decimal("9.50"))


def test_empty_lines_are_passed_over_and_counted() -> None:
    (line,) = read(b"\n\nB-1,A book,Books,9.50\n\n")
    assert line.line == 4


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"sku,name,category\n", "sku,name,category"),
        (b"sku;name;category;price\n", "sku;name;category;price"),
        (b"sku,name,category,price,colour\n", "colour"),
        (b"sku,sku,name,category,price\n", "sku,sku"),
        (b"B-1,A book,Books,9.50\n", "b-1"),
        ("sku,name,category,price\n".encode("utf-16"), "udcff"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
    ],
)
def test_another_header_is_refused(header: bytes, found: str) -> None:
    with pytest.raises(WrongHeader, match="must name the columns") as caught:
        read(b"B-1,A book,Books,9.50\n", header)
    assert found.lower() in str(caught.value).lower()


def test_an_empty_file_has_no_header() -> None:
    with pytest.raises(WrongHeader, match="found nothing"):
        read(b"", b"")


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"B-1,A book,Books,1.234\n", "at most two decimals"),
        (b"B-1,A book,Books,-1\n", "without sign"),
        (b"B-1,A book,Books,NaN\n", "no amount"),
        (b"B-1,A book,Books,1e3\n", "no amount"),
        (b'B-1,A book,Books,"1,50"\n', "no amount"),
        (b"B-1,A book,Books,\n", "price: is missing"),
        (b",A book,Books,1.50\n", "sku: is missing"),
        (b"B-1,,Books,1.50\n", "name: is missing"),
        (b"A/B,A book,Books,1.50\n", "without slashes"),
        (b"B-1,A book,Books\n", "has 3 fields instead of 4"),
        (b"B-1,A book, by me,Books,1.50\n", "put quotes around a field that holds a comma"),
        (b"B-1,Caf\xe9,Books,1.50\n", "is not UTF-8"),
        (b'B-1,"two\nlines",Books,1.50\n', "line breaks"),
        (b"B-1,A\x00book,Books,1.50\n", "control"),
        (b'B-1,"A "book,Books,1.50\n', "check its quotes"),
        (b'B-1,"A book,Books,1.50\n', "check its quotes"),
        (b"B-1," + b"x" * 201 + b",Books,1.50\n", "shorten it to 200"),
        (b"B-1," + b"x" * 200_000 + b",Books,1.50\n", "check its quotes"),
    ],
)
def test_a_bad_line_is_refused_with_advice(body: bytes, advice: str) -> None:
    assert advice in reason(body)


def test_a_bad_line_spoils_no_other() -> None:
    lines = read(
        b"B-1,Caf\xe9,Books,1.50\n"
        b"B-2,A book,Books,1.50\n"
        b'B-3,"A "book,Books,1.50\n'
        b'B-4,"two\nlines",Books,1.50\n'
        b"B-5,A book,Books,1.50\n"
    )
    assert [(one.line, type(one)) for one in lines] == [
        (2, RefusedLine),
        (3, ProductLine),
        (4, RefusedLine),
        (5, RefusedLine),
        (7, ProductLine),
    ]


def test_reasons_hold_no_line_breaks_whatever_the_file_holds() -> None:
    assert "\n" not in reason(b'B-1,A book,Books,"1\n50"\n')
