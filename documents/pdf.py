"""Draws a letter: DIN 5008, form B, with the positions as a table."""

from __future__ import annotations

from fpdf.enums import XPos, YPos

from documents.letter import Letter
from documents.pdf_page import BODY_BOTTOM, LEFT, WIDTH, LetterPage
from documents.pdf_table import draw_table

_SIZE, _LEADING = 10.0, 4.9


def render_pdf(letter: Letter) -> bytes:
    """The letter as PDF. Equal letters give equal bytes."""
    page = _draw(letter, total_pages=1)
    if page.pages_count > 1:  # „Seite 1 von 3“ is known only when the end is
        page = _draw(letter, total_pages=page.pages_count)
    return bytes(page.output())


def _draw(letter: Letter, *, total_pages: int) -> LetterPage:
    page = LetterPage(letter, total_pages=total_pages)
    page.start_page()
    page.write_in(13, bold=True)
    page.line_at(LEFT, page.get_y(), letter.title, WIDTH)
    page.set_xy(LEFT, page.get_y() + 11)
    _draw_text(page, letter.intro)
    if letter.lines:
        draw_table(page, letter)
    _draw_text(page, letter.closing)
    _draw_greeting(page, letter)
    return page


def _draw_text(page: LetterPage, text: str) -> None:
    """Paragraphs, line by line, so that a page ends between lines."""
    if not text.strip():
        return
    page.set_y(page.get_y() + 1)
    for line in _wrapped(page, text.strip()):
        if page.get_y() + _LEADING > BODY_BOTTOM:
            page.start_page()
        page.write_in(_SIZE)
        page.set_x(LEFT)
        page.cell(WIDTH, _LEADING, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_y(page.get_y() + 3)


def _wrapped(page: LetterPage, text: str) -> list[str]:
    page.write_in(_SIZE)
    return [line for paragraph in text.splitlines() for line in page.wrap(paragraph, WIDTH)]


def _draw_greeting(page: LetterPage, letter: Letter) -> None:
    """Greeting and name stay together."""
    lines = [line for line in letter.greeting.strip().splitlines() if line.strip()]
    if not lines:
        return
    if page.get_y() + _LEADING * (len(lines) + 3) > BODY_BOTTOM:
        page.start_page()
    _draw_text(page, "\n".join(lines))
    page.set_y(page.get_y() + _LEADING)
    _draw_text(page, letter.signatory)
