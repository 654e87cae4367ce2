"""The 8042 keyboard controller at ports 60h (data) and 64h (status, commands), with a keyboard and a mouse.

    status (64h)        7 parity  6 time-out  5 byte is the mouse's  4 not locked  3 last write was a command
                        2 self-test passed  1 input full  0 output full
    command byte        6 translate to set 1  5 mouse off  4 keyboard off  2 shown in the status  1 IRQ 12  0 IRQ 1
    output port         7 6 keyboard lines  5 IRQ 12  4 IRQ 1  3 2 mouse lines  1 A20 gate  0 processor's reset (low)

Commands are done at once, and so are the keyboard's answers to them. Keys come as slowly as wires and fingers are, long
text as fast as wires, and never faster than the guest takes them: a key for which the BIOS has no room is struck again.

Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"; Intel 8042 as
QEMU's pc has it.
"""
from __future__ import annotations

from collections.abc import Iterable

from x86.devices import scancodes
from x86.devices.device import Device, copy_of
from x86.devices.ps2_keyboard import BUFFER, Keyboard, Mouse

KEYBOARD_IRQ, MOUSE_IRQ = 1, 12
BYTE_TIME = 0.0005                      # seconds a code takes on the wire, about
KEY_TIME = 0.010                        # seconds between two strokes or releases that type_text makes,
PASTE_TIME = 0.0015                     # and where more than so many wait:
PASTE = 400

TRANSLATE, MOUSE_OFF, KEYBOARD_OFF, SYSTEM, MOUSE_INTERRUPT, KEYBOARD_INTERRUPT = 0x40, 0x20, 0x10, 0x04, 0x02, 0x01
A20, RESET = 0x02, 0x01                 # of the output port


