"""A character set for screens: code page 437, and what a UEFI console needs beyond it, drawn by strokes.

A glyph is text: strokes separated by commas, each a line through points written as two hexadecimal digits, column and
then row, in a cell of 8 by 16:

      0123456 7       capitals stand in rows 2 to B, small letters in rows 5 to B with tails to E, and columns 0 to 5
    2 . . . .         a stroke is two dots wide, since the adapter's dots are narrow; a leading - makes thin ones
    5                 15=5A is a filled rectangle between two corners
    B                 ~ in front of a stroke erases it

Accented letters are put together from a letter and an accent as Unicode decomposes them; lines and blocks follow from
their Unicode names. No font was copied.
"""
from __future__ import annotations

import functools
import unicodedata

WIDTH, HEIGHT = 8, 16

#: What the codes below 20h and 7Fh look like; all others are Python's cp437.
LOW = "\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
CP437 = LOW + bytes(range(0x20, 0x7F)).decode("ascii") + "⌂" + bytes(range(0x80, 0x100)).decode("cp437")

STROKES = {
    "\0": "", " ": "", "!": "32 38,3B 3B", '"': "12 14,42 44", "#": "13 1A,43 4A,05 55,08 58",
    "$": "53 42 12 03 05 16 46 57 5A 4B 1B 0A,31 3C", "%": "02 03,12 13,52 0B,4A 4B,5A 5B",
    "&": "5B 15 13 22 32 43 45 08 0A 1B 3B 57", "'": "32 34", "(": "42 24 29 4B", ")": "22 44 49 2B",
    "*": "07 57,14 4A,44 1A", "+": "34 3A,17 57", ",": "3A 3B 2D", "-": "07 57", ".": "3A 3B", "/": "52 0B",
    "0": "12 42 53 5A 4B 1B 0A 03 12,19 44", "1": "14 32 3B,1B 5B", "2": "03 12 42 53 55 0A 0B 5B",
    "3": "03 12 42 53 55 46 26,46 57 5A 4B 1B 0A", "4": "42 4B,42 07 08 58", "5": "52 02 06 46 57 5A 4B 1B 0A",
    "6": "42 22 04 0A 1B 4B 5A 57 46 06", "7": "02 52 54 28 2B",
    "8": "12 42 53 55 46 16 05 03 12,16 07 0A 1B 4B 5A 57 46", "9": "56 16 05 03 12 42 53 58 3B 1B",
    ":": "35 36,3A 3B", ";": "35 36,3A 3B 2D", "<": "43 07 4B", "=": "06 56,09 59", ">": "13 57 1B",
    "?": "03 12 42 53 54 37 38,3B 3B", "@": "5B 1B 0A 03 12 42 53 58 28 25 55",
    "A": "0B 05 22 32 55 5B,08 58", "B": "02 42 53 55 46 06,46 57 5A 4B 0B 02", "C": "53 42 12 03 0A 1B 4B 5A",
    "D": "02 32 54 59 3B 0B 02", "E": "52 02 0B 5B,06 46", "F": "52 02 0B,06 46", "G": "53 42 12 03 0A 1B 4B 5A 57 37",
    "H": "02 0B,52 5B,06 56", "I": "22 42,32 3B,2B 4B", "J": "52 5A 4B 1B 0A 09", "K": "02 0B,52 16 06,16 5B",
    "L": "02 0B 5B", "M": "0B 02 25 35 52 5B", "N": "0B 02 5A 5B 52", "O": "12 42 53 5A 4B 1B 0A 03 12",
    "P": "0B 02 42 53 56 47 07", "Q": "12 42 53 5A 4B 1B 0A 03 12,39 5C", "R": "0B 02 42 53 56 47 07,27 5B",
    "S": "53 42 12 03 05 16 46 57 5A 4B 1B 0A", "T": "12 52,32 3B", "U": "02 0A 1B 4B 5A 52", "V": "02 08 2B 3B 58 52",
    "W": "02 0B 28 38 5B 52", "X": "02 03 5A 5B,52 53 0A 0B", "Y": "12 15 36 3B,52 55 36", "Z": "02 52 53 0A 0B 5B",
    "[": "42 22 2B 4B", "\\": "02 5B", "]": "22 42 4B 2B", "^": "04 22 32 54", "_": "0E 6E", "`": "12 34",
    "a": "15 45 56 5B 1B 0A 09 18 58", "b": "02 0B 4B 5A 56 45 05", "c": "56 45 15 06 0A 1B 4B 5A",
    "d": "52 5B 1B 0A 06 15 55", "e": "5A 4B 1B 0A 06 15 45 56 58 08", "f": "53 42 32 23 2B,06 46",
    "g": "55 5D 4E 1E,55 15 06 0A 1B 5B", "h": "02 0B,05 45 56 5B", "i": "32 32,25 35 3B,2B 4B",
    "j": "42 42,35 45 4D 3E 1E 0D", "k": "02 0B,55 08 5B", "l": "22 32 3B,2B 4B", "m": "0B 05 45 56 5B,25 2B",
    "n": "0B 05 45 56 5B", "o": "15 45 56 5A 4B 1B 0A 06 15", "p": "05 0E,05 45 56 5A 4B 0B",
    "q": "55 5E,55 15 06 0A 1B 5B", "r": "05 0B,07 25 45 56", "s": "56 45 15 06 07 18 48 59 5A 4B 1B 0A",
    "t": "23 2A 3B 4B 5A,05 45", "u": "05 0A 1B 5B,55 5B", "v": "05 08 2B 3B 58 55", "w": "05 0B 29 39 5B 55",
    "x": "05 5B,55 0B", "y": "05 0A 1B 5B,55 5D 4E 1E", "z": "05 55 0B 5B", "{": "52 42 33 36 27 38 3A 4B 5B",
    "|": "31 3D", "}": "12 22 33 36 47 38 3A 2B 1B", "~": "04 13 23 34 44 53", "⌂": "0B 06 22 32 56 5B 0B",
    # codes below 20h
    "☺": "-12 62 73 7A 6B 1B 0A 03 12,25 25,55 55,28 39 49 58", "☻": "-12=6B,03=7A,~25 25,~55 55,~28 39 49 58",
    "♥": "-13 23,53 63,04=76,17 67,28 58,39 49", "♦": "-33 43,24 54,15 65,06=77,18 68,29 59,3A 4A",
    "♣": "-32 42,23=55,06=29,56=79,37=4B,2B 5B", "♠": "-32 42,23 53,14 64,05=78,19 29,59 69,39=4A,2B 5B",
    "•": "-35 45,26=59,3A 4A", "◘": "-00=7F,~35 45,~26=59,~3A 4A", "○": "-34 44 55 66 69 5A 4B 3B 2A 19 16 25 34",
    "◙": "-00=7F,~34 44 55 66 69 5A 4B 3B 2A 19 16 25 34", "♂": "42 62 65,62 46,16 36 47 4A 3B 1B 0A 07 16",
    "♀": "12 42 53 56 47 17 06 03 12,37 3C,1A 5A", "♪": "-32=73,32 3A,1A=3B", "♫": "-22=73,22 2A,72 79,0A=2B,59=7A",
    "☼": "32 3C,07 57,13 5B,53 1B", "►": "-03=1B,24=3A,45=59,66=78", "◄": "-63=7B,44=5A,25=39,06=18",
    "↕": "32 3B,14 32 54,19 3B 59", "‼": "12 18,1B 1B,42 48,4B 4B", "¶": "52 12 03 05 16 36,32 3B,52 5B",
    "§": "53 42 12 03 04 58 5B 4C 1C 0B,06 07 5A,05 06", "▬": "-09=7B", "↨": "32 3A,14 32 54,18 3A 58,1C 5C",
    "↑": "14 32 54,32 3B", "↓": "32 3B,19 3B 59", "→": "07 57,35 57 39", "←": "07 57,25 07 29", "∟": "06 0A 5A",
    "↔": "07 57,25 07 29,35 57 39", "▲": "-34=45,26=57,18=69,0A=7B", "▼": "-04=75,16=67,28=59,3A=4B",
    # codes from 80h on that have no decomposition
    "æ": "05 25 36 3B 1B 0A 09 18 58 56 45 35,3B 5B", "Æ": "52 22 05 0B,32 3B 5B,07 57",
    "¢": "56 45 15 06 0A 1B 4B 5A,32 3D", "£": "53 42 32 23 2A 0B 5B,06 46", "¥": "12 15 37 3B,52 55 37,17 57,19 59",
    "₧": "0B 02 32 43 45 36 06,54 5B 6B,45 65", "ƒ": "62 52 43 3B 2D 1D,16 56", "ª": "12 32 43 46 16 05 14 44,08 58",
    "º": "12 32 43 45 36 16 05 03 12,08 58", "¿": "34 34,37 38 1B 1C 2D 4D 5C", "⌐": "0A 07 57", "¬": "07 57 5A",
    "½": "02 05,51 0A,38 58 59 3B 3C 5C", "¼": "02 05,51 0A,37 39 59,57 5C", "¡": "34 34,37 3D",
    "«": "25 08 2B,55 38 5B", "»": "05 28 0B,35 58 3B", "α": "55 3A 2B 1B 0A 06 15 25 36 5B",
    "ß": "0C 03 12 32 43 45 36 26,36 57 5A 4B 2B", "Γ": "0B 02 52 53", "π": "05 55,15 1B,45 4B",
    "Σ": "53 52 02 26 0B 5B 5A", "σ": "55 15 06 0A 1B 3B 4A 46 35", "µ": "05 0E,0B 3B 5A,55 5B", "τ": "06 15 55,35 3A 4B",
    "Φ": "14 44 55 58 49 19 08 05 14,32 3B", "Θ": "12 42 53 5A 4B 1B 0A 03 12,07 57",
    "Ω": "0B 1B 19 06 04 12 42 54 56 49 4B 5B", "δ": "52 22 13 46 57 5A 4B 1B 0A 07 16 46",
    "∞": "16 26 39 49 58 57 46 36 29 19 08 07 16", "φ": "15 45 56 5A 4B 1B 0A 06 15,33 3D",
    "ε": "55 15 06 07 18 38,18 09 0A 1B 5B", "∩": "0B 04 12 42 54 5B", "≡": "05 55,08 58,0B 5B", "±": "33 39,16 56,0B 5B",
    "≥": "12 55 18,0B 5B", "≤": "52 15 58,0B 5B", "⌠": "53 42 33 3F", "⌡": "30 3C 2D 1C", "÷": "07 57,34 34,3A 3A",
    "≈": "05 14 24 35 45 54,09 18 28 39 49 58", "°": "22 42 53 54 45 25 14 13 22", "∙": "-37=48", "·": "37 37",
    "√": "61 51 3B 08", "ⁿ": "06 01 31 42 46", "²": "11 31 42 43 16 46", "■": "-15=6A", "\xa0": "",
    "█": "-00=7F", "▄": "-08=7F", "▌": "-00=3F", "▐": "-40=7F", "▀": "-00=77",
    # beyond code page 437: the rest of Latin-1, and punctuation
    "©": "-22 52 74 79 5B 2B 09 04 22,55 35 26 28 39 59", "®": "-22 52 74 79 5B 2B 09 04 22,29 25 45 56 47 27,47 59",
    "¤": "05 16,55 46,16 46 49 19 16,0A 19,5A 49", "¦": "31 35,39 3D", "¨": "12 12,42 42", "¯": "02 52", "´": "42 24",
    "¸": "3B 3D 2E", "¹": "12 21 26,16 36", "³": "01 41 23 43 46 06", "¾": "01 31 22 32 35 05,51 0A,37 39 59,57 5C",
    "×": "04 5A,54 0A", "Ø": "12 42 53 5A 4B 1B 0A 03 12,52 0B", "ø": "15 45 56 5A 4B 1B 0A 06 15,55 0B",
    "Ð": "12 32 54 59 3B 1B 12,06 36", "ð": "12 53 56 5A 4B 1B 0A 07 16 56,13 42", "Þ": "02 0B,04 44 55 57 48 08",
    "þ": "02 0E,05 45 56 5A 4B 0B", "\xad": "07 57", "–": "07 57", "—": "07 77", "‘": "33 35,42 42", "’": "32 34 25",
    "“": "22 13 15,52 43 45", "”": "12 14 05,42 44 35", "„": "1A 1C 0D,4A 4C 3D", "…": "-1B 1B,3B 3B,5B 5B",
    "€": "53 42 22 13 1A 2B 4B 5A,06 46,08 38", "‹": "35 18 3B", "›": "25 48 2B", "−": "07 57",
    "Œ": "52 12 03 0A 1B 5B,32 3B,37 57", "œ": "05 0B,05 55 58 38,35 3B 5B,05 35,0B 3B", "ı": "25 35 3B,2B 4B",
    "Ł": "02 0B 5B,08 36", "ł": "22 32 3B,2B 4B,18 56", "◆": "-33 43,24 54,15 65,06=77,18 68,29 59,3A 4A",
}
ACCENTS = {"GRAVE ACCENT": "22 33", "ACUTE ACCENT": "42 33", "CIRCUMFLEX ACCENT": "13 22 32 43", "DIAERESIS": "12 12,42 42",
           "TILDE": "03 12 22 33 43 52", "RING ABOVE": "-31 41,22 23,52 53,34 44", "CEDILLA": "3C 3D 2E", "CARON": "12 23 33 42",
           "MACRON": "12 42", "BREVE": "12 23 33 42", "DOT ABOVE": "32 32", "DOUBLE ACUTE ACCENT": "22 13,52 43",
           "OGONEK": "4C 4D 5E", "COMMA BELOW": "3C 3D 2E"}
