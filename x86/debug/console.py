"""The machine on the terminal that x86 was started from: the text screen and the serial port, as views of it.

The serial view is the terminal itself: what the serial port sends reaches it byte by byte, and scrolls away as always. The
screen view is the terminal's alternate screen: the cells of the VGA at its top, and only what changed since it was drawn
last; what the serial port says scrolls below, in the rows that are left. What was sent meanwhile is in the serial view, too.

Who did not choose gets the view of whoever talks. A run begins with the screen, as a PC does. When the serial port speaks
while the screen stands still, the serial view comes; when the screen shows something new while the serial port is silent,
the screen comes back, unless somebody has typed at the serial port. So Linux with console=ttyS0 has all of the terminal, a
boot loader on the VGA is seen, and a guest that talks on both is seen in one place without flickering.

Source of the sequences: ECMA-48; the VT100 User Guide (DECSTBM, DECSC, DECRC); "XTerm Control Sequences" (1049).
"""
from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Callable

from x86.devices import vga_picture

ESCAPE = "\x1b"
LINES = 6                               # of serial text, at least; a lower terminal shows none beside the screen
READING = 5.0                           # seconds that a message stays
STILL, SILENT = 0.5, 1.0                # seconds after which the screen stands still, the serial port is silent
TALK = 200                              # bytes from the serial port that are more than a word in passing
MISSED = 1 << 20                        # bytes that are kept for the serial view while the other is shown

#: The beginning of a control sequence whose rest has not come yet
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}\x1b?|[()])?\Z")

#   attribute byte of a cell    7 blink   6 5 4 background   3 2 1 0 foreground, bit 3 is intensity
#   IBM counts colours blue = 1, green = 2, red = 4; ECMA-48 red = 1, green = 2, blue = 4.
COLORS = (0, 4, 2, 6, 1, 5, 3, 7)


def sgr(attribute: int, blinks: bool = True) -> str:
    """The ECMA-48 sequence (select graphic rendition) for a cell's attribute byte. Its bit 7 is a bright background where
    the attribute controller does not make characters blink."""
    foreground, background = attribute & 15, attribute >> 4 & 7
    bright = attribute & 0x80 and not blinks
    codes = [0, (90 if foreground & 8 else 30) + COLORS[foreground & 7], (100 if bright else 40) + COLORS[background]]
    if attribute & 0x80 and blinks:
        codes.append(5)
    return f"{ESCAPE}[{';'.join(map(str, codes))}m"


