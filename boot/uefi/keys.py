"""Keystrokes: what the keyboard's scan codes and a terminal's bytes become. Plain data; knows no ports.

    KeyShiftState    31 valid   9 SysRq  8 menu  7 left logo  6 right logo  5 left Alt  4 right Alt  3 left Ctrl  2 right Ctrl
                     1 left Shift  0 right Shift
    KeyToggleState    7 valid   6 partial keystrokes are wanted   2 Caps Lock  1 Num Lock  0 Scroll Lock

Source: UEFI 2.10, section 12.2 (EFI_KEY_DATA), appendix B (scan codes); ECMA-48 and xterm's ctlseqs for terminals.
"""
from __future__ import annotations

import re
import struct
from typing import NamedTuple

from x86.devices import scancodes

SHIFT_VALID, TOGGLE_VALID, EXPOSED = 0x80000000, 0x80, 0x40
(RIGHT_SHIFT, LEFT_SHIFT, RIGHT_CONTROL, LEFT_CONTROL, RIGHT_ALT, LEFT_ALT, RIGHT_LOGO, LEFT_LOGO,
 MENU) = (1 << bit for bit in range(9))
SHIFT, CONTROL, ALT = RIGHT_SHIFT | LEFT_SHIFT, RIGHT_CONTROL | LEFT_CONTROL, RIGHT_ALT | LEFT_ALT
SCROLL_LOCK, NUM_LOCK, CAPS_LOCK = 1, 2, 4

#: Keys without a character -> EFI scan code
SCANS = {name: number for number, name in enumerate(
    "up down right left home end insert delete pageup pagedown f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 esc".split(), 1)}
ESC, DELETE = SCANS["esc"], SCANS["delete"]
CHARACTERS = {"space": " ", "backspace": "\b", "tab": "\t", "enter": "\r", "kpenter": "\r", "kp*": "*", "kp/": "/", "kp-": "-",
              "kp+": "+", "<>": "\\"}
#: The keypad without Num Lock; with it the character is the last of the key's name
KEYPAD = {"kp7": "home", "kp8": "up", "kp9": "pageup", "kp4": "left", "kp5": None, "kp6": "right", "kp1": "end", "kp2": "down",
          "kp3": "pagedown", "kp0": "insert", "kp.": "delete"}
SHIFTED = {key: character for character, key in scancodes.SHIFTED.items()} | {"<>": "|"}
MODIFIERS = {"shift": LEFT_SHIFT, "rightshift": RIGHT_SHIFT, "ctrl": LEFT_CONTROL, "rightctrl": RIGHT_CONTROL, "alt": LEFT_ALT,
             "rightalt": RIGHT_ALT, "leftwin": LEFT_LOGO, "rightwin": RIGHT_LOGO, "menu": MENU}
TOGGLES = {"capslock": CAPS_LOCK, "numlock": NUM_LOCK, "scrolllock": SCROLL_LOCK}
#: What the keyboard sends when a key goes down, in set 1 -> its name
KEYS = {scancodes.set_1(scancodes.make(name)): name for name in scancodes.KEYS}
EXTENDED, RELEASED = 0xE0, 0x80

KEY_DATA = struct.Struct("<HHIB3x")     # EFI_KEY_DATA


class Key(NamedTuple):
    """One keystroke. character: a number of 16 bits; a partial keystroke (Shift alone, ...) has neither scan nor character."""
    scan: int = 0
    character: int = 0
    shift: int = SHIFT_VALID
    toggle: int = TOGGLE_VALID

    @property
    def partial(self) -> bool:
        return not self.scan and not self.character

    @property
    def plain(self) -> tuple[int, int]:
        """(scan code, character) as EFI_INPUT_KEY has them: Ctrl and a letter is a control character there."""
        letter = self.character | 0x20
        if self.shift & CONTROL and ord("a") <= letter <= ord("z"):
            return self.scan, letter - ord("a") + 1
        return self.scan, self.character

    @property
    def data(self) -> bytes:
        """EFI_KEY_DATA."""
        return KEY_DATA.pack(self.scan, self.character, self.shift, self.toggle)


