"""Pages for printing: A4, a font that has Chinese, page numbers, tables whose cells wrap."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont
from pylopdf_fonts_zh_cn import sans_path

FONT = "noto"
_SMALL, _NORMAL, _PART, _TITLE = 6.5, 9.0, 11.0, 15.0
_ROW_MM = 3.4
_PADDING_MM = 1.0
_PAGES = "\ue000pages"
"""Stands for the number of pages, and is as wide as the largest. No text of a feed or bank has its
first letter, as it could have `{nb}`: none that is not printable is shown."""
_HEAD = (230, 238, 246)
_LINE = (200, 208, 216)


class Pages(FPDF):
    """A document in the making. The same content at the same `made_at` is the same bytes."""

    def __init__(self, title: str, made_at: datetime, *, foot: str, portrait: bool = False) -> None:
        super().__init__("portrait" if portrait else "landscape", format="A4")
        self._foot = foot
        self._widths: dict[str, float] = {}
        self.set_creation_date(made_at)
        self.set_title(title)
        self.set_margins(10, 10)
        self.set_auto_page_break(True, margin=14)
        self.alias_nb_pages(_PAGES)
        # Only the letters that are used are embedded.
        self.add_font(FONT, fname=sans_path())
        self.add_page()
        self.heading(title, _TITLE)

    def footer(self) -> None:
        """What the page is of, and its number."""
        self.set_y(-10)
        self.set_font(FONT, size=_SMALL)
        self.cell(0, 4, self._shown(self._foot))
        self.set_x(self.l_margin)
        self.cell(0, 4, f"{self.page_no()} / {_PAGES}", align="R")

    def heading(self, text: str, size: float = _PART) -> None:
        """A line that begins a part, on the page of what follows it."""
        if self.will_page_break(4 * _ROW_MM + size):
            self.add_page()
        self.ln(2)
        self.set_font(FONT, size=size)
        self.multi_cell(0, size * 0.5, self._shown(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def text_line(self, text: str) -> None:
        """A paragraph."""
        self.set_font(FONT, size=_NORMAL - 1)
        self.multi_cell(0, 4, self._shown(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def facts(self, lines: Iterable[tuple[str, str]], label_mm: float = 34) -> None:
        """Names and values, a line each; long values wrap."""
        for name, value in lines:
            self.set_font(FONT, size=_NORMAL - 1)
            self.set_text_color(71, 83, 95)
            self.cell(label_mm, 4.2, name)
            self.set_text_color(0)
            self.multi_cell(
                0,
                4.2,
                self._shown(value),
                wrapmode=WrapMode.CHAR,
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
                align="L",
            )

    def columns_of_texts(
        self,
        titles: Sequence[str],
        weights: Sequence[float],
        right: Sequence[bool],
        rows: Iterable[Sequence[str]],
    ) -> None:
        """A table over the page's width; its head stands on every page."""
        unit = self.epw / sum(weights)
        widths = [weight * unit for weight in weights]
        self._row(titles, widths, right, head=True)
        for row in rows:
            lines = [self._wrapped(text, width) for text, width in zip(row, widths, strict=True)]
            height = max(map(len, lines)) * _ROW_MM + _PADDING_MM
            if self.will_page_break(height):
                self.add_page()
                self._row(titles, widths, right, head=True)
            self._cells(lines, widths, right, height, fill=False)

    def _row(
        self, texts: Sequence[str], widths: Sequence[float], right: Sequence[bool], *, head: bool
    ) -> None:
        self.set_font(FONT, size=_SMALL)
        lines = [self._wrapped(text, width) for text, width in zip(texts, widths, strict=True)]
        height = max(map(len, lines)) * _ROW_MM + _PADDING_MM
        self._cells(lines, widths, right, height, fill=head)

    def _cells(
        self,
        lines: Sequence[Sequence[str]],
        widths: Sequence[float],
        right: Sequence[bool],
        height: float,
        *,
        fill: bool,
    ) -> None:
        self.set_font(FONT, size=_SMALL)
        left, top = self.l_margin, self.get_y()
        if fill:
            self.set_fill_color(*_HEAD)
            self.rect(left, top, self.epw, height, style="F")
        for texts, width, is_right in zip(lines, widths, right, strict=True):
            for place, text in enumerate(texts):
                if text:
                    self.set_xy(left, top + _PADDING_MM / 2 + place * _ROW_MM)
                    self.cell(width, _ROW_MM, text, align="R" if is_right else "L")
            left += width
        self.set_draw_color(*_LINE)
        self.line(self.l_margin, top + height, self.l_margin + self.epw, top + height)
        self.set_xy(self.l_margin, top + height)

    def _wrapped(self, text: str, width: float) -> list[str]:
        """The lines that a text takes in a cell; nothing is cut off."""
        room = width - 2 * self.c_margin
        lines, line, used = [], "", 0.0
        for letter in self._shown(text):
            needed = self._width(letter)
            if line and used + needed > room:
                # At a blank or underscore where there is one, as people read.
                cut = max(line.rfind(" "), line.rfind("_"), line.rfind("-")) + 1
                kept = line[cut:] if cut > len(line) / 2 else ""
                lines.append(line[: len(line) - len(kept)])
                line, used = kept, sum(map(self._width, kept))
            line += letter
            used += needed
        return [*lines, line]

    def _shown(self, text: str) -> str:
        """The text with the codes of letters that the font lacks: two texts that differ never look
        the same."""
        if text.isascii():
            return text
        font = self.fonts[FONT]
        assert isinstance(font, TTFFont)
        known = font.cmap
        return "".join(
            one if one in "\n" or ord(one) in known else f"<U+{ord(one):04X}>" for one in text
        )

    def _width(self, letter: str) -> float:
        found = self._widths.get(letter)
        if found is None:
            self.set_font(FONT, size=_SMALL)
            found = self._widths[letter] = self.get_string_width(letter)
        return found