class Display:
    """Draws cells by differences: write(text) sends to the terminal; size is its (columns, lines).

    A screen that is higher than the terminal is shown from its first row, or so that its cursor is seen."""

    def __init__(self, write: Callable[[str], None], size: tuple[int, int] | None = None):
        self.write = write
        self.fixed = size
        self.rows = self.width = 0
        self.resize()

    def resize(self) -> None:
        """The terminal has another size, or somebody else has drawn on it: the next draw() begins anew."""
        self.columns, self.lines = self.fixed or shutil.get_terminal_size()
        self.drawn = None               # the rows of cells that the terminal shows
        self._cursor: tuple | None = ()
        self._first = 0                 # the row of the screen at the top of the terminal

    def draw(self, cells: list, cursor, blinks: bool = True) -> None:
        """cells: rows of (character, attribute byte); cursor: (row, column), or None where it cannot be seen."""
        width = max(map(len, cells), default=0)
        if self.drawn is None or (len(cells), width) != (self.rows, self.width):
            self._start(len(cells), width)
        if cursor is not None:
            self._first = min(max(self._first, cursor[0] - self.lines + 1), cursor[0])
        out = []
        for row, new in enumerate(cells[self._first:self._first + self.lines]):
            old = self.drawn[row]
            if new == old:
                continue
            place, color = None, None
            for column, cell in enumerate(new[:self.columns]):
                if column < len(old) and cell == old[column]:
                    continue
                if place != column:
                    out.append(f"{ESCAPE}[{row + 1};{column + 1}H")
                if color != cell[1]:
                    color = cell[1]
                    out.append(sgr(color, blinks))
                out.append(cell[0] if cell[0].isprintable() else " ")
                place = column + 1
            self.drawn[row] = list(new)
        if not out and cursor == self._cursor:
            return
        self._cursor = cursor
        out.insert(0, f"{ESCAPE}[?25l")
        out.append(f"{ESCAPE}[0m")
        if cursor is not None and cursor[1] < self.columns:
            out.append(f"{ESCAPE}[{cursor[0] - self._first + 1};{cursor[1] + 1}H{ESCAPE}[?25h")
        self.write("".join(out))

    @property
    def has_room(self) -> bool:
        """Whether serial text fits below the screen."""
        return self.lines >= self.rows + 1 + LINES

    def serial(self, text: str) -> None:
        """Let `text` scroll in the rows below the screen; it must hold no control sequences."""
        if text and self.has_room and self.drawn is not None:
            self.write(f"{ESCAPE}8{ESCAPE}[0m{text}{ESCAPE}7")
            self._cursor = ()                   # the next draw() puts it back

    def note(self, text: str) -> None:
        """A line below the screen, or on the terminal's last one."""
        if self.has_room:
            text = f"- serial port - {text} " if text else "- serial port "
            self.write(f"{ESCAPE}[{self.rows + 1};1H{ESCAPE}[0m{text[:self.columns]:-<{min(80, self.columns)}}")
        elif text:
            self.write(f"{ESCAPE}[{self.lines};1H{ESCAPE}[0;7m{text[:self.columns]}{ESCAPE}[0m")
            if self.drawn and self.lines <= len(self.drawn):
                self.drawn[self.lines - 1] = []         # something else stands there now
        self._cursor = ()

    def _start(self, rows, width):
        """Clear; keep serial text to the region of lines below a rule (DECSTBM), and its place in DECSC's memory."""
        self.rows, self.width = rows, width
        self.drawn = [[] for _ in range(max(rows, self.lines))]
        self._first = 0
        self.write(f"{ESCAPE}[r{ESCAPE}[0m{ESCAPE}[2J")
        if self.has_room:
            self.note("")
            self.write(f"{ESCAPE}[{rows + 2};{self.lines}r{ESCAPE}[{rows + 2};1H{ESCAPE}7")


