"""Which faults come, and in which order, is the seed's choice alone."""

from collections import Counter

from chaos import plan
from chaos.faults import FAULTS


def test_the_same_seed_gives_the_same_plan() -> None:
    drawn = [plan.draw(list(FAULTS), faults=100, seed=5) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != plan.draw(list(FAULTS), faults=100, seed=6)


def test_few_faults_cover_many_kinds() -> None:
    for seed in range(50):
        kinds = {kind for step in plan.draw(list(FAULTS), faults=42, seed=seed) for kind in step}
        assert len(kinds) >= 14


def test_each_kind_comes_as_often_as_any_other() -> None:
    counts = Counter(k for step in plan.draw(list(FAULTS), faults=500, seed=1) for k in step)
    assert sum(counts.values()) == 500
    assert max(counts.values()) - min(counts.values()) <= 1


def test_some_come_in_pairs() -> None:
    sizes = {len(step) for step in plan.draw(list(FAULTS), faults=100, seed=1)}
    assert sizes == {1, 2}
