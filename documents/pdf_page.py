"""The paper of a letter after DIN 5008, form B: everything that stands beside the text itself.

Millimetres from the upper left corner of an A4 page. The window shows the return line and six lines
of address; folding at the two marks brings them behind it.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, time

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from documents.letter import Letter

LEFT, RIGHT = 25.0, 190.0
WIDTH = RIGHT - LEFT
BODY_TOP = 103.5
FOLLOWING_TOP = 38.0
BODY_BOTTOM = 256.0
BLACK, GREY, LINE = (20, 24, 28), (96, 104, 112), (190, 196, 202)
_FONTS = settings.BASE_DIR / "static" / "vendor" / "open-sans-1.11"
_WINDOW_WIDTH = 80.0
_ADDRESS_TOP = 62.7
_INFO_LEFT, _INFO_TOP = 125.0, 50.0
_FOOTER_TOP = 268.0
_LOGO_BOX = (60.0, 20.0)


class LetterPage(FPDF):
    """A sheet that draws its own head, window, marks and foot on every page."""

    def __init__(self, letter: Letter, *, total_pages: int) -> None:
        super().__init__(format="A4", unit="mm")
        self.letter = letter
        self.total_pages = total_pages
        self.set_auto_page_break(False)
        self.set_margins(LEFT, 0, 210 - RIGHT)
        self.c_margin = 0
        self.add_font("letter", "", str(_FONTS / "OpenSans-Regular.ttf"))
        self.add_font("letter", "B", str(_FONTS / "OpenSans-Bold.ttf"))
        # The same letter gives the same bytes: no clock in the file.
        self.set_creation_date(datetime.combine(letter.date, time(), tzinfo=UTC))
        self.set_title(letter.title)
        self.set_author(letter.company)
        self.set_lang("de-DE")
        self.set_display_mode("fullpage", "continuous")

    def start_page(self) -> None:
        """Adds a page with its furniture; the cursor stands where the text begins."""
        self.add_page()
        self._marks()
        self._foot()
        self._page_number()
        if self.page == 1:
            self._head()
            self._window()
            self._info_block()
            self.set_xy(LEFT, BODY_TOP)
        else:
            self._running_head()
            self.set_xy(LEFT, FOLLOWING_TOP)

    def write_in(
        self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = BLACK
    ) -> None:
        self.set_font("letter", "B" if bold else "", size)
        self.set_text_color(*colour)

    def line_at(
        self, x: float, y: float, text: str, width: float, *, align: Align = Align.L
    ) -> None:
        """One line of text in a box; what is too long is set smaller, never cut."""
        size = self.font_size_pt
        needed = self.get_string_width(text)
        if needed > width:
            self.set_font_size(size * width / needed)
        self.set_xy(x, y)
        self.cell(width, size * 0.45, text, align=align, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.set_font_size(size)

    def wrap(self, text: str, width: float) -> list[str]:
        """The lines a text takes in the current font; at least one."""
        lines = self.multi_cell(
            width, align=Align.L, text=text, dry_run=True, output=MethodReturnValue.LINES
        )
        assert isinstance(lines, list)
        return lines or [""]

    def _marks(self) -> None:
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        for y, length in ((105.0, 4.0), (148.5, 6.0), (210.0, 4.0)):
            self.line(5, y, 5 + length, y)

    def _head(self) -> None:
        """The logo above right, else the company's name."""
        if self.letter.logo:
            width, height = _LOGO_BOX
            self.image(
                io.BytesIO(self.letter.logo),
                x=Align.R,
                y=15,
                w=width,
                h=height,
                keep_aspect_ratio=True,
                alt_text=self.letter.company,
            )
            return
        self.write_in(17, bold=True)
        self.line_at(LEFT, 19, self.letter.company, WIDTH, align=Align.R)

    def _window(self) -> None:
        self.write_in(6.5, colour=GREY)
        self.line_at(LEFT, _ADDRESS_TOP - 5.6, self.letter.return_line, _WINDOW_WIDTH)
        self.set_draw_color(*LINE)
        self.line(LEFT, _ADDRESS_TOP - 1.8, LEFT + _WINDOW_WIDTH, _ADDRESS_TOP - 1.8)
        self.write_in(10.5)
        for number, line in enumerate(self.letter.address):
            self.line_at(LEFT, _ADDRESS_TOP + number * 4.9, line, _WINDOW_WIDTH)

    def _info_block(self) -> None:
        self.write_in(9)
        label_width = max(self.get_string_width(label) for label, _value in self.letter.info) + 3
        y = _INFO_TOP
        for label, value in self.letter.info:
            self.write_in(9, colour=GREY)
            self.line_at(_INFO_LEFT, y, label, label_width)
            self.write_in(9)
            x = _INFO_LEFT + label_width
            self.line_at(x, y, value, RIGHT - x)
            y += 4.9

    def _running_head(self) -> None:
        self.write_in(9, bold=True)
        self.line_at(LEFT, 20, self.letter.title, 90)
        self.write_in(9, colour=GREY)
        sender = f"{self.letter.company} · {self.letter.date:%d.%m.%Y}".strip(" ·")
        self.line_at(LEFT + 90, 20, sender, WIDTH - 90, align=Align.R)
        self.set_draw_color(*LINE)
        self.line(LEFT, 26, RIGHT, 26)

    def _page_number(self) -> None:
        self.write_in(8, colour=GREY)
        text = f"Seite {self.page} von {self.total_pages}"
        self.line_at(LEFT, 261.5, text, WIDTH, align=Align.R)

    def _foot(self) -> None:
        if not self.letter.footer:
            return
        self.set_draw_color(*LINE)
        self.line(LEFT, _FOOTER_TOP - 1.5, RIGHT, _FOOTER_TOP - 1.5)
        self.write_in(7, colour=GREY)
        widest = [max(map(self.get_string_width, column)) for column in self.letter.footer]
        spare = max(WIDTH - sum(widest), 0) / max(len(widest) - 1, 1)
        scale = min(1.0, (WIDTH - 3 * (len(widest) - 1)) / sum(widest))
        x = LEFT
        for column, width in zip(self.letter.footer, widest, strict=True):
            for number, line in enumerate(column):
                self.line_at(x, _FOOTER_TOP + number * 3.6, line, width * scale + 0.1)
            x += width * scale + max(spare, 3.0)