class Console:
    """Both views on one terminal.

    write      takes the bytes that go to the terminal
    screen     the VGA; serial: whether the serial port is shown at all
    view       "screen" or "serial", the one that is shown; None before the first update()
    pinned     somebody chose it
    """

    def __init__(self, write: Callable[[bytes], None], screen, serial: bool = True, view: str | None = None,
                 size: tuple[int, int] | None = None):
        self.write = write
        self.screen = screen
        self.has_serial = serial
        self.pinned = view is not None
        self.display = Display(self._to_screen, size)
        self.view: str | None = None
        self._wanted = view or "screen"
        self._missed = bytearray()              # from the serial port, not yet in the serial view
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""                        # the beginning of a control sequence from the serial port
        self._text = ""                         # of the screen, when last looked at
        self._stale = False                     # what the terminal shows is not what was drawn
        self._changed = self._spoke = 0.0       # when the screen changed, when the serial port spoke
        self._talk = 0                          # bytes that it sent since the screen changed
        self._graphics = None                   # the line that stands for a graphics mode,
        self._mode = None                       # and the registers that it was made for
        self._status = ""                       # what stands on the rule below the screen,
        self._now = self._read_until = 0.0      # and until when a message stands there

    def _to_screen(self, text):
        self.write(text.encode("utf-8", "replace"))

    def update(self, fresh: bytes, plain: Callable[[str], str], now: float) -> None:
        """Show what the screen shows now and what the serial port sent. plain(text) takes control sequences out; now is the
        host's time in seconds."""
        if self._stale:
            self._stale = False
            if self.view == "screen":
                self.write(b"\x1b[?1049h")
            self.display.resize()
        self._now = now
        text = self.screen.text
        news = text != self._text and bool(text.strip())
        if text != self._text:
            self._text = text
            self._changed, self._talk = now, 0
        if fresh:
            self._spoke = now
            self._talk += len(fresh)
        if not self.pinned and self.has_serial:
            self._choose(news, now)
        if self.view != self._wanted:
            self._turn()
        if self.view == "screen":
            self._missed += fresh
            del self._missed[:-MISSED]
            self._draw()
            if self.has_serial:
                self._below(self._decoder.decode(fresh), plain)
        elif fresh:
            self.write(fresh)

    def _below(self, text, plain):
        """Text from the serial port in the lines below the screen, where it must not steer the terminal."""
        text = self._begun + text
        begun = UNFINISHED.search(text)
        self._begun = begun.group() if begun else ""
        self.display.serial(plain(text[:len(text) - len(self._begun)]).replace(ESCAPE, ""))

    def _choose(self, news, now):
        if self.view == "screen" and self._talk and now - self._changed >= STILL:
            if self._talk >= TALK or not self.display.has_room:
                self._wanted = "serial"
        elif self.view == "serial" and news and now - self._spoke >= SILENT:
            self._wanted = "screen"

    def typed(self, to_serial: bool) -> None:
        """Somebody typed: a serial view stays, and the screen counts as in use."""
        if self.view == "serial" and to_serial:
            self.pinned = True
        self._changed, self._talk = max(self._changed, self._spoke), 0

    def show(self, view: str) -> None:
        """Somebody chose."""
        self.pinned = True
        self._wanted = view
        if self.view != view:
            self._turn()
            if view == "screen":
                self._draw()

    def _turn(self):
        """Change to the view that is wanted."""
        self._begun = ""
        if self._wanted == "screen":
            self.write(b"\x1b[?1049h")
            self.display.resize()
        else:
            self._leave()
        self.view = self._wanted

    def _leave(self):
        """Back to the terminal's own screen, and what the serial port sent meanwhile."""
        if self.view == "screen":
            self.write(b"\x1b[r\x1b[0m\x1b[?25h\x1b[?1049l")
            self.write(bytes(self._missed) if self.has_serial else b"")
        self._missed.clear()

    def _draw(self):
        screen = self.screen
        cells = screen.cells()
        if cells:
            self._graphics = None
            self.display.draw(cells, screen.cursor, bool(screen.attributes[0x10] & 0x08))
            return
        mode = screen.linear.enabled and screen.linear.size, bytes(screen.crtc[:0x0C] + screen.crtc[0x10:])
        if self._graphics is None or mode != self._mode:        # 0Ch to 0Fh, start and cursor, change with every frame of some
            self._mode = mode
            width, height = vga_picture.size(screen)
            self._graphics = f"graphics {width}x{height}: --screenshot, or Ctrl-A s, shows it"
        self.display.draw([[(letter, 7) for letter in self._graphics]], None)

    def status(self, text: str) -> None:
        """How far a guest is that works, below the screen if there is room; "" takes it away."""
        if self.view == "screen" and self.display.has_room and text != self._status and self._now >= self._read_until:
            self._status = text
            self.display.note(text)

    def message(self, text: str) -> None:
        """A line for the person at the terminal."""
        if self.view == "screen":
            self._status, self._read_until = "", self._now + READING
            self.display.note(text)
        else:
            self.write(f"\r\n[{text}]\r\n".encode())

    def resize(self) -> None:
        """Draw anew at the next update: the terminal has another size, or was somebody else's for a while."""
        self._stale = True

    def suspend(self) -> None:
        """Somebody else will use the terminal."""
        self.write(b"\x1b[r\x1b[0m\x1b[?25h\x1b[?1049l" if self.view == "screen" else b"\x1b[0m\r\n")

    def close(self) -> None:
        """Leave the terminal as it was found."""
        self._leave()
        if self.view == "serial":
            self.write(b"\x1b[0m\x1b[?25h")
