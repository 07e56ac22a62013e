"""The design tokens: what is written on what, readable in light and in dark (WCAG 2.2, 1.4.3)."""

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "config/static/css/tokens.css").read_text()
PAIRS = dict(re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", TOKENS))
INKS = ("--ink", "--ink-muted", "--ink-faint", "--accent")
GROUNDS = ("--canvas", "--surface", "--raised", "--sunken", "--hover")
HUES = ("--blue", "--violet", "--green", "--amber", "--red", "--grey")
WRITTEN = [
    *[(ink, ground) for ink in INKS for ground in GROUNDS],
    *[(hue, f"{hue}-soft") for hue in HUES],
    *[(hue, "--surface") for hue in HUES],
    ("--accent", "--accent-soft"),
    ("--ink", "--accent-soft"),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), WRITTEN)
def test_everything_written_can_be_read(ink: str, ground: str, theme: int) -> None:
    assert _contrast(_colour(ink, theme), _colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["--accent-fill", "--accent-fill-hover"])
def test_white_on_a_button_can_be_read(ground: str, theme: int) -> None:
    assert _contrast("#ffffff", _colour(ground, theme)) >= 4.5


def _colour(token: str, theme: int) -> str:
    return PAIRS[token].split(", ")[theme]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
