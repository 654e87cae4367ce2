"""The console: what programs write goes to the screen and to the serial line, and both show the same.

Text is that of UEFI, a character of 16 bits a column. Source: UEFI 2.10, section 12.4.
"""
from __future__ import annotations

import re

from boot.uefi.serial_terminal import SerialTerminal
from boot.uefi.text_screen import TextScreen, known
from x86.devices import font

LEAST = 80, 25                          # characters: the mode that everybody has, number 0
MODES = (LEAST, (80, 50), (100, 31))    # the specification's, and one that programs ask for; then what fills the picture
CONTROLS = "\b\n\r"
#: What no screen can show, and no terminal may be sent
NO_CHARACTER = re.compile("[\0-\x07\t\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
REPLACEMENT = "\ufffd"


class Console:
    """Screen and terminal together. Coordinates are (row, column) from 0; `screen` has the present ones.

    mode    number of the text mode
    """

    def __init__(self, machine):
        self.machine = machine
        self.screen = TextScreen(machine)
        self.terminal = SerialTerminal(machine)
        self.mode = 0
        self.screen.set_mode(*LEAST)
        self.attach()

    def attach(self) -> None:
        """Let machine.screen know what characters its picture has."""
        self.machine.screen.terminal = self.screen

    # ---- modes --------------------------------------------------------------------------------------------------------

    @property
    def modes(self) -> list[tuple[int, int] | None]:
        """(columns, rows) by number; None where the present picture is too small."""
        width, height = self.screen.pixels.size
        full = width // font.WIDTH, height // font.HEIGHT
        fitting = [mode if self.screen.fit(*mode) else None for mode in MODES]
        return [*fitting, full if fitting[0] and full not in MODES else None]

    def size_of(self, number: int) -> tuple[int, int] | None:
        """(columns, rows) of a mode; None where there is none of that number."""
        modes = self.modes
        return modes[number] if number < len(modes) else None

    def set_mode(self, number: int) -> None:
        """Another size, all blank, and the cursor shown. `size_of` has said that there is such a mode."""
        self.mode = number
        self.screen.cursor_visible = False
        self.screen.set_mode(*self.size_of(number))
        self.terminal.clear(self.screen.attribute)
        self.show_cursor(True)

    def picture_changed(self) -> None:
        """The adapter has another mode, and is black: what follows is drawn as large as fits there."""
        if self.size_of(self.mode) is None:
            self.mode = 0
        self.screen.lay_out(*self.size_of(self.mode))

    # ---- text ---------------------------------------------------------------------------------------------------------

    def write(self, text: str) -> bool:
        """Write at the cursor and move it. False if there was half of a surrogate pair without the other."""
        screen = self.screen
        place = screen.row, screen.column
        units = text if max(text, default="") <= "\uffff" else "".join(map(split, text))
        self.terminal.write(units, *place, screen.columns, screen.rows, screen.attribute)
        screen.write(NO_CHARACTER.sub(REPLACEMENT, units))
        return not any("\ud800" <= character <= "\udfff" for character in text)

    def set_attribute(self, attribute: int) -> None:
        """Colours for what follows."""
        self.screen.attribute = attribute

    def clear(self) -> None:
        """All blank in the present background, and the cursor at the first place."""
        self.terminal.clear(self.screen.attribute)
        self.screen.clear()

    def move(self, row: int, column: int) -> None:
        """The cursor to a place on the screen."""
        self.screen.move(row, column)
        if self.terminal.visible:       # otherwise the next character takes it there
            self.terminal.move(row, column)

    def show_cursor(self, visible: bool) -> None:
        """Show the cursor, or do not."""
        self.screen.show_cursor(visible)
        if visible:
            self.terminal.move(self.screen.row, self.screen.column)
        self.terminal.show_cursor(visible)


def split(character: str) -> str:
    """A character beyond 16 bits as the two that UEFI has for it."""
    code = ord(character) - 0x10000
    return character if code < 0 else chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def printable(text: str) -> bool:
    """Whether the screen has a glyph for every character, or knows it as a control."""
    return all(character in CONTROLS or known(character) for character in text)
