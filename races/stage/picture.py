"""A run as a picture to keep: one SVG that needs no style sheet and no font of ours."""

import textwrap
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from races.recording.data import HOLD, WAIT
from races.stage.board import MISSED, STEP, Cell, Row
from races.stage.page import Page

_LETTER, _LINE = 7.3, 18  # of the monospaced text: width and height
_WIDE, _LANE, _LEFT, _PAD = 320, 22, 46, 9
_COLOURS = ("#1c5fc2", "#6d3fc4", "#8a5300", "#555966")
_RED, _GREEN, _INK, _FAINT = "#b3261e", "#13713f", "#16171d", "#6b6f7d"
_MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SANS = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass
class _Sheet:
    """The picture so far."""

    parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, words: str, *, fill: str = _INK, size: int = 12,
        font: str = _MONO, weight: int = 400, anchor: str = "start",
    ) -> None:  # fmt: skip
        self.parts.append(
            f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" font-size="{size}" '
            f'font-family="{font}" font-weight="{weight}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def box(self, x: float, y: float, width: float, height: float, **paint: str) -> None:
        named = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in paint.items())
        self.parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" {named}/>'
        )


def draw(page: Page) -> str:
    """The page's timeline with its verdict, as one document."""
    widths = [_LANE * column.lanes + _WIDE for side in page.board.sides for column in side.columns]
    width = _LEFT + sum(widths) + 12
    sheet = _Sheet()
    y = _head(sheet, page, width)
    heights = [_height(row) for row in page.board.rows]
    tops = [y + sum(heights[:number]) for number in range(len(heights))]
    for number, row in enumerate(page.board.rows):
        _row(sheet, row, tops[number], heights[number], width)
    _cells(sheet, page, tops, heights)
    total = y + sum(heights) + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {total:.0f}" '
        f'width="{width:.0f}" height="{total:.0f}">\n<title>{escape(page.race.claim)}</title>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join(sheet.parts)
        + "\n</svg>\n"
    )


def _head(sheet: _Sheet, page: Page, width: float) -> float:
    y = 30.0
    sheet.text(12, y, page.race.claim, size=20, font=_SANS, weight=650)
    for name, run, _ in page.runs:
        colour = _GREEN if run.holds else _RED
        said = "holds here." if run.holds else f"breaks: {run.message}."
        y += 26
        sheet.text(12, y, f"{name} {said}", fill=colour, size=15, font=_SANS, weight=600)
        for line in textwrap.wrap(run.sentence.replace("…”.", "…”"), int((width - 24) / 6.6)):
            y += 19
            sheet.text(12, y, line, size=13, font=_SANS)
    y += 22
    sheet.text(12, y, f"Schedule {page.run.wanted}", fill=_FAINT)
    y += 26
    x = float(_LEFT)
    for side in page.board.sides:
        if page.other:
            sheet.text(x + _PAD, y - 4, side.name, font=_SANS, weight=650)
        for column in side.columns:
            x += _LANE * column.lanes
            down = 16 if page.other else 0
            sheet.text(
                x + _PAD, y + down, column.worker, fill=_COLOURS[column.colour], size=15,
                font=_SANS, weight=700,
            )  # fmt: skip
            x += _WIDE
    return y + (26 if page.other else 12)


def _row(sheet: _Sheet, row: Row, top: float, height: float, width: float) -> None:
    if row.fault:
        sheet.box(0, top, width, height, fill="#fdeceb")
        sheet.box(0, top, 5, height, fill=_RED)
    sheet.parts.append(f'<path d="M0 {top:.0f}H{width:.0f}" stroke="#e5e5eb"/>')
    if row.leads:
        sheet.text(32, top + 20, str(row.turn), fill=_RED if row.fault else _FAINT, anchor="end")


def _cells(sheet: _Sheet, page: Page, tops: list[float], heights: list[float]) -> None:
    columns = [column for side in page.board.sides for column in side.columns]
    slots = [lane < column.lanes for column in columns for lane in range(column.lanes + 1)]
    starts = [float(_LEFT)]
    for is_lane in slots:
        starts.append(starts[-1] + (_LANE if is_lane else _WIDE))
    busy = [0] * len(slots)  # rows that a cell from above still covers
    for number, row in enumerate(page.board.rows):
        cells = iter(row.cells)
        for slot in range(len(slots)):
            if busy[slot]:
                busy[slot] -= 1
                continue
            cell = next(cells)
            busy[slot] = cell.rows - 1
            height = sum(heights[number : number + cell.rows])
            _cell(sheet, cell, starts[slot], tops[number], height)


def _cell(sheet: _Sheet, cell: Cell, x: float, top: float, height: float) -> None:
    colour = _COLOURS[cell.worker]
    if cell.kind == HOLD:
        sheet.box(x + 3, top + 3, _LANE - 6, height - 6, fill=colour, rx="5")
        middle_x, middle_y = x + _LANE / 2 + 4, top + height / 2
        sheet.parts.append(
            f'<text transform="translate({middle_x:.0f} {middle_y:.0f}) rotate(-90)" '
            f'text-anchor="middle" fill="#ffffff" font-size="11" font-family="{_SANS}">'
            f"{escape(cell.text[: max(3, int(height / 6.5))])}</text>"
        )
    elif cell.kind == WAIT:
        sheet.box(x, top, _WIDE, height, fill="#fdf1dc", stroke="#8a5300", stroke_dasharray="4 4")
        sheet.text(x + _PAD, top + height / 2 + 4, cell.text, fill="#8a5300", weight=600)
    elif cell.kind == MISSED:
        sheet.text(x + _PAD, top + 20, cell.text, fill=_FAINT)
    elif cell.kind == STEP:
        for number, (line, kind) in enumerate(_lines(cell)):
            fill = {"text": _INK, "result": colour, "note": "#8a5300", "world": _FAINT}[kind]
            sheet.text(x + _PAD, top + 20 + number * _LINE, line, fill=fill)


def _height(row: Row) -> float:
    lines = max((len(_lines(cell)) for cell in row.cells if cell.kind == STEP), default=1)
    return lines * _LINE + 12.0


def _lines(cell: Cell) -> list[tuple[str, str]]:
    moment = cell.moment
    if moment is None:
        return []
    text = {"…": "goes on", "(ends)": "its job ends"}.get(moment.text, moment.text)
    letters = int((_WIDE - 2 * _PAD) / _LETTER)
    found = []
    for words, kind in (
        (text[:300], "text"), (moment.result, "result"), (moment.note, "note"),
        (f"committed: {cell.world}" if cell.world else "", "world"),
    ):  # fmt: skip
        found += [(line, kind) for line in textwrap.wrap(words, letters, subsequent_indent="  ")]
    return found
