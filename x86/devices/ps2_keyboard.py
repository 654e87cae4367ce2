"""What hangs on the two plugs of the 8042: a keyboard with 101 keys and a mouse with two buttons and a third.

Each takes the bytes that the system sends and puts what it has to say into two lists: `answers` to commands, and `codes`
that come by themselves (keys, movements). The controller (ps2.py) takes from them when it has room.

Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)" and "Auxiliary Device".
"""
from __future__ import annotations

from x86.devices import scancodes

ACK, RESEND, SELF_TEST_PASSED = 0xFA, 0xFE, 0xAA
BUFFER = 16                             # bytes that each of them, and the controller, keeps while nobody takes them


class Keyboard:
    """The keyboard. Its commands, each answered with FAh:

        ED led   EE -> EE   F0 set   F2 -> AB 83   F3 rate   F4 on   F5 off   F6 defaults   FE again   FF reset -> AA
    """

    STATE = ("answers", "codes", "awaiting", "set", "leds", "rate", "scanning", "last")
    DEFAULT_RATE = 0x2B                 # 10.9 keys a second after 500 ms

    def __init__(self):
        self.power_on()

    def power_on(self) -> None:
        self.answers: list[int] = []
        self.codes: list[int] = []
        self.awaiting = 0               # the command whose parameter comes next, or 0
        self.leds = 0                   # bit 2 caps lock, bit 1 num lock, bit 0 scroll lock
        self.last = 0                   # the byte sent last, for RESEND
        self.scanning = True
        self.defaults()

    def defaults(self) -> None:
        """Scan code set 2, typematic 10.9 a second, nothing waiting."""
        self.set = 2
        self.rate = self.DEFAULT_RATE
        self.codes.clear()

    def key(self, name: str, down: bool) -> None:
        """A key went down or up. Lost where scanning is off or the buffer full."""
        code = scancodes.make(name) if down else scancodes.release(name)
        if self.set == 1:
            code = scancodes.set_1(code)
        if self.scanning and len(self.codes) + len(code) <= BUFFER:
            self.codes.extend(code)

    def receive(self, value: int) -> None:
        """A byte from the system: a command, or the parameter of one."""
        command, self.awaiting = self.awaiting, 0
        if command and value < 0x80:
            self._parameter(command, value)
            return
        if value == 0xEE:
            self.answers.append(0xEE)
        elif value == 0xFE:
            self.answers.append(self.last)
        elif value in (0xED, 0xF0, 0xF3):
            self.awaiting = value
            self.answers.append(ACK)
        elif value == 0xF2:
            self.answers += (ACK, 0xAB, 0x83)
        elif value == 0xF4:
            self.codes.clear()
            self.scanning = True
            self.answers.append(ACK)
        elif value in (0xF5, 0xF6):
            self.defaults()
            self.scanning = value == 0xF6
            self.answers.append(ACK)
        elif 0xF7 <= value <= 0xFD:     # key types, which only set 3 has
            self.answers.append(ACK)
        elif value == 0xFF:
            self.power_on()
            self.answers += (ACK, SELF_TEST_PASSED)
        else:
            self.answers.append(RESEND)

    def _parameter(self, command, value):
        if command == 0xED:
            self.leds = value & 7
        elif command == 0xF3:
            self.rate = value
        elif value == 0:                # F0 00 asks which set it is
            self.answers += (ACK, self.set)
            return
        elif value in (1, 2):
            self.set = value
            self.codes.clear()
        else:                           # there is no set 3
            self.answers.append(RESEND)
            return
        self.answers.append(ACK)


class Mouse:
    """The mouse. Its packets in stream mode, when it moved or a button changed:

        YO XO YS XS 1 M R L     then X, then Y: movement since the last packet, nine bits with the signs YS and XS
    """

    STATE = ("answers", "codes", "awaiting", "reporting", "remote", "wrap", "rate", "resolution", "scaled", "buttons",
             "x", "y", "last")

    def __init__(self):
        self.power_on()

    def power_on(self) -> None:
        self.answers: list[int] = []
        self.codes: list[int] = []
        self.awaiting = 0
        self.last: list[int] = []       # the packet or answer sent last, for RESEND
        self.buttons = 0                # bit 0 left, 1 right, 2 middle
        self.wrap = False
        self.defaults()

    def defaults(self) -> None:
        """100 reports a second, 4 counts a millimetre, stream mode, reporting off."""
        self.rate, self.resolution, self.scaled = 100, 2, False
        self.reporting = self.remote = False
        self.x = self.y = 0
        self.codes.clear()

    def move(self, x: int, y: int, buttons: int) -> None:
        """Moved by x (right) and y (up) counts; which buttons are down."""
        self.x = max(-255, min(255, self.x + x))
        self.y = max(-255, min(255, self.y + y))
        changed = x or y or buttons != self.buttons
        self.buttons = buttons & 7
        if changed and self.reporting and not self.remote and len(self.codes) + 3 <= BUFFER:
            self.codes += self._packet()

    def _packet(self):
        x, y = self.x, self.y
        self.x = self.y = 0
        return [(y < 0) << 5 | (x < 0) << 4 | 8 | self.buttons, x & 0xFF, y & 0xFF]

    def receive(self, value: int) -> None:
        """A byte from the system."""
        if self.wrap and value not in (0xEC, 0xFF):
            self.answers.append(value)
            return
        command, self.awaiting = self.awaiting, 0
        if command == 0xF3:
            self.rate = value
        elif command == 0xE8:
            self.resolution = value & 3
        elif value == 0xFF:
            self.power_on()
            self._answer(ACK, SELF_TEST_PASSED, 0)
            return
        elif value in (0xE6, 0xE7):
            self.scaled = value == 0xE7
        elif value in (0xE8, 0xF3):
            self.awaiting = value
        elif value == 0xE9:
            self._answer(ACK, self.remote << 6 | self.reporting << 5 | self.scaled << 4 | (self.buttons & 1) << 2
                         | (self.buttons >> 2) << 1 | self.buttons >> 1 & 1, self.resolution, self.rate)
            return
        elif value in (0xEA, 0xF0):
            self.remote = value == 0xF0
        elif value == 0xEB:
            self._answer(ACK, *self._packet())
            return
        elif value in (0xEC, 0xEE):
            self.wrap = value == 0xEE
        elif value == 0xF2:
            self._answer(ACK, 0)        # a standard mouse
            return
        elif value in (0xF4, 0xF5):
            self.reporting = value == 0xF4
        elif value == 0xF6:
            self.defaults()
        elif value == 0xFE:
            self.answers += self.last
            return
        else:
            self._answer(RESEND)
            return
        self._answer(ACK)

    def _answer(self, *values):
        self.last = list(values)
        self.answers += values
