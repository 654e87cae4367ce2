"""The characters of code page 437, as dots, in the three sizes a VGA has in its ROM: 8 by 8, 8 by 14, 8 by 16.

Letters are drawn once, five dots wide and seven rows high, and placed in the cell; lines and blocks are made from what
they connect. Accented letters show their base letter, what has no drawing an empty box.
"""
from __future__ import annotations

import functools
import unicodedata

# Seven rows of five dots each, as two hexadecimal digits a row: bit 4 is the leftmost dot
LETTERS = {
    " ": "00000000000000", "!": "04040404040004", '"': "0A0A0A00000000", "#": "0A0A1F0A1F0A0A", "$": "040F140E051E04",
    "%": "18190204081303", "&": "0C12140815120D", "'": "04040800000000", "(": "02040808080402", ")": "08040202020408",
    "*": "0004150E150400", "+": "0004041F040400", ",": "00000000040408", "-": "0000001F000000", ".": "00000000000C0C",
    "/": "00010204081000", "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E",
    "4": "02060A121F0202", "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E",
    "9": "0E11110F01020C", ":": "000C0C000C0C00", ";": "000C0C000C0408", "<": "02040810080402", "=": "00001F001F0000",
    ">": "08040201020408", "?": "0E110102040004", "@": "0E11010D15150E", "A": "0E1111111F1111", "B": "1E11111E11111E",
    "C": "0E11101010110E", "D": "1C12111111121C", "E": "1F10101E10101F", "F": "1F10101E101010", "G": "0E11101711110F",
    "H": "1111111F111111", "I": "0E04040404040E", "J": "0702020202120C", "K": "11121418141211", "L": "1010101010101F",
    "M": "111B1515111111", "N": "11111915131111", "O": "0E11111111110E", "P": "1E11111E101010", "Q": "0E11111115120D",
    "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404", "U": "1111111111110E", "V": "11111111110A04",
    "W": "1111111515150A", "X": "11110A040A1111", "Y": "1111110A040404", "Z": "1F01020408101F", "[": "0E08080808080E",
    "\\": "00100804020100", "]": "0E02020202020E", "^": "040A1100000000", "_": "0000000000001F", "`": "08040200000000",
    "a": "00000E010F110F", "b": "10101619111E00", "c": "00000E1010110E", "d": "01010D1311110F", "e": "00000E111F100E",
    "f": "0609081C080808", "g": "000F11110F010E", "h": "10101619111111", "i": "04000C0404040E", "j": "0200060202120C",
    "k": "10101214181412", "l": "0C04040404040E", "m": "00001A15151111", "n": "00001619111111", "o": "00000E1111110E",
    "p": "00001E111E1010", "q": "00000D130F0101", "r": "00001619101010", "s": "00000E100E011E", "t": "08081C08080906",
    "u": "0000111111130D", "v": "00001111110A04", "w": "0000111115150A", "x": "0000110A040A11", "y": "000011110F010E",
    "z": "00001F0204081F", "{": "02040408040402", "|": "04040404040404", "}": "08040402040408", "~": "00000815020000",
    "\N{UPWARDS ARROW}": "040E1504040404", "\N{DOWNWARDS ARROW}": "04040404150E04",
    "\N{RIGHTWARDS ARROW}": "0004021F020400", "\N{LEFTWARDS ARROW}": "0004081F080400",
    "\N{BLACK RIGHT-POINTING POINTER}": "10181C1E1C1810", "\N{BLACK LEFT-POINTING POINTER}": "0103070F070301",
    "\N{BULLET}": "00000E0E0E0000", "\N{MIDDLE DOT}": "00000004000000", "\N{BLACK SQUARE}": "000E0E0E0E0E00",
    "\N{DEGREE SIGN}": "0C12120C000000",
}
UNKNOWN = "1F11111111111F"