class Ps2(Device):
    """The controller and what hangs on it; machine.keyboard."""

    name = "ps2"
    STATE = ("command_byte", "ram", "full", "data", "from_mouse", "was_command", "awaiting", "replies", "up", "delivering",
             "strokes", "striking", "struck", "drives_a20")

    def __init__(self, machine):
        super().__init__(machine)
        self.clock = machine.clock
        self.pic = machine.devices["pic"]
        self.drives_a20 = True          # whether the output port is wired to the A20 gate
        self.keyboard = Keyboard()
        self.mouse = Mouse()
        self.byte_ticks = self.clock.ticks(BYTE_TIME)
        self.key_ticks = self.clock.ticks(KEY_TIME)
        self.paste_ticks = self.clock.ticks(PASTE_TIME)
        self.strokes: list[tuple[str, bool]] = []       # (key, down) that type_text still has to make, the next one last
        self.reset()
        machine.bus.add(self.name, 0x60, 1, read=self._read_data, write=self._write_data)
        machine.bus.add(self.name, 0x64, 1, read=self._read_status, write=self._write_command)

    def reset(self) -> None:
        """Power-on state. Text that is still to be typed waits for the guest that comes."""
        self.clock.cancel(self.name)
        self.command_byte = KEYBOARD_INTERRUPT | MOUSE_INTERRUPT
        self.ram = bytearray(32)        # the controller's own memory; its byte 0 is the command byte
        self.full = False               # the output buffer holds a byte that nobody has read
        self.data = 0                   # that byte, or the last one
        self.from_mouse = False
        self.was_command = True
        self.awaiting = 0               # the command whose parameter comes to port 60h next, or 0
        self.replies: list[tuple[int, bool]] = []       # the controller's own: (byte, as if from the mouse)
        self.up = 0                     # 80h once the translation has seen F0
        self.delivering = False         # a code is on the wire
        self.striking = bool(self.strokes)              # the next stroke is in the clock's list
        self.struck: tuple[str, bool] | None = None     # what type_text did last
        self.keyboard.power_on()
        self.mouse.power_on()
        self._signal()
        if self.striking:
            self.clock.after(self.key_ticks, self.name, "strike")

    def snapshot(self) -> dict:
        return {**super().snapshot(), "keyboard": {field: copy_of(getattr(self.keyboard, field)) for field in Keyboard.STATE},
                "mouse": {field: copy_of(getattr(self.mouse, field)) for field in Mouse.STATE}}

    def restore(self, state: dict) -> None:
        super().restore(state)
        for device, fields in ((self.keyboard, state["keyboard"]), (self.mouse, state["mouse"])):
            for field, value in fields.items():
                setattr(device, field, copy_of(value))

    # ---- what the host does ----------------------------------------------------------------------------------------

    def type_text(self, text: str) -> None:
        """Type text, and keys by name: 'ls -l<enter>', '<up>', '<f10>', '<ctrl-c>', '<alt-f1>', '<altgr-e>', '<lt>'.

        Each stroke waits until the guest has read the one before. ValueError for a key that does not exist; then
        nothing is typed."""
        self._type(scancodes.chords(text))

    def type_keys(self, names: Iterable[str]) -> None:
        """The same for a list of keys: characters, or names such as 'up' and 'ctrl-c'."""
        self._type([scancodes.chord(name) for name in names])

    def key(self, name: str, down: bool) -> None:
        """Push a key down or let it up, now."""
        self.struck = None
        self.keyboard.key(scancodes.chord(name)[-1], down)
        self._fill()

    def move_mouse(self, x: int, y: int, buttons: int = 0) -> None:
        """Move the mouse by x (right) and y (up); bits of `buttons`: 0 left, 1 right, 2 middle."""
        self.mouse.move(x, y, buttons)
        self._fill()

    @property
    def typing(self) -> bool:
        """Whether type_text is not done yet."""
        return bool(self.strokes)

    def _type(self, chords):
        strokes = []
        for keys in chords:
            strokes += [(key, True) for key in keys]
            strokes += [(key, False) for key in reversed(keys)]
        self.strokes[:0] = reversed(strokes)
        self._type_on()

    def again(self) -> None:
        """For a BIOS whose ring is full: the key that type_text struck last is struck again, after the usual time. One that
        somebody pushed with key() is lost, as on a PC."""
        if self.struck is not None and self.struck[1]:
            self.strokes.append(self.struck)
            self.struck = None
            self._type_on()

    def _type_on(self):
        """Let the next stroke come, if there is one and the guest can take it."""
        if self.strokes and not self.striking and self._ready():
            self.striking = True
            self.clock.after(self.key_ticks if len(self.strokes) < PASTE else self.paste_ticks, self.name, "strike")

    def _ready(self):
        keyboard = self.keyboard
        return (keyboard.scanning and not keyboard.codes and not self.command_byte & KEYBOARD_OFF
                and not (self.full and not self.from_mouse))

    def strike(self) -> None:
        """Clock event: the next stroke or release of what is typed."""
        self.striking = False
        if self.strokes and self._ready():
            self.struck = self.strokes.pop()
            self.keyboard.key(*self.struck)
            self._fill()
            self._type_on()

    # ---- the output buffer -----------------------------------------------------------------------------------------

    def _fill(self):
        """Put the next byte into the output buffer if that is empty: replies, answers, then keys and movements."""
        if self.full:
            return
        if self.replies:
            self.data, self.from_mouse = self.replies.pop(0)
            self.full = True
        else:
            if not self.command_byte & KEYBOARD_OFF:
                self._take_from_keyboard()
            if not self.full and not self.command_byte & MOUSE_OFF:
                mouse = self.mouse
                source = mouse.answers or (mouse.codes if not self.delivering else None)
                if source:
                    self.data, self.from_mouse, self.full = source.pop(0), True, True
        self._signal()

    def _take_from_keyboard(self):
        keyboard = self.keyboard
        while not self.full:
            source = keyboard.answers or (keyboard.codes if not self.delivering else None)
            if not source:
                return
            value = keyboard.last = source.pop(0)
            if self.command_byte & TRANSLATE:
                if value == 0xF0:
                    self.up = 0x80
                    continue
                value = scancodes.TRANSLATION[value] | self.up
                self.up = 0
            self.data, self.from_mouse, self.full = value, False, True

    def _signal(self):
        """Drive the interrupt lines."""
        keyboard = self.full and not self.from_mouse and self.command_byte & KEYBOARD_INTERRUPT
        mouse = self.full and self.from_mouse and self.command_byte & MOUSE_INTERRUPT
        self.pic.set_irq(KEYBOARD_IRQ, bool(keyboard))
        self.pic.set_irq(MOUSE_IRQ, bool(mouse))

    def deliver(self) -> None:
        """Clock event: the code that was on the wire is here."""
        self.delivering = False
        self._fill()

    # ---- port 60h --------------------------------------------------------------------------------------------------

    def _read_data(self, offset, size):
        data = self.data
        if self.full:
            self.full = False
            self._signal()
            if not self.delivering and (self.keyboard.codes or self.mouse.codes):
                self.delivering = True
                self.clock.after(self.byte_ticks, self.name, "deliver")
            self._fill()
            self._type_on()
        return data

    def _write_data(self, offset, value, size):
        self.was_command = False
        command, self.awaiting = self.awaiting, 0
        if command == 0:
            self.command_byte &= ~KEYBOARD_OFF          # a byte for the keyboard starts its clock
            self._tell(self.keyboard, value)
        elif command == 0xD4:
            self.command_byte &= ~MOUSE_OFF
            self._tell(self.mouse, value)
        elif command == 0xD1:
            self._set_a20(bool(value & A20))
            if not value & RESET:
                self.machine.request_reset("8042 output port")
        elif command in (0xD2, 0xD3):
            self._reply(value, command == 0xD3)
        elif command == 0x60:
            self.command_byte = value
            self._signal()
        else:
            self.ram[command & 0x1F] = value
        self._fill()
        self._type_on()

    def _tell(self, device, value):
        """A byte for the keyboard or the mouse. What that answers is lost where too much waits already."""
        device.receive(value)
        del device.answers[BUFFER:]

    # ---- port 64h --------------------------------------------------------------------------------------------------

    def _read_status(self, offset, size):
        return (0x10 | self.full | self.command_byte & SYSTEM | self.was_command << 3
                | (self.full and self.from_mouse) << 5)

    def _write_command(self, offset, value, size):
        self.was_command = True
        self.awaiting = 0
        if value >= 0xF0:               # pulse the lines of the output port whose bits are 0
            if not value & RESET:
                self.machine.request_reset("8042 command")
        elif 0x60 <= value < 0x80 or value in (0xD1, 0xD2, 0xD3, 0xD4):
            self.awaiting = value
        elif 0x20 <= value < 0x40:
            self._reply(self.command_byte if value == 0x20 else self.ram[value & 0x1F])
        elif value in self.SWITCHES:
            bit, on = self.SWITCHES[value]
            self.command_byte = self.command_byte | bit if on else self.command_byte & ~bit
        elif value in self.ANSWERS:
            self._reply(self.ANSWERS[value])
        elif value == 0xAA:             # self-test
            self.command_byte |= SYSTEM
            self._reply(0x55)
        elif value == 0xD0:             # read the output port
            self._reply(0xCD | self.machine.cpu.a20 << 1 | (self.full and not self.from_mouse) << 4
                        | (self.full and self.from_mouse) << 5)
        elif value in (0xDD, 0xDF):     # A20 gate shut, open
            self._set_a20(value == 0xDF)
        self._fill()
        self._type_on()

    SWITCHES = {0xA7: (MOUSE_OFF, True), 0xA8: (MOUSE_OFF, False), 0xAD: (KEYBOARD_OFF, True), 0xAE: (KEYBOARD_OFF, False)}

    # A4 is a password set? (no)   A9, AB test the lines (they work)   C0 read the input port   E0 read the test inputs
    ANSWERS = {0xA4: 0xF1, 0xA9: 0x00, 0xAB: 0x00, 0xC0: 0x80, 0xE0: 0x00}

    def _set_a20(self, on):
        if self.drives_a20:
            self.machine.set_a20(on)

    def _reply(self, value, from_mouse=False):
        if len(self.replies) < BUFFER:
            self.replies.append((value, from_mouse))