class Keyboard:
    """What is held down on the PS/2 keyboard, and which lights are on.

    held      bits of KeyShiftState
    toggles   bits of KeyToggleState: the locks, and whether partial keystrokes are wanted
    prefix    bytes of set 1 that belong to the next
    """

    def __init__(self):
        self.held = self.toggles = 0
        self.prefix = b""

    @property
    def state(self) -> Key:
        """No key, and the states as they are."""
        return self._key()

    def receive(self, code: int) -> Key | None:
        """A byte of scan code set 1; the keystroke that it makes. None for none, as for codes that nobody knows."""
        code, prefix, self.prefix = bytes((code,)), self.prefix, b""
        if code[0] == EXTENDED:
            self.prefix = code
            return None
        name = KEYS.get(prefix + bytes((code[0] & ~RELEASED,)))
        down = not code[0] & RELEASED
        if name in MODIFIERS:
            self.held = self.held | MODIFIERS[name] if down else self.held & ~MODIFIERS[name]
            return self._key() if down else None
        if not down or name is None:
            return None
        if name in TOGGLES:
            self.toggles ^= TOGGLES[name]
            return self._key()
        return self._struck(name)

    def _struck(self, name):
        if name in KEYPAD:
            if not self.toggles & NUM_LOCK or self.held & SHIFT:
                return self._key(SCANS.get(KEYPAD[name], 0)) if KEYPAD[name] else None
            return self._key(0, name[-1])
        if name in SCANS:
            return self._key(SCANS[name])
        character = CHARACTERS.get(name, name)
        if name not in SHIFTED:
            return self._key(0, character)
        capital = bool(self.toggles & CAPS_LOCK) and character.isalpha()
        if bool(self.held & SHIFT) != capital:
            character = SHIFTED[name]
        return self._key(0, character, ~SHIFT)      # such a character says all that Shift did

    def _key(self, scan=0, character="\0", kept=-1):
        return Key(scan, ord(character), SHIFT_VALID | self.held & kept, TOGGLE_VALID | self.toggles)


# ---- terminals -------------------------------------------------------------------------------------------------------

#: A whole sequence: ESC [ ... final (ESC [ [ A as Linux has F1), or ESC O final
SEQUENCE = re.compile(rb"\x1b(?:(\[\[)|\[([0-9;:<=>?]*)[ -/]*|O([0-9;]*))([@-~])")
#: What may yet become one
PARTIAL = re.compile(rb"\x1b(?:\[\[?[0-?]{0,12}[ -/]{0,4}|O[0-9;]{0,12})?\Z")
FINALS = dict(zip(b"ABCDHFPQRS", "up down right left home end f1 f2 f3 f4".split()))
LINUX_FINALS = dict(zip(b"ABCDE", "f1 f2 f3 f4 f5".split()))
TILDES = {1: "home", 2: "insert", 3: "delete", 4: "end", 5: "pageup", 6: "pagedown", 7: "home", 8: "end",
          11: "f1", 12: "f2", 13: "f3", 14: "f4", 15: "f5", 17: "f6", 18: "f7", 19: "f8", 20: "f9", 21: "f10", 23: "f11",
          24: "f12"}
HELD = (LEFT_SHIFT, LEFT_ALT, LEFT_CONTROL)     # bits of a sequence's second parameter, less one
TAB, LINE_FEED, RETURN, BACKSPACE, RUBOUT, ESCAPE = 9, 10, 13, 8, 0x7F, 0x1B


class Terminal:
    """Bytes that a terminal has sent: UTF-8, and sequences for keys without a character.

    pending    bytes that do not make a key yet
    returned   whether the last byte was CR: LF behind it is no second Enter
    """

    def __init__(self):
        self.pending = b""
        self.returned = False

    def receive(self, data: bytes, over: bool = False) -> list[Key]:
        """Bytes have come; the keystrokes they make. over: no more come for now, so ESC is the key and no sequence."""
        self.pending += data
        keys = []
        while self.pending:
            taken, key = self._sequence(over) if self.pending[0] == ESCAPE else self._character(over)
            if not taken:
                break
            self.pending = self.pending[taken:]
            if key is not None:
                keys += key
        return keys

    def _sequence(self, over):
        """(bytes taken, keys) of what starts with ESC; (0, None) where more has to come."""
        if PARTIAL.match(self.pending) and not over:
            return 0, None
        found = SEQUENCE.match(self.pending)
        if not found:
            return 1, [Key(ESC)]
        linux, of_bracket, of_letter, final = found.groups()
        numbers = [int(part) if part.isdigit() else 0 for part in re.split(b"[;:]", of_bracket or of_letter or b"")]
        bits = numbers[1] - 1 if len(numbers) > 1 else 0
        held = SHIFT_VALID | sum(bit for place, bit in enumerate(HELD) if bits > 0 and bits >> place & 1)
        if final == b"Z" and of_bracket is not None:
            return found.end(), [Key(0, TAB, held | LEFT_SHIFT)]
        if linux:
            name = LINUX_FINALS.get(final[0])
        else:
            name = TILDES.get(numbers[0]) if final == b"~" else FINALS.get(final[0])
        return found.end(), [Key(SCANS[name], 0, held)] if name else []

    def _character(self, over):
        """(bytes taken, keys) of a character; two keys for one beyond 16 bits, none for what is no UTF-8."""
        first = self.pending[0]
        length = 1 if first < 0xC2 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4 if first < 0xF5 else 1
        piece = self.pending[:length]
        if len(piece) < length and not over and all(0x80 <= byte < 0xC0 for byte in piece[1:]):
            return 0, None
        try:
            units = piece.decode().encode("utf-16-le")
        except UnicodeDecodeError:
            return 1, None
        returned, self.returned = self.returned, first == RETURN
        if first == LINE_FEED:
            return 1, None if returned else [Key(0, RETURN)]
        if first == RUBOUT:
            return 1, [Key(0, BACKSPACE)]
        return length, [Key(0, unit) for unit, in struct.iter_unpack("<H", units) if unit]