#: What the codes below 20h look like, for those that have a drawing
LOW = {0x07: "\N{BULLET}", 0x10: "\N{BLACK RIGHT-POINTING POINTER}", 0x11: "\N{BLACK LEFT-POINTING POINTER}",
       0x18: "\N{UPWARDS ARROW}", 0x19: "\N{DOWNWARDS ARROW}", 0x1A: "\N{RIGHTWARDS ARROW}",
       0x1B: "\N{LEFTWARDS ARROW}"}

# Line-drawing characters B3h to DAh: thickness (0, 1, 2 lines) of the arms up, down, left, right
ARMS = {0xB3: "1100", 0xB4: "1110", 0xB5: "1120", 0xB6: "2210", 0xB7: "0210", 0xB8: "0120", 0xB9: "2220", 0xBA: "2200",
        0xBB: "0220", 0xBC: "2020", 0xBD: "2010", 0xBE: "1020", 0xBF: "0110", 0xC0: "1001", 0xC1: "1011", 0xC2: "0111",
        0xC3: "1101", 0xC4: "0011", 0xC5: "1111", 0xC6: "1102", 0xC7: "2201", 0xC8: "2002", 0xC9: "0202", 0xCA: "2022",
        0xCB: "0222", 0xCC: "2202", 0xCD: "0022", 0xCE: "2222", 0xCF: "1022", 0xD0: "2011", 0xD1: "0122", 0xD2: "0211",
        0xD3: "2001", 0xD4: "1002", 0xD5: "0102", 0xD6: "0201", 0xD7: "2211", 0xD8: "1122", 0xD9: "1010", 0xDA: "0101"}
SHADES = {0xB0: (0x22, 0x88), 0xB1: (0x55, 0xAA), 0xB2: (0xDD, 0x77), 0xDB: (0xFF, 0xFF), 0xDD: (0xF0, 0xF0),
          0xDE: (0x0F, 0x0F)}


@functools.cache
def table(height: int) -> bytes:
    """256 characters of `height` bytes each (8, 14 or 16), bit 7 of a byte being the leftmost dot."""
    return b"".join(glyph(code, height) for code in range(256))


def glyph(code: int, height: int) -> bytes:
    """The rows of one character."""
    if code in ARMS:
        return _lines(ARMS[code], height)
    if code in SHADES:
        even, odd = SHADES[code]
        return bytes(odd if row & 1 else even for row in range(height))
    if code in (0xDC, 0xDF):                            # lower half, upper half
        half = height // 2
        return bytes(half) + b"\xFF" * (height - half) if code == 0xDC else b"\xFF" * half + bytes(height - half)
    if code in (0x00, 0xFF):
        return bytes(height)
    character = LOW.get(code) or bytes([code]).decode("cp437")
    if character not in LETTERS:
        character = unicodedata.normalize("NFD", character)[0]
    rows = bytes.fromhex(LETTERS.get(character, UNKNOWN))
    tall = height >= 14
    drawn = bytes(row << 2 for row in rows for _ in range(2 if tall else 1))
    above = (height - len(drawn)) // 2
    return bytes(above) + drawn + bytes(height - len(drawn) - above)


def _lines(arms, height):
    """A character that joins its neighbours: lines from the middle of the cell to its edges."""
    up, down, left, right = (int(arm) for arm in arms)
    middle = height // 2 - 1
    columns = {0: 0, 1: 0x10, 2: 0x28}                  # dots of a vertical line: one, or two around the middle
    across = {0: (), 1: (middle,), 2: (middle - 1, middle + 1)}
    rows = bytearray(height)
    for row in range(height):
        if row <= middle + (up == 2):
            rows[row] |= columns[up]
        if row >= middle - (down == 2):
            rows[row] |= columns[down]
        if row in across[left]:
            rows[row] |= 0xF0 if not (up or down) or left == 1 else 0xF8
        if row in across[right]:
            rows[row] |= 0x1F if right == 1 else 0x3F
    return bytes(rows)
