"""From scan codes (set 1) to what INT 16h gives: a word of scan code << 8 | character.

Each row of KEYS is one key: its make code, then the words for the key alone, with Shift, with Ctrl and with Alt; 0 means
that the combination gives nothing. EXTENDED is for the keys that send E0h first. The character F0h marks what the keyboard
with 84 keys did not give: AH=10h shows it as 0, AH=00h not at all.

Source: IBM PS/2 and PC BIOS Interface Technical Reference, "Keyboard", character codes of the US keyboard.
"""
from __future__ import annotations

# Make code: normal, Shift, Ctrl, Alt
KEYS: dict[int, tuple[int, int, int, int]] = {
    0x01: (0x011B, 0x011B, 0x011B, 0x01F0),                                                     # Esc
    0x02: (0x0231, 0x0221, 0x0000, 0x7800), 0x03: (0x0332, 0x0340, 0x0300, 0x7900),             # 1 2
    0x04: (0x0433, 0x0423, 0x0000, 0x7A00), 0x05: (0x0534, 0x0524, 0x0000, 0x7B00),             # 3 4
    0x06: (0x0635, 0x0625, 0x0000, 0x7C00), 0x07: (0x0736, 0x075E, 0x071E, 0x7D00),             # 5 6
    0x08: (0x0837, 0x0826, 0x0000, 0x7E00), 0x09: (0x0938, 0x092A, 0x0000, 0x7F00),             # 7 8
    0x0A: (0x0A39, 0x0A28, 0x0000, 0x8000), 0x0B: (0x0B30, 0x0B29, 0x0000, 0x8100),             # 9 0
    0x0C: (0x0C2D, 0x0C5F, 0x0C1F, 0x8200), 0x0D: (0x0D3D, 0x0D2B, 0x0000, 0x8300),             # - =
    0x0E: (0x0E08, 0x0E08, 0x0E7F, 0x0EF0), 0x0F: (0x0F09, 0x0F00, 0x9400, 0xA500),             # Backspace Tab
    0x1A: (0x1A5B, 0x1A7B, 0x1A1B, 0x1AF0), 0x1B: (0x1B5D, 0x1B7D, 0x1B1D, 0x1BF0),             # [ ]
    0x1C: (0x1C0D, 0x1C0D, 0x1C0A, 0x1CF0),                                                     # Enter
    0x27: (0x273B, 0x273A, 0x0000, 0x27F0), 0x28: (0x2827, 0x2822, 0x0000, 0x28F0),             # ; '
    0x29: (0x2960, 0x297E, 0x0000, 0x29F0), 0x2B: (0x2B5C, 0x2B7C, 0x2B1C, 0x2BF0),             # ` \
    0x33: (0x332C, 0x333C, 0x0000, 0x33F0), 0x34: (0x342E, 0x343E, 0x0000, 0x34F0),             # , .
    0x35: (0x352F, 0x353F, 0x0000, 0x35F0), 0x37: (0x372A, 0x372A, 0x9600, 0x37F0),             # / keypad *
    0x39: (0x3920, 0x3920, 0x3920, 0x3920),                                                     # Space
    0x4A: (0x4A2D, 0x4A2D, 0x8E00, 0x4AF0), 0x4E: (0x4E2B, 0x4E2B, 0x9000, 0x4EF0),             # keypad - +
    0x56: (0x565C, 0x567C, 0x0000, 0x0000),                                                     # the 102nd key
    0x57: (0x8500, 0x8700, 0x8900, 0x8B00), 0x58: (0x8600, 0x8800, 0x8A00, 0x8C00),             # F11 F12
}
for _row, _letters in ((0x10, "qwertyuiop"), (0x1E, "asdfghjkl"), (0x2C, "zxcvbnm")):
    for _code, _letter in enumerate(_letters, _row):
        KEYS[_code] = (_code << 8 | ord(_letter), _code << 8 | ord(_letter.upper()), _code << 8 | ord(_letter) & 0x1F,
                       _code << 8)
for _number in range(10):                           # F1 to F10
    KEYS[0x3B + _number] = tuple(_first + _number << 8 for _first in (0x3B, 0x54, 0x5E, 0x68))

LETTERS = frozenset(_code for _code, _words in KEYS.items() if chr(_words[0] & 0xFF).isalpha() and _words[0] & 0xFF < 128)

