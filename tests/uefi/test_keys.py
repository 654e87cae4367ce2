"""Keystrokes: scan codes and terminals' bytes as UEFI has them, and how they come to a program."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi.keys import (CAPS_LOCK, LEFT_CONTROL, LEFT_SHIFT, SCANS, SHIFT_VALID, TOGGLE_VALID, Key, Keyboard, Terminal)
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
