"""Keystrokes: scan codes and terminals' bytes as UEFI has them, and how they come to a program."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uefi.caller import Caller

from boot.uefi.console_input import ROOM
from boot.uefi.database import EXCLUSIVE
from boot.uefi.definitions import Status
from boot.uefi.keys import (CAPS_LOCK, LEFT_CONTROL, LEFT_SHIFT, SCANS, SHIFT_VALID, TOGGLE_VALID, Key, Keyboard, Terminal)
from boot.uefi.protocols.serial_io import SerialIo
from boot.uefi.protocols.simple_text_input import SimpleTextInput, SimpleTextInputEx
from x86.devices import scancodes

TYPED = "".join(chr(code) for code in range(32, 127))


def strike(keyboard, *names):
    """The keystrokes of names, pressed in order and let up again."""
    codes = b"".join(scancodes.set_1(scancodes.make(name)) for name in names)
    codes += b"".join(scancodes.set_1(scancodes.release(name)) for name in reversed(names))
    return [key for key in map(keyboard.receive, codes) if key is not None and not key.partial]


def names_of(keys):
    """Scan codes by name, characters as they are."""
    by_number = {number: name for name, number in SCANS.items()}
    return [by_number[key.scan] if key.scan else chr(key.character) for key in keys]


@given(st.text(st.sampled_from(TYPED), max_size=20))
def test_text_typed_on_the_keyboard_is_that_text(text):
    keyboard, typed = Keyboard(), []
    for chord in scancodes.chords(text.replace("<", "<lt>")):
        typed += strike(keyboard, *chord)
    assert "".join(chr(key.character) for key in typed) == text
    assert all(key == Key(0, key.character) for key in typed)
    assert keyboard.held == 0


@pytest.mark.parametrize("name", [name for name in SCANS if len(name) > 1])
def test_keys_without_a_character_have_the_scan_code_of_the_specification(name):
    assert strike(Keyboard(), name) == [Key(SCANS[name])]


def test_scan_codes_are_those_of_the_table():
    assert [SCANS[name] for name in ("up", "down", "right", "left", "home", "end", "insert", "delete", "pageup", "pagedown", "f1",
                                     "f10", "f11", "f12", "esc")] == [*range(1, 11), 0x0B, 0x14, 0x15, 0x16, 0x17]


def test_states_come_with_the_key():
    keyboard = Keyboard()
    key, = strike(keyboard, "ctrl", "c")
    assert key == Key(0, ord("c"), SHIFT_VALID | LEFT_CONTROL) and key.plain == (0, 3)
    key, = strike(keyboard, "shift", "up")
    assert key == Key(SCANS["up"], 0, SHIFT_VALID | LEFT_SHIFT)
    assert strike(keyboard, "capslock") == []
    key, = strike(keyboard, "a")
    assert key == Key(0, ord("A"), SHIFT_VALID, TOGGLE_VALID | CAPS_LOCK)
    key, = strike(keyboard, "shift", "a")
    assert chr(key.character) == "a"
    assert names_of(strike(keyboard, "kp8")) == ["up"]
    strike(keyboard, "numlock")
    assert names_of(strike(keyboard, "kp8") + strike(keyboard, "kp.") + strike(keyboard, "kp*")) == ["8", ".", "*"]


@given(st.binary(max_size=30))
def test_no_codes_upset_the_keyboard(codes):
    keyboard = Keyboard()
    for code in codes:
        keyboard.receive(code)
    assert len(keyboard.prefix) <= 1


@pytest.mark.parametrize("sent, keys", [
    (b"a", "a"), ("é€".encode(), "é €"), (b"\r", "\r"), (b"\n", "\r"), (b"\r\n", "\r"), (b"\n\n", "\r|\r"), (b"\x7f", "\b"),
    (b"\x1b[A", "up"), (b"\x1bOB", "down"), (b"\x1b[C\x1b[D", "right left"), (b"\x1b[H\x1bOF", "home end"), (b"\x1b[1~", "home"),
    (b"\x1b[5~\x1b[6~", "pageup pagedown"), (b"\x1b[2~\x1b[3~", "insert delete"), (b"\x1bOP", "f1"), (b"\x1b[[B", "f2"),
    (b"\x1b[15~\x1b[24~", "f5 f12"), (b"\x1bq", "esc q"), (b"\x1b\x1b[A", "esc up"), (b"\x1b[999q", ""), (b"\x1b[1<2~", ""),
    (b"\xff", ""),
    (b"\xe2x", "x"),
])
def test_what_a_terminal_sends(sent, keys):
    assert names_of(Terminal().receive(sent)) == (keys.split("|") if "|" in keys else keys.split(" ") if keys else [])


def test_a_sequence_says_what_was_held():
    terminal = Terminal()
    assert terminal.receive(b"\x1b[1;5A") == [Key(SCANS["up"], 0, SHIFT_VALID | LEFT_CONTROL)]
    assert terminal.receive(b"\x1b[3;2~") == [Key(SCANS["delete"], 0, SHIFT_VALID | LEFT_SHIFT)]
    assert terminal.receive(b"\x1b[Z") == [Key(0, 9, SHIFT_VALID | LEFT_SHIFT)]


def test_esc_is_a_key_when_nothing_follows():
    terminal = Terminal()
    assert terminal.receive(b"\x1b") == [] and terminal.receive(b"[") == []
    assert names_of(terminal.receive(b"", over=True)) == ["esc", "["]
    assert names_of(terminal.receive(b"\x1b", over=True)) == ["esc"]


def test_a_character_beyond_16_bits_is_two_keystrokes():
    assert [key.character for key in Terminal().receive("\U0001F600".encode())] == [0xD83D, 0xDE00]


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"\x1b[A", b"\x1b[1;5", b"~", b"\x1bO", "é".encode()])))
def test_bytes_make_the_same_keys_however_they_are_cut(pieces):
    whole, cut = Terminal(), Terminal()
    keys = whole.receive(b"".join(pieces))
    assert [key for piece in pieces for key in cut.receive(piece)] == keys
    assert whole.receive(b"", over=True) == cut.receive(b"", over=True)
    assert whole.pending == b""


# ---- the machine -----------------------------------------------------------------------------------------------------

class Program(Caller):
    """An application that reads keys."""

    def __init__(self):
        super().__init__()
        self.plain, self.ex = (next(each for each in self.uefi.interfaces.values() if type(each) is kind)
                               for kind in (SimpleTextInput, SimpleTextInputEx))

    def key(self):
        """(scan code, character) of ReadKeyStroke, or None."""
        status = self.call_address(self.uefi.read_u64(self.plain.address + 8), self.plain.address, self.room)
        assert status in (Status.SUCCESS, Status.NOT_READY)
        return None if status else (self.uefi.read_u16(self.room), self.uefi.read_u16(self.room + 2))

    def keys(self):
        """What was typed up to now."""
        return list(iter(self.key, None))

    def wait(self):
        """WaitForEvent(WaitForKey); the time it took, in seconds."""
        self.uefi.write_u64(self.room + 16, self.plain.field("WaitForKey"))
        begun = self.machine.time
        assert self.call("WaitForEvent", 1, self.room + 16, self.room + 24) == Status.SUCCESS
        return (self.machine.time - begun) / self.machine.clock.frequency


@pytest.fixture
def program():
    return Program()


def typed(text):
    return [(0, ord(character)) for character in text]


def test_keys_of_both_devices_come_to_a_program(program):
    program.machine.keyboard.type_text("Ab<up><enter>")
    program.machine.serial.send("c\x1b[Dé".encode())
    program.spin(50_000_000)
    keys = program.keys()
    assert [key for key in keys if key in typed("Ab\r") + [(SCANS["up"], 0)]] == [*typed("Ab"), (SCANS["up"], 0), *typed("\r")]
    assert [key for key in keys if key in typed("cé") + [(SCANS["left"], 0)]] == [*typed("c"), (SCANS["left"], 0), *typed("é")]
    assert len(keys) == 7


def test_a_program_sleeps_until_a_key_is_struck(program):
    machine = program.machine
    machine.keyboard.type_text("x")
    assert program.wait() < 0.05 and program.keys() == typed("x")
    program.begin("WaitForEvent", 1, program.room + 16, program.room + 24)
    assert machine.run(machine.clock.frequency).kind == "limit"         # a second, mostly slept through
    machine.serial.send(b"y")
    program.finish()
    assert program.keys() == typed("y")


def test_esc_is_told_from_a_sequence_by_time_and_a_snapshot_may_come_between(program):
    machine = program.machine
    machine.serial.send(b"\x1b")
    program.spin(2_000_000)
    assert program.key() is None
    middle = machine.snapshot()
    assert program.wait() < 0.2 and program.key() == (SCANS["esc"], 0)
    machine.restore(middle)
    machine.serial.send(b"[B")
    program.wait()
    assert program.keys() == [(SCANS["down"], 0)]


def test_what_finds_no_room_waits_in_its_device(program):
    text = "".join(chr(97 + number % 26) for number in range(100))
    program.machine.serial.send(text.encode())
    found = []
    for _ in range(20):
        program.spin(2_000_000)
        assert len(program.uefi.input.queue) <= ROOM
        found += program.keys()
    assert found == typed(text)


def test_a_program_that_has_the_line_for_itself_reads_what_comes(program):
    serial = program.uefi.protocol(program.uefi.serial_port, SerialIo)
    guid = program.block(16, bytes(SerialIo.guid))
    arguments = program.uefi.serial_port, guid, program.room, program.image, 0, EXCLUSIVE
    assert program.call("OpenProtocol", *arguments) == Status.SUCCESS
    program.machine.serial.send(b"hello")
    program.spin(2_000_000)
    assert program.keys() == []
    program.uefi.write_u64(program.room, 5)
    read = program.uefi.read_u64(serial.address + serial.fields["Read"][0])
    assert program.call_address(read, serial.address, program.room, program.room + 8) == Status.SUCCESS
    assert program.uefi.read(program.room + 8, 5) == b"hello"
    program.uefi.write_u64(program.room, 2)
    assert program.call_address(read, serial.address, program.room, program.room + 8) == Status.TIMEOUT
    assert program.u64(program.room) == 0


def test_ctrl_alt_del_resets(program):
    machine = program.machine
    machine.keyboard.type_text("<ctrl-alt-delete>")
    stop = program.spin(50_000_000)
    assert (stop.kind, stop.message) == ("reset", "Ctrl-Alt-Del")


def test_lights_follow_the_locks(program):
    machine = program.machine
    machine.keyboard.type_text("<capslock>")
    program.spin(10_000_000)
    assert machine.keyboard.keyboard.leds == CAPS_LOCK
    machine.keyboard.type_text("<capslock>a")
    program.spin(20_000_000)
    assert machine.keyboard.keyboard.leds == 0 and program.keys() == typed("a")
