"""The reduction leaves nothing out: random programs end the same in a reduced and a full search."""

import pytest

from races.explorer import Explorer
from races.explorer.dependency import DELETE, INSERT, KEY_SHARE, UPDATE, WRITE, Footprint, names
from races.explorer.dependency import independent as swap
from races.explorer.reduction import compare


@pytest.mark.parametrize(
    ("workers", "size", "kills", "seeds", "largest"),
    [
        (2, 3, 0, range(10), 150),
        (3, 1, 0, range(500, 504), 100),
        (2, 1, 1, range(900, 904), 150),
        (2, 1, 1, range(3960, 3961), 150),
    ],
    ids=["two workers", "three workers", "a death", "a death that leaves a sequence advanced"],
)
def test_random_programs_end_the_same(
    explorer: Explorer, workers: int, size: int, kills: int, seeds: range, largest: int
) -> None:
    found = list(compare(explorer, seeds, workers, size, kills, largest))
    tried = [each for each in found if not each.too_large]
    assert [each.seed for each in tried if not each.agrees] == []
    assert len(tried) >= len(found) // 2
    assert sum(each.reduced for each in tried) < sum(each.full for each in tried)


def test_a_plain_read_depends_on_commits_alone() -> None:
    read = Footprint(reads=frozenset({"t"}))
    write = Footprint(takes=names(["t"], WRITE))
    commit = Footprint(frees=names(["t"], WRITE), commits=True)
    rollback = Footprint(frees=names(["t"], WRITE))
    assert swap(read, write)
    assert swap(read, rollback)
    assert not swap(read, commit)


def test_foreign_keys_do_not_disturb_updates_of_the_parent() -> None:
    child = Footprint(takes=names(["t"], KEY_SHARE))
    assert swap(child, Footprint(takes=names(["t"], WRITE)))
    assert not swap(child, Footprint(takes=names(["t"], DELETE)))
    assert swap(Footprint(takes=names(["t"], INSERT)), Footprint(takes=names(["t"], UPDATE)))


def test_a_strict_transaction_depends_on_whatever_it_meets() -> None:
    strict = Footprint(reads=frozenset({"t"}), strict=True)
    assert not swap(strict, Footprint(takes=names(["t"], WRITE)))
    first = Footprint(reads=frozenset({"other"}), strict=True, snapshot=True)
    assert not swap(first, Footprint(frees=names(["t"], WRITE), commits=True))


def test_two_that_wait_depend_on_each_other() -> None:
    waits = Footprint(takes=names(["t"], WRITE), blocked=True)
    assert not swap(waits, Footprint(takes=names(["u"], WRITE), blocked=True))
