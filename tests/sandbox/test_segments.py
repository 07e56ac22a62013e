"""Segment counts at their limits."""

import pytest

from sandbox.sms import segments


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("äöüÄÖÜß@£Δ\n", 1),
        ("€" * 80, 1),  # two septets each
        ("€" * 81, 2),
        ("a" + "€" * 80, 2),
        ("a" * 152 + "€" + "a" * 153, 3),  # an escape is not torn apart
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("`" + "a" * 69, 1),  # the backtick is not in GSM-7
        ("`" + "a" * 70, 2),
        ("🎂" * 35, 1),  # two UCS-2 units each
        ("🎂" * 36, 2),
        ("🎂" * 67, 3),  # 33 pairs fit into 67 units
    ],
)
def test_segments(body: str, count: int):
    assert segments.count(body) == count