# The keypad: cursor key, digit (with Num Lock or Shift, not both), Ctrl. With Alt it types a number.
KEYPAD: dict[int, tuple[int, int, int]] = {
    0x47: (0x4700, 0x4737, 0x7700), 0x48: (0x4800, 0x4838, 0x8D00), 0x49: (0x4900, 0x4939, 0x8400),
    0x4B: (0x4B00, 0x4B34, 0x7300), 0x4C: (0x4CF0, 0x4C35, 0x8F00), 0x4D: (0x4D00, 0x4D36, 0x7400),
    0x4F: (0x4F00, 0x4F31, 0x7500), 0x50: (0x5000, 0x5032, 0x9100), 0x51: (0x5100, 0x5133, 0x7600),
    0x52: (0x5200, 0x5230, 0x9200), 0x53: (0x5300, 0x532E, 0x9300),
}

# Behind E0h: normal, Shift, Ctrl, Alt. The cursor block's keys have E0h as their character, which AH=00h shows as 0
EXTENDED: dict[int, tuple[int, int, int, int]] = {
    0x37: (0x0000, 0x0000, 0x7200, 0x0000),                                                     # Print Screen
    0x1C: (0xE00D, 0xE00D, 0xE00A, 0xA600), 0x35: (0xE02F, 0xE02F, 0x9500, 0xA400),             # keypad Enter /
    0x47: (0x47E0, 0x47E0, 0x77E0, 0x9700), 0x48: (0x48E0, 0x48E0, 0x8DE0, 0x9800),             # Home Up
    0x49: (0x49E0, 0x49E0, 0x84E0, 0x9900), 0x4B: (0x4BE0, 0x4BE0, 0x73E0, 0x9B00),             # PgUp Left
    0x4D: (0x4DE0, 0x4DE0, 0x74E0, 0x9D00), 0x4F: (0x4FE0, 0x4FE0, 0x75E0, 0x9F00),             # Right End
    0x50: (0x50E0, 0x50E0, 0x91E0, 0xA000), 0x51: (0x51E0, 0x51E0, 0x76E0, 0xA100),             # Down PgDn
    0x52: (0x52E0, 0x52E0, 0x92E0, 0xA200), 0x53: (0x53E0, 0x53E0, 0x93E0, 0xA300),             # Ins Del
}

#: make code of a shift key: its bit in the shift flags, byte 417h
SHIFTS = {0x36: 0x01, 0x2A: 0x02, 0x1D: 0x04, 0x38: 0x08}

#: make code of a lock key: its bit in byte 417h; the same bit of byte 418h says that it is held down
LOCKS = {0x46: 0x10, 0x45: 0x20, 0x3A: 0x40}


def translate(code: int, extended: bool, flags: int) -> int:
    """The word for a make code under the shift flags of byte 417h; 0 if it gives none."""
    shift, control, alt = bool(flags & 0x03), flags & 0x04, flags & 0x08
    if not extended and code in KEYPAD:
        cursor_key, digit, with_control = KEYPAD[code]
        if control:
            return with_control
        return digit if shift != bool(flags & 0x20) else cursor_key
    words = (EXTENDED if extended else KEYS).get(code)
    if words is None:
        return 0
    if alt:
        return words[3]
    if control:
        return words[2]
    if not extended and code in LETTERS and flags & 0x40:           # Caps Lock turns Shift around
        shift = not shift
    return words[1 if shift else 0]


def enhanced(word: int) -> int:
    """What AH=10h gives: the word as it is, but F0h, which marks keys that AH=00h does not know, is 0."""
    return word & 0xFF00 if word & 0xFF == 0xF0 and word >> 8 else word


def standard(word: int) -> int | None:
    """What AH=00h gives for a word in the ring: the keys of the old keyboard only, under their old codes.

    None for a key that the old keyboard did not have."""
    scan, character = word >> 8, word & 0xFF
    if scan == 0xE0:                                # keypad Enter and /
        return (0x1C00 if character in (0x0D, 0x0A) else 0x3500) | character
    if character == 0xE0 and scan:
        return scan << 8
    if character == 0xF0 and scan or character == 0 and scan > 0x84:
        return None
    return word