BELOW = {"CEDILLA", "OGONEK", "COMMA BELOW"}
DOTLESS = "25 35 3B,2B 4B"              # the i under an accent
QUARTERS = ((0, 0xF0), (0, 0x0F), (0xF0, 0), (0xF0, 0xFF), (0xF0, 0x0F), (0xFF, 0xF0), (0xFF, 0x0F), (0x0F, 0), (0x0F, 0xF0),
            (0x0F, 0xFF))               # 2596h to 259Fh: dots of the upper and of the lower half
SHADES = {"░": (0x22, 0x88), "▒": (0x55, 0xAA), "▓": (0xDD, 0x77)}


class _Grid:
    """Dots in a cell, row by row; bit 7 is the leftmost."""

    def __init__(self, height: int):
        self.rows = [0] * height

    def dot(self, x: int, y: int, on: bool = True) -> None:
        if 0 <= x < WIDTH and 0 <= y < len(self.rows):
            bit = 0x80 >> x
            self.rows[y] = self.rows[y] | bit if on else self.rows[y] & ~bit

    def line(self, a: tuple[int, int], b: tuple[int, int], on: bool = True, wide: bool = False) -> None:
        steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
        for step in range(steps + 1):
            x = a[0] + ((b[0] - a[0]) * step * 2 + steps) // (2 * steps)
            y = a[1] + ((b[1] - a[1]) * step * 2 + steps) // (2 * steps)
            self.dot(x, y, on)
            if wide:
                self.dot(x + 1, y, on)

    def draw(self, glyph: str, top: int = 0) -> None:
        """Strokes in the notation above. top: squeeze capitals, so that they begin `top` rows lower."""
        height = len(self.rows)

        def point(word):
            x, y = int(word[0], 16), int(word[1], 16)
            y = y + top * (0xB - y) // 9 if top else y
            return x, y if height == HEIGHT else (y * height + height // 2) // HEIGHT
        wide = not glyph.startswith("-")
        for stroke in filter(None, glyph.lstrip("-").split(",")):
            on, stroke = not stroke.startswith("~"), stroke.lstrip("~")
            if "=" in stroke:
                (x, y), (right, bottom) = (point(corner) for corner in stroke.split("="))
                for row in range(y, bottom + 1):
                    self.line((x, row), (right, row), on)
            else:
                points = [point(word) for word in stroke.split()]
                for a, b in zip(points, points[1:]):
                    self.line(a, b, on, wide)


def _box(grid: _Grid, name: str) -> None:
    """A line-drawing character by its Unicode name, such as BOX DRAWINGS VERTICAL SINGLE AND LEFT DOUBLE."""
    arms = dict.fromkeys(("UP", "DOWN", "LEFT", "RIGHT"), 0)
    for part in name.removeprefix("BOX DRAWINGS ").split(" AND "):
        words = part.split()
        weight = 2 if "DOUBLE" in words or (name.startswith("BOX DRAWINGS DOUBLE")) else 1
        for word in words:
            for arm in {"VERTICAL": ("UP", "DOWN"), "HORIZONTAL": ("LEFT", "RIGHT")}.get(word, (word,)):
                if arm in arms:
                    arms[arm] = weight
    x, y, bottom = 3, (len(grid.rows) - 1) // 2, len(grid.rows) - 1
    tall = 1 if 2 in (arms["LEFT"], arms["RIGHT"]) else 0       # how far a vertical arm reaches beyond the centre
    wide = 1 if 2 in (arms["UP"], arms["DOWN"]) else 0
    ends = {"UP": ((x, 0), (x, y + tall)), "DOWN": ((x, y - tall), (x, bottom)),
            "LEFT": ((0, y), (x + wide, y)), "RIGHT": ((x - wide, y), (WIDTH - 1, y))}
    inner = {"UP": ((x, 0), (x, y - 1 + tall)), "DOWN": ((x, y + 1 - tall), (x, bottom)),
             "LEFT": ((0, y), (x - 1 + wide, y)), "RIGHT": ((x + 1 - wide, y), (WIDTH - 1, y))}
    for arm, weight in arms.items():                            # a double arm: three lines, and the middle one erased
        (x0, y0), (x1, y1) = ends[arm]
        for side in range(-(weight - 1), weight):
            shift = (side, 0) if arm in ("UP", "DOWN") else (0, side)
            if weight:
                grid.line((x0 + shift[0], y0 + shift[1]), (x1 + shift[0], y1 + shift[1]))
    for arm, weight in arms.items():
        if weight == 2:
            grid.line(*inner[arm], on=False)
    if arms["LEFT"] == arms["RIGHT"] == 1:                      # a single line crosses a double one
        grid.line((0, y), (WIDTH - 1, y))
    if arms["UP"] == arms["DOWN"] == 1:
        grid.line((x, 0), (x, bottom))


def _block(grid: _Grid, code: int) -> None:
    """A character from 2580h to 259Fh: so many eighths from below or from the left, or quarters."""
    height = len(grid.rows)
    if code < 0x2589:
        grid.rows[height - (code - 0x2580) * height // 8:] = [0xFF] * ((code - 0x2580) * height // 8)
    elif code < 0x2590:
        grid.rows[:] = [0xFF << code - 0x2588 & 0xFF] * height
    elif code == 0x2594:
        grid.rows[:height // 8] = [0xFF] * (height // 8)
    elif code == 0x2595:
        grid.rows[:] = [0x01] * height
    else:
        upper, lower = QUARTERS[code - 0x2596]
        grid.rows[:] = [upper] * (height // 2) + [lower] * (height - height // 2)


@functools.lru_cache(1024)
def draw(character: str, height: int = HEIGHT) -> bytes | None:
    """The rows of a character, one byte each, bit 7 being the leftmost dot. None for a character that is not here."""
    grid, name = _Grid(height), unicodedata.name(character, "")
    if character in STROKES:
        grid.draw(STROKES[character])
    elif character in SHADES:
        grid.rows = [SHADES[character][row & 1] for row in range(height)]
    elif name.startswith("BOX DRAWINGS") and "DIAGONAL" not in name:
        _box(grid, name)
    elif "\u2580" <= character <= "\u259F":
        _block(grid, ord(character))
    else:
        letter, *accents = unicodedata.normalize("NFD", character)
        accent = unicodedata.name(accents[0], "").removeprefix("COMBINING ") if len(accents) == 1 else ""
        if letter not in STROKES or accent not in ACCENTS:
            return None
        grid.draw(DOTLESS if letter == "i" else STROKES[letter], top=2 if letter.isupper() and accent not in BELOW else 0)
        grid.draw(ACCENTS[accent])
    return bytes(grid.rows)


def glyph(code: int, height: int = HEIGHT) -> bytes:
    """The same for a code of the VGA's, 0..255."""
    return draw(CP437[code], height)


@functools.cache
def table(height: int = HEIGHT) -> bytes:
    """All 256 characters, `height` bytes each."""
    return b"".join(glyph(code, height) for code in range(256))
