"""Scan codes: what a keyboard sends for each key, in set 2 as it is wired and in set 1 as the 8042 translates it.

A key goes down with its code and up with F0 and the code (set 2), or with the code plus 80h (set 1). Keys that came
with the 101-key keyboard have E0 in front of both.

Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)": scan code tables;
"Keyboard and Auxiliary Device Controller": translation.
"""
from __future__ import annotations

import re

# What the 8042 makes of a byte of set 2, if bit 6 of its command byte is set. F0 vanishes and adds 80h to the next.
TRANSLATION = bytes.fromhex(
    "FF 43 41 3F 3D 3B 3C 58 64 44 42 40 3E 0F 29 59"
    "65 38 2A 70 1D 10 02 5A 66 71 2C 1F 1E 11 03 5B"
    "67 2E 2D 20 12 05 04 5C 68 39 2F 21 14 13 06 5D"
    "69 31 30 23 22 15 07 5E 6A 72 32 24 16 08 09 5F"
    "6B 33 25 17 18 0B 0A 60 6C 34 35 26 27 19 0C 61"
    "6D 73 28 74 1A 0D 62 6E 3A 36 1C 1B 75 2B 63 76"
    "55 56 77 78 79 7A 0E 7B 7C 4F 7D 4B 47 7E 7F 6F"
    "52 53 50 4C 4D 48 01 45 57 4E 51 4A 37 49 46 54"
    "80 81 82 41 54 85 86 87 88 89 8A 8B 8C 8D 8E 8F") + bytes(range(0x90, 0x100))

#: Key -> its code in set 2, with E0 in front where it has that. Keys with a character are named by the unshifted one.
KEYS: dict[str, int] = {}


def _keys(names: str, codes: str) -> None:
    KEYS.update(zip(names.split(), (int(code, 16) for code in codes.split())))


_keys("` 1 2 3 4 5 6 7 8 9 0 - =", "0E 16 1E 26 25 2E 36 3D 3E 46 45 4E 55")
_keys("q w e r t y u i o p [ ] \\", "15 1D 24 2D 2C 35 3C 43 44 4D 54 5B 5D")
_keys("a s d f g h j k l ; '", "1C 1B 23 2B 34 33 3B 42 4B 4C 52")
_keys("z x c v b n m , . / <>", "1A 22 21 2A 32 31 3A 41 49 4A 61")
_keys("esc backspace tab enter space capslock shift ctrl alt", "76 66 0D 5A 29 58 12 14 11")
_keys("f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12", "05 06 04 0C 03 0B 83 0A 01 09 78 07")
_keys("up down left right home end pageup pagedown insert delete",
      "E075 E072 E06B E074 E06C E069 E07D E07A E070 E071")
_keys("rightshift rightctrl rightalt leftwin rightwin menu numlock scrolllock", "59 E014 E011 E01F E027 E02F 77 7E")
_keys("kp7 kp8 kp9 kp- kp4 kp5 kp6 kp+ kp1 kp2 kp3 kp0 kp. kp* kp/ kpenter",
      "6C 75 7D 7B 6B 73 74 79 69 72 7A 70 71 7C E04A E05A")

#: Keys that send more than one code: what they send when they go down, and when they go up. Print Screen while Alt is held
#: is "sysrq", Pause while Ctrl is held is "break"
SEQUENCES = {name: (bytes.fromhex(down), bytes.fromhex(up)) for name, down, up in (
    ("printscreen", "E0 12 E0 7C", "E0 F0 7C E0 F0 12"), ("sysrq", "84", "F0 84"),
    ("pause", "E1 14 77 E1 F0 14 F0 77", ""), ("break", "E0 7E E0 F0 7E", ""))}

ALIASES = {"escape": "esc", "return": "enter", "bs": "backspace", "del": "delete", "ins": "insert", "pgup": "pageup",
           "pgdn": "pagedown", "pgdown": "pagedown", "print": "printscreen", "prtsc": "printscreen", "control": "ctrl",
           "win": "leftwin", "altgr": "rightalt", "lt": "shift-,", "gt": "shift-."}

#: Characters of a US keyboard that need Shift -> the key
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
SHIFTED.update((letter.upper(), letter) for letter in "abcdefghijklmnopqrstuvwxyz")

SPECIAL = {" ": "space", "\n": "enter", "\r": "enter", "\t": "tab", "\x1b": "esc", "\b": "backspace", "\x7f": "backspace"}
MODIFIERS = ("ctrl", "shift", "alt", "rightctrl", "rightshift", "rightalt", "leftwin", "rightwin")

_TOKEN = re.compile(r"<([a-z0-9][a-z0-9+*/.,-]*)>|(.)", re.DOTALL | re.IGNORECASE)


def make(key: str) -> bytes:
    """The bytes of set 2 that say a key went down."""
    if key in SEQUENCES:
        return SEQUENCES[key][0]
    code = KEYS[key]
    return bytes((0xE0, code & 0xFF)) if code > 0xFF else bytes((code,))


def release(key: str) -> bytes:
    """The bytes of set 2 that say a key went up."""
    if key in SEQUENCES:
        return SEQUENCES[key][1]
    code = KEYS[key]
    return bytes((0xE0, 0xF0, code & 0xFF)) if code > 0xFF else bytes((0xF0, code))


def set_1(code: bytes) -> bytes:
    """The same in set 1, as the translation makes it."""
    out, up = bytearray(), 0
    for byte in code:
        if byte == 0xF0:
            up = 0x80
        else:
            out.append(TRANSLATION[byte] | (up if byte != 0xE0 else 0))
            up = up if byte == 0xE0 else 0
    return bytes(out)


def chord(name: str) -> list[str]:
    """The keys to hold, the one to strike last: 'A' -> ['shift', 'a'], 'ctrl-c' -> ['ctrl', 'c'], 'up' -> ['up'].

    ValueError for a character or a name that the keyboard does not have."""
    if name in SHIFTED:
        return ["shift", SHIFTED[name]]
    if name in SPECIAL:
        return [SPECIAL[name]]
    if name in KEYS or name in SEQUENCES:
        return [name]
    lower = name.lower()
    if lower in ALIASES:
        return chord(ALIASES[lower])
    if lower in KEYS or lower in SEQUENCES:
        return [lower]
    first, dash, rest = name.partition("-")
    modifier = ALIASES.get(first.lower(), first.lower())
    if dash and rest and modifier in MODIFIERS:
        return [modifier, *chord(rest)]
    raise ValueError(f"the keyboard has no key for {name!r}")


def chords(text: str) -> list[list[str]]:
    """Text with names in it, such as 'ls<enter><ctrl-c><f10>', as a list of chords. '<' is itself where it names no key.

    ValueError for a character that the keyboard does not have."""
    found = []
    for match in _TOKEN.finditer(text):
        name, character = match.groups()
        if name is None:
            found.append(chord(character))
            continue
        try:
            found.append(chord(name))
        except ValueError:
            found.extend(chord(each) for each in match.group())
    return found
