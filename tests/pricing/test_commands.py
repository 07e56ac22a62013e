"""The commands: what they print, and that a refusal is one clear sentence."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pricing.models import PriceReduction, Product
from tests.pricing.shop import make_product

pytestmark = pytest.mark.django_db
HEADER = "sku,name,category,price\n"


def run(*arguments: str) -> tuple[str, str]:
    """The command's standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> tuple[str, str, str]:
    """The refusal, and what was printed before it."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out, stderr=err)
    return str(caught.value), out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "products.csv"


def test_import_products(file: Path) -> None:
    file.write_text(HEADER + 'B-1,"One, two",Books,9.99\nB-2,Three,Books,1.00\n')
    assert "2 created" in run("import_products", str(file))[0]
    assert "2 unchanged" in run("import_products", str(file))[0]
    file.write_text(HEADER + "B-1,Better,Books,9.99\nB-2,Three,Books,2.00\nB-3,Four,Books,3\n")
    printed = json.loads(run("import_products", str(file), "--json")[0])
    assert printed == {"created": 1, "repriced": 1, "updated": 1, "unchanged": 0, "refused": []}


def test_import_products_is_all_or_nothing(file: Path) -> None:
    file.write_bytes(
        HEADER.encode() + b"B-1,One,Books,9.99\nB-2,Caf\xe9,Books,1.00\nB-1,,Books,x\n"
    )
    message, out, err = refused("import_products", str(file))
    assert message == ("2 lines cannot be imported; nothing was. Mend them, or add --skip-invalid.")
    assert out == ""
    assert err.splitlines()[0] == "line 3: is not UTF-8; save the file as UTF-8."
    assert err.splitlines()[1].startswith(
        "line 4: name: is missing; give it. price: 'x' is no amount"
    )
    assert not Product.objects.exists()

    out, err = run("import_products", str(file), "--skip-invalid")
    assert "1 created" in out
    assert "2 refused" in out
    assert len(err.splitlines()) == 2


def test_import_products_reports_refusals_as_json_too(file: Path) -> None:
    file.write_text(HEADER + "B-1,One,Books,9.99\nB-1,One,Books,9.99\n")
    message, out, err = refused("import_products", str(file), "--json")
    reason = 'sku: "B-1" was on line 2 already; keep one of them.'
    assert json.loads(out) == {"error": message, "refused": [{"line": 3, "reason": reason}]}
    assert err == ""
    printed = json.loads(run("import_products", str(file), "--json", "--skip-invalid")[0])
    assert (printed["created"], printed["refused"]) == (1, [{"line": 3, "reason": reason}])


def test_a_long_report_is_cut_for_people_only(file: Path) -> None:
    file.write_text(HEADER + "B-1,One,Books,x\n" * 60)
    message, _, err = refused("import_products", str(file))
    assert message.startswith("60 lines")
    assert err.splitlines()[-1] == "… and 10 more; --json names them all."
    assert len(json.loads(refused("import_products", str(file), "--json")[1])["refused"]) == 60


def test_import_products_needs_a_file_with_a_header(file: Path) -> None:
    assert refused("import_products", str(file))[0].endswith(
        "cannot be read: No such file or directory."
    )
    assert "cannot be read" in refused("import_products", str(file.parent))[0]
    file.write_text("sku,name,price\n")
    message, out, _ = refused("import_products", str(file), "--json")
    assert "must name the columns sku,name,category,price" in message
    assert json.loads(out)["error"] == message


def test_reduce_price() -> None:
    make_product()
    out, _ = run("reduce_price", "BOOK", "--percent", "10")
    reduction = PriceReduction.objects.get()
    assert out == f"{reduction.pk}: 10 % off BOOK (scheduled), due now\n"


def test_reduce_price_with_every_option() -> None:
    make_product()
    due = datetime.now(UTC) + timedelta(hours=1)
    arguments = ["reduce_price", "BOOK", "--amount", "1.00", "--at", due.isoformat()]
    arguments += ["--expires", (due + timedelta(hours=1)).isoformat()]
    arguments += ["--if-price-changed", "apply", "--key", "sale", "--json"]
    out, err = run(*arguments)
    told = json.loads(out)
    assert err == ""
    assert (told["status"], told["amount"], told["if_price_changed"]) == (
        "scheduled",
        "1.00",
        "apply",
    )
    assert datetime.fromisoformat(told["starts_at"]) == due
    assert json.loads(run(*arguments)[0]) == told
    assert PriceReduction.objects.count() == 1


BAD: list[tuple[list[str], str]] = [
    (["NONE", "--percent", "10"], 'SKU: no product has "NONE"'),
    (["BOOK"], "--percent: is missing; give either percent or amount."),
    (["BOOK", "--percent", "10", "--amount", "1"], "--percent: give only one of"),
    (["BOOK", "--percent", "-5"], "--percent: '-5' is no percentage"),
    (["BOOK", "--percent", "1e3"], "--percent: '1e3' is no percentage"),
    (["BOOK", "--amount", "10.01"], "--amount: 10.01 is above the price of 10.00"),
    (["BOOK", "--percent", "10", "--at", "2001-01-01T00:00:00Z"], "--at: is past"),
    (["BOOK", "--percent", "10", "--at", "tomorrow"], "--at: 'tomorrow' is no moment"),
    (["BOOK", "--percent", "10", "--expires", "2001-01-01T00:00:00Z"], "--expires: is past"),
    (["BOOK", "--percent", "10", "--if-price-changed", "ask"], "--if-price-changed: 'ask'"),
]


@pytest.mark.parametrize(("arguments", "advice"), BAD)
def test_reduce_price_says_what_to_do(arguments: list[str], advice: str) -> None:
    make_product()
    message, out, _ = refused("reduce_price", *arguments)
    assert advice in message
    assert out == ""
    assert json.loads(refused("reduce_price", *arguments, "--json")[1])["error"] == message
    assert not PriceReduction.objects.exists()


def test_a_key_of_another_operation_is_refused() -> None:
    make_product()
    run("reduce_price", "BOOK", "--percent", "10", "--key", "sale")
    message = refused("reduce_price", "BOOK", "--percent", "11", "--key", "sale")[0]
    assert message.startswith("--key: The key 'sale' already names another reduction")


def test_a_progress_bar_never_touches_standard_output(file: Path, capfd: Any) -> None:
    file.write_text(HEADER + "".join(f"B-{n},Book {n},Books,1.00\n" for n in range(3_000)))
    call_command("import_products", str(file), "--json")
    assert json.loads(capfd.readouterr().out)["created"] == 3_000
