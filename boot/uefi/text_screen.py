"""A screen of characters, drawn dot by dot into the frame buffer, as firmware without a text mode does it.

What is written is kept as characters and attributes, too, so that `machine.screen.text` and its kin know what is to be read
there: what is still to be seen, for programs draw over it. An attribute is that of UEFI:  6 5 4 background   3 2 1 0 foreground,
colours as the VGA has them.

    +-- the adapter's picture ------------------+    A character has scale * 8 by scale * height dots: height is 16,
    |            top                            |    or 8 where the picture is too low for so many rows of 16, and
    |       +-- columns x rows --+              |    scale the largest that fits. 80 by 25 fill 1280 by 800, doubled.
    | left  |                    |              |
    |       +--------------------+              |
    +-------------------------------------------+
"""
from __future__ import annotations

import functools
import re

from boot.uefi.pixels import Pixels
from x86.devices import font
from x86.devices.vga import TEXT_ATTRIBUTES, TEXT_DAC

LIGHT_GRAY_ON_BLACK = 0x07
BACKSPACE, LINE_FEED, CARRIAGE_RETURN = "\b", "\n", "\r"
PIECES = re.compile("[\b\n\r]|[^\b\n\r]+")
#: The sixteen colours as dots: those of the VGA's text modes
COLORS = [bytes(TEXT_DAC[3 * entry + part] * 255 // 63 for part in (2, 1, 0)) + b"\0" for entry in TEXT_ATTRIBUTES[:16]]
CURSOR_LINES = {16: range(13, 15), 8: range(6, 8)}      # as the VGA's


def known(character: str) -> bool:
    """Whether the font has this character; for all others a box is drawn."""
    return character != "\0" and font.draw(character) is not None


def box(height: int) -> bytes:
    """The glyph of a character that the font does not have."""
    return bytes((0, 0x7E)) + bytes((0x42,)) * (height - 4) + bytes((0x7E, 0))


@functools.lru_cache(4096)
def _glyph(character: str, attribute: int, height: int, scale: int, under_cursor: bool) -> list[bytes]:
    """The scan lines of a character as dots."""
    rows = bytearray(font.draw(character, height) if known(character) else box(height))
    if under_cursor:
        for line in CURSOR_LINES[height]:
            rows[line] = 0xFF
    colors = COLORS[attribute >> 4 & 7] * scale, COLORS[attribute & 15] * scale
    return [b"".join(colors[row >> bit & 1] for bit in range(7, -1, -1)) for row in rows for _ in range(scale)]


@functools.lru_cache(64)
def dots(characters: str, attributes: bytes, height: int, scale: int, cursor: int | None) -> bytes:
    """Characters beside each other as dots, scan line by scan line. cursor: the index of the one it is under."""
    glyphs = [_glyph(character, attribute, height, scale, index == cursor)
              for index, (character, attribute) in enumerate(zip(characters, attributes))]
    return b"".join(map(b"".join, zip(*glyphs)))


class TextScreen:
    """Characters on the adapter's picture.

    columns, rows       what fits
    row, column         where the next character goes
    attribute           its colours
    cursor_visible      whether that place is underlined

    All fields but the machine are plain data; with its memory and adapter they are the whole state.
    """

    def __init__(self, machine):
        self.pixels = Pixels(machine)
        self.columns = self.rows = self.left = self.top = self.row = self.column = 0
        self.picture = (0, 0)                   # the size in dots for which all this was laid out
        self.height, self.scale = font.HEIGHT, 1
        self.attribute, self.cursor_visible = LIGHT_GRAY_ON_BLACK, False
        self.cursor_drawn = False
        self.characters: list[str] = []         # a row each
        self.attributes: list[bytes] = []

    # ---- modes --------------------------------------------------------------------------------------------------------

    def fit(self, columns: int, rows: int) -> tuple[int, int] | None:
        """(height of the font, how often it is doubled) with which so many characters fill the picture best, or None."""
        width, height = self.pixels.size
        for lines in (16, 8):
            scale = min(width // (columns * font.WIDTH), height // (rows * lines))
            if scale:
                return lines, scale
        return None

    def set_mode(self, columns: int, rows: int) -> None:
        """So many characters, all blank, the cursor at the first. ValueError if the picture is too small for them."""
        self.lay_out(columns, rows)
        self.pixels.fill(0, 0, *self.pixels.size, COLORS[0])
        self.clear()

    def lay_out(self, columns: int, rows: int) -> None:
        """The same, but nothing is drawn, for a picture that is black already; the cursor stays where it fits."""
        found = self.fit(columns, rows)
        if found is None:
            raise ValueError("{} by {} characters do not fit into {} by {} dots".format(columns, rows, *self.pixels.size))
        self.height, self.scale = found
        self.columns, self.rows = columns, rows
        self.picture = width, height = self.pixels.size
        self.left = (width - columns * font.WIDTH * self.scale) // 2
        self.top = (height - rows * self.height * self.scale) // 2
        self.row, self.column = min(self.row, rows - 1), min(self.column, columns - 1)
        self._blank(LIGHT_GRAY_ON_BLACK)

    # ---- what the adapter asks (see Vga.terminal) ---------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows); (0, 0) where the picture is not the one that characters were drawn into."""
        return (self.columns, self.rows) if self._ours else (0, 0)

    @property
    def text(self) -> str:
        """Lines without the spaces at their ends."""
        return "\n".join("".join(character for character, _ in row).rstrip() for row in self.cells())

    def cells(self) -> list[list[tuple[str, int]]]:
        """Rows of (character, attribute); (space, 0) for what somebody has drawn over."""
        if not self._ours:
            return []
        rows = [list(zip(characters, attributes)) for characters, attributes in zip(self.characters, self.attributes)]
        for row, cells in enumerate(rows):
            if not self._seen(row, 0, self.columns):
                rows[row] = [cell if self._seen(row, column, column + 1) else (" ", 0) for column, cell in enumerate(cells)]
        return rows

    @property
    def cursor(self) -> tuple[int, int] | None:
        """(row, column), or None where it is not shown."""
        return (self.row, self.column) if self.cursor_drawn and self._ours else None

    # ---- what firmware does -------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """All blank in the present background, and the cursor at the first place."""
        self._blank(self.attribute)
        self._fill(0, self.rows)
        self.row = self.column = 0
        self._show_cursor()

    def _blank(self, attribute):
        self.characters = [" " * self.columns] * self.rows
        self.attributes = [bytes((attribute,)) * self.columns] * self.rows
        self.cursor_drawn = False

    def move(self, row: int, column: int) -> None:
        """Put the cursor at a place on the screen."""
        self._hide_cursor()
        self.row, self.column = row, column
        self._show_cursor()

    def show_cursor(self, visible: bool) -> None:
        """Underline the cursor's place, or do not."""
        self._hide_cursor()
        self.cursor_visible = visible
        self._show_cursor()

    def write(self, text: str) -> None:
        """Put characters at the cursor and move it: down a row behind the last column, the screen up behind the last row.

        Backspace goes left and stops at the edge, line feed down, carriage return to the left; nothing is erased."""
        self._hide_cursor()
        for piece in PIECES.findall(text):
            if piece == BACKSPACE:
                self.column = max(self.column - 1, 0)
            elif piece == CARRIAGE_RETURN:
                self.column = 0
            elif piece == LINE_FEED:
                self._line_feed()
            else:
                self._put(piece)
        self._show_cursor()

    def _put(self, text):
        """Characters that are no controls."""
        while text:
            part, text = text[:self.columns - self.column], text[self.columns - self.column:]
            start, end = self.column, self.column + len(part)
            characters, attributes = self.characters[self.row], self.attributes[self.row]
            self.characters[self.row] = characters[:start] + part + characters[end:]
            self.attributes[self.row] = attributes[:start] + bytes((self.attribute,)) * len(part) + attributes[end:]
            self._draw(self.row, start, end)
            self.column = end
            if end == self.columns:
                self.column = 0
                self._line_feed()

    def _line_feed(self):
        if self.row < self.rows - 1:
            self.row += 1
            return
        self.characters = self.characters[1:] + [" " * self.columns]
        self.attributes = self.attributes[1:] + [bytes((self.attribute,)) * self.columns]
        if self._ours:
            x, y, width, height = self._rectangle(1, 0, self.columns, self.rows - 1)
            self.pixels.copy(x, y, x, self.top, width, height)
        self._fill(self.rows - 1, 1)

    # ---- dots ---------------------------------------------------------------------------------------------------------

    @property
    def _ours(self):
        """Whether the picture is the one that was laid out: a program may have set the adapter's registers itself."""
        return self.pixels.size == self.picture

    def _rectangle(self, row, start, end, rows=1):
        """Where characters lie in the picture: x, y, width, height."""
        cell, line = font.WIDTH * self.scale, self.height * self.scale
        return self.left + start * cell, self.top + row * line, (end - start) * cell, rows * line

    def _fill(self, row, count):
        """Rows without characters, in the present background."""
        if self._ours:
            self.pixels.fill(*self._rectangle(row, 0, self.columns, count), COLORS[self.attribute >> 4 & 7])

    def _dots(self, row, start, end):
        """The characters of a row from column `start` to before `end`, as they are drawn."""
        cursor = self.column - start if self.cursor_drawn and row == self.row else None
        return dots(self.characters[row][start:end], self.attributes[row][start:end], self.height, self.scale, cursor)

    def _draw(self, row, start, end):
        if self._ours:
            self.pixels.write(*self._rectangle(row, start, end), self._dots(row, start, end))

    def _seen(self, row, start, end):
        """Whether they are in the picture."""
        return self.pixels.read(*self._rectangle(row, start, end)) == self._dots(row, start, end)

    def _show_cursor(self):
        if self.cursor_visible:
            self.cursor_drawn = True
            self._draw(self.row, self.column, self.column + 1)

    def _hide_cursor(self):
        if self.cursor_drawn:
            self.cursor_drawn = False
            self._draw(self.row, self.column, self.column + 1)
