"""The table of positions in a letter: head on every page, sums carried over, totals kept together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fpdf.enums import Align

from documents.german_format import format_amount
from documents.letter import Letter, Line
from documents.pdf_page import BODY_BOTTOM, GREY, LEFT, LINE, RIGHT, WIDTH, LetterPage

_SIZE, _LEADING, _PADDING, _GAP = 9.0, 4.4, 1.5, 5.0
_HEAD_SIZE, _WIDEST = 8.0, 34.0
_HEAD_HEIGHT, _CARRY_HEIGHT, _SUM_HEIGHT = 7.0, 6.5, 6.0


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    field: str
    width: float
    align: Align


def draw_table(page: LetterPage, letter: Letter) -> None:
    """Draws the positions and sums from the cursor on; adds pages as needed."""
    if not letter.lines:
        return
    columns = _columns(page, letter)
    _draw_head(page, columns)
    carried = Decimal("0.00")
    for number, line in enumerate(letter.lines):
        is_last = number == len(letter.lines) - 1
        rows = _wrap(page, columns, line)
        reserve = 0.0 if is_last or not letter.has_prices else _CARRY_HEIGHT
        if page.get_y() + _height(rows) + reserve > BODY_BOTTOM:
            _turn_page(page, columns, carried if letter.has_prices and number else None)
        _draw_line(page, columns, line, rows)
        carried += line.amount
    if letter.has_prices:
        _draw_sums(page, letter)


def _columns(page: LetterPage, letter: Letter) -> list[_Column]:
    """As wide as their content asks for; the text gets the rest. Unused columns are left out."""
    wanted = [("Pos.", "number", Align.L)]
    if any(line.article for line in letter.lines):
        wanted.append(("Artikel", "article", Align.L))
    wanted += [("Bezeichnung", "text", Align.L), ("Menge", "quantity", Align.R)]
    if letter.has_prices:
        wanted += [
            ("Einzelpreis", "price", Align.R),
            ("USt.", "rate", Align.R),
            ("Gesamt €", "total", Align.R),
        ]
    widths = {
        field: _needed_width(page, letter, title, field)
        for title, field, _align in wanted
        if field != "text"
    }
    widths["text"] = WIDTH - sum(widths.values()) - _GAP * (len(wanted) - 1)
    return [_Column(title, field, widths[field], align) for title, field, align in wanted]


def _needed_width(page: LetterPage, letter: Letter, title: str, field: str) -> float:
    page.write_in(_HEAD_SIZE, bold=True)
    widest = page.get_string_width(title)
    page.write_in(_SIZE)
    for line in letter.lines:
        widest = max(widest, page.get_string_width(getattr(line, field)))
    return min(widest, _WIDEST)


def _wrap(page: LetterPage, columns: list[_Column], line: Line) -> list[str]:
    width = next(column.width for column in columns if column.field == "text")
    page.write_in(_SIZE)
    return page.wrap(line.text, width)


def _height(rows: list[str]) -> float:
    return len(rows) * _LEADING + 2 * _PADDING


def _draw_head(page: LetterPage, columns: list[_Column]) -> None:
    y = page.get_y()
    page.set_fill_color(240, 243, 246)
    page.rect(LEFT - 2, y, WIDTH + 4, _HEAD_HEIGHT, style="F")
    page.write_in(_HEAD_SIZE, bold=True)
    x = LEFT
    for column in columns:
        page.line_at(x, y + 1.7, column.title, column.width, align=column.align)
        x += column.width + _GAP
    page.set_xy(LEFT, y + _HEAD_HEIGHT + 1)


def _draw_line(page: LetterPage, columns: list[_Column], line: Line, rows: list[str]) -> None:
    top = page.get_y()
    page.write_in(_SIZE)
    x = LEFT
    for column in columns:
        texts = rows if column.field == "text" else [getattr(line, column.field)]
        for number, text in enumerate(texts):
            y = top + _PADDING + number * _LEADING
            page.line_at(x, y, text, column.width, align=column.align)
        x += column.width + _GAP
    bottom = top + _height(rows)
    page.set_draw_color(*LINE)
    page.set_line_width(0.1)
    page.line(LEFT - 2, bottom, RIGHT + 2, bottom)
    page.set_xy(LEFT, bottom)


def _turn_page(page: LetterPage, columns: list[_Column], carried: Decimal | None) -> None:
    """A new page with the head; with prices the sum so far closes one page and opens the next."""
    if carried is not None:
        _draw_carry(page, carried)
    page.start_page()
    _draw_head(page, columns)
    if carried is not None:
        _draw_carry(page, carried)


def _draw_carry(page: LetterPage, carried: Decimal) -> None:
    y = page.get_y()
    page.write_in(_SIZE, colour=GREY)
    page.line_at(LEFT, y + 1.4, "Übertrag", WIDTH - 40, align=Align.R)
    page.line_at(RIGHT - 38, y + 1.4, format_amount(carried), 38, align=Align.R)
    page.set_xy(LEFT, y + _CARRY_HEIGHT)


def _draw_sums(page: LetterPage, letter: Letter) -> None:
    if page.get_y() + 3 + _SUM_HEIGHT * len(letter.sums) + 2 > BODY_BOTTOM:
        page.start_page()
    y = page.get_y() + 3
    for number, (label, amount) in enumerate(letter.sums):
        is_total = number == len(letter.sums) - 1
        if is_total:
            y += 1
            page.set_draw_color(*GREY)
            page.set_line_width(0.3)
            page.line(RIGHT - 90, y, RIGHT + 2, y)
            y += 1
        page.write_in(10.5 if is_total else _SIZE, bold=is_total)
        page.line_at(LEFT, y, label, WIDTH - 40, align=Align.R)
        page.line_at(RIGHT - 38, y, amount, 38, align=Align.R)
        y += _SUM_HEIGHT - (0 if is_total else 0.8)
    page.set_xy(LEFT, y + 3)
