"""The console's other half: a terminal at the end of the serial line, which is told only what it does not show already.

    text      UTF-8, as it is            position   ESC [ row ; column H      clear          ESC [ 2 J  ESC [ H
    colours   ESC [ 0 ; ... m            cursor     ESC [ ? 25 h, l

Light gray and black are the terminal's own colours, so that a program that sets none sends none. A line that is full ends with
CR LF, since terminals are wider than the console, or wait at their edge until the next character comes.

Source: ECMA-48; xterm's ctlseqs for the cursor. EDK2's TerminalDxe does the same with more bytes.
"""
from __future__ import annotations

import re
import unicodedata

from boot.uefi.text_screen import BACKSPACE, CARRIAGE_RETURN, LIGHT_GRAY_ON_BLACK, LINE_FEED, PIECES

COM1 = 0x3F8
#: What would command the terminal, and halves of surrogate pairs: a ? each
NOT_SENT = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
#: A colour's bits are red, green, blue from the top; in ECMA-48 from the bottom
COLORS = (0, 4, 2, 6, 1, 5, 3, 7)


def sequence(attribute: int) -> str:
    """What gives text the colours of an attribute (text_screen.py)."""
    foreground, background = attribute & 7, attribute >> 4 & 7
    parts = ["0", "1" if attribute & 8 else "", str(30 + COLORS[foreground]) if foreground != 7 else "",
             str(40 + COLORS[background]) if background else ""]
    return f"\x1b[{';'.join(filter(None, parts))}m"


def width(character: str) -> int:
    """How many columns most terminals give a character."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def displayed(text: str, room: int) -> tuple[str, bool]:
    """(what is sent for characters of 16 bits, whether it takes a column each). It never takes more columns than `room`."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")     # pairs become one
    whole = NOT_SENT.sub("?", whole)
    widths = [1] * len(whole) if whole.isascii() else [width(character) for character in whole]
    if sum(widths) > room:
        return "".join("?" if width(unit) != 1 else unit for unit in NOT_SENT.sub("?", text)), True
    return whole, len(whole) == len(text) and all(columns == 1 for columns in widths)


class SerialTerminal:
    """What the terminal shows, as far as it must be known.

    place       (row, column) of its cursor, or None where nobody can know
    attribute   the colours it writes in
    visible     whether it shows its cursor
    blank       the attribute in which it was cleared, and nothing was written since; or None
    """

    def __init__(self, machine):
        self.machine = machine
        self.place: tuple[int, int] | None = (0, 0)
        self.attribute = LIGHT_GRAY_ON_BLACK
        self.visible = True
        self.blank: int | None = None

    def _send(self, text):
        out = self.machine.bus.write
        for byte in text.encode():
            out(COM1, byte, 1)

    def _colors(self, attribute):
        if self.attribute != attribute:
            self._send(sequence(attribute))
            self.attribute = attribute

    def move(self, row: int, column: int) -> None:
        """The cursor to a place, from 0."""
        if self.place != (row, column):
            self._send(f"\x1b[{row + 1};{column + 1}H")
            self.place = row, column

    def show_cursor(self, visible: bool) -> None:
        if self.visible != visible:
            self._send("\x1b[?25h" if visible else "\x1b[?25l")
            self.visible = visible

    def clear(self, attribute: int) -> None:
        """All blank in the attribute's background, and the cursor at the first place."""
        if self.blank is None or self.blank >> 4 != attribute >> 4:
            self._colors(attribute)
            self._send("\x1b[2J")
            self.place, self.blank = None, attribute
        if self.visible:
            self.move(0, 0)

    def write(self, text: str, row: int, column: int, columns: int, rows: int, attribute: int) -> None:
        """Characters from a place on, on a console of that size, which moves its cursor as TextScreen.write says."""
        for piece in PIECES.findall(text):
            self.blank = None
            if piece == BACKSPACE:
                if column:
                    self.move(row, column)
                    self._send("\b")
                    column -= 1
            elif piece == CARRIAGE_RETURN:
                self.move(row, column)
                self._send("\r")
                column = 0
            elif piece == LINE_FEED:
                row = self._line_feed(row, column, rows, "\n")
            else:
                row, column = self._put(piece, row, column, columns, rows, attribute)
                continue
            self.place = row, column

    def _line_feed(self, row, column, rows, how):
        self.move(row, column)
        self._send(how)
        return min(row + 1, rows - 1)

    def _put(self, text, row, column, columns, rows, attribute):
        """Characters that are no controls; where the cursor is then."""
        while text:
            part, text = text[:columns - column], text[columns - column:]
            self.move(row, column)
            self._colors(attribute)
            sent, known = displayed(part, columns - column)
            self._send(sent)
            column += len(part)
            self.place = (row, column) if known else None
            if column == columns:
                if known or row == rows - 1:
                    self._send("\r\n")
                row, column = min(row + 1, rows - 1), 0
                self.place = (row, column) if known else None
        return row, column
