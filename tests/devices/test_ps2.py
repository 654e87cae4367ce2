"""The 8042, the keyboard and the mouse against IBM's PS/2 Hardware Interface Technical Reference."""
from __future__ import annotations

import pytest

from x86.devices import scancodes

DATA, COMMAND = 0x60, 0x64
FULL, SYSTEM, AUX = 0x01, 0x04, 0x20


@pytest.fixture
def board(pics):
    return pics


def command(board, value, *parameters):
    board.write(COMMAND, value)
    for parameter in parameters:
        board.write(DATA, parameter)


def take(board):
    """All bytes that come within a second, read as soon as they are there."""
    taken = []
    for _ in range(2000):
        if board.read(COMMAND) & FULL:
            taken.append(board.read(DATA))
        board.run_seconds(0.0005)
    return taken


def answers(board):
    """What is there without waiting."""
    taken = []
    while board.read(COMMAND) & FULL:
        taken.append(board.read(DATA))
    return taken


# ---- controller -----------------------------------------------------------------------------------------------------

def test_self_test_sets_the_system_flag(board):
    assert board.read(COMMAND) & (FULL | SYSTEM) == 0
    command(board, 0xAA)
    assert answers(board) == [0x55]
    assert board.read(COMMAND) & SYSTEM


@pytest.mark.parametrize("value, answer", [(0xA4, 0xF1), (0xA9, 0x00), (0xAB, 0x00), (0xC0, 0x80)])
def test_commands_with_an_answer(board, value, answer):
    command(board, value)
    assert answers(board) == [answer]


def test_command_byte_and_memory(board):
    command(board, 0x60, 0x65)
    command(board, 0x20)
    assert answers(board) == [0x65]
    assert board.read(COMMAND) & SYSTEM                     # the status shows bit 2
    command(board, 0x7F, 0xA5)
    command(board, 0x3F)
    assert answers(board) == [0xA5]


def test_switches_are_bits_of_the_command_byte(board):
    seen = []
    for value in (0xAD, 0xA7, 0xAE, 0xA8):
        command(board, value)
        command(board, 0x20)
        seen.append(answers(board)[0] & 0x30)
    assert seen == [0x10, 0x30, 0x20, 0x00]


def test_status_says_whether_a_command_was_written(board):
    command(board, 0x60)
    assert board.read(COMMAND) & 0x08
    board.write(DATA, 0x01)
    assert not board.read(COMMAND) & 0x08


def test_the_last_byte_can_be_read_again(board):
    command(board, 0xAA)
    assert [board.read(DATA), board.read(DATA), board.read(COMMAND) & FULL] == [0x55, 0x55, 0]


def test_a20_through_the_output_port(board):
    command(board, 0xD1, 0xDD)
    assert not board.cpu.a20
    command(board, 0xD0)
    assert answers(board) == [0xCD]
    command(board, 0xD1, 0xDF)
    assert board.cpu.a20
    command(board, 0xD0)
    assert answers(board)[0] & 0x03 == 0x03
    assert not board.requests


def test_a20_by_command(board):
    command(board, 0xDD)
    assert not board.cpu.a20
    command(board, 0xDF)
    assert board.cpu.a20


@pytest.mark.parametrize("value, resets", [(0xFE, True), (0xF0, True), (0xFF, False), (0xFD, False)])
def test_pulses_reset_the_processor_where_bit_0_is_low(board, value, resets):
    command(board, value)
    assert bool(board.requests) == resets


def test_output_port_can_hold_the_reset_line(board):
    command(board, 0xD1, 0xDE)
    assert board.requests == [("reset", "8042 output port")]


def test_interrupts_follow_the_buffer_and_the_command_byte(board):
    command(board, 0x60, 0x03)
    command(board, 0xD2, 0x1C)                              # as if the keyboard had sent it
    assert board.interrupt_taken() == 0x21
    assert board.read(COMMAND) & (FULL | AUX) == FULL
    board.write(0x20, 0x20)
    assert board.read(DATA) == 0x1C
    command(board, 0xD3, 0x77)                              # and the mouse
    assert board.interrupt_taken() == 0x2C
    assert board.read(COMMAND) & (FULL | AUX) == FULL | AUX
    board.write(0xA0, 0x20)
    board.write(0x20, 0x20)
    assert board.read(DATA) == 0x77
    command(board, 0x60, 0x00)
    command(board, 0xD2, 0x1C)
    assert not board.intr
    command(board, 0x60, 0x01)                              # switched on while a byte waits
    assert board.intr
    board.read(DATA)
    assert not board.intr


# ---- keyboard commands ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("sent, answer", [
    ([0xFF], [0xFA, 0xAA]), ([0xEE], [0xEE]), ([0xF2], [0xFA, 0xAB, 0x83]), ([0xF4], [0xFA]), ([0xF5], [0xFA]),
    ([0xF6], [0xFA]), ([0xED, 0x07], [0xFA, 0xFA]), ([0xF3, 0x20], [0xFA, 0xFA]), ([0xF0, 0x00], [0xFA, 0xFA, 0x02]),
    ([0xF0, 0x01, 0xF0, 0x00], [0xFA, 0xFA, 0xFA, 0xFA, 0x01]), ([0xF0, 0x03], [0xFA, 0xFE]), ([0xE0], [0xFE]),
    ([0xF2, 0xFE], [0xFA, 0xAB, 0x83, 0x83]), ([0xED, 0xF4], [0xFA, 0xFA])])
def test_keyboard_commands(board, sent, answer):
    got = []
    for value in sent:
        board.write(DATA, value)
        got += answers(board)
    assert got == answer


def test_the_identity_is_translated_like_everything_else(board):
    command(board, 0x60, 0x41)
    board.write(DATA, 0xF2)
    assert answers(board) == [0xFA, 0xAB, 0x41]


def test_leds(board):
    for value in (0xED, 0x02):
        board.write(DATA, value)
    assert board.devices["ps2"].keyboard.leds == 0x02


def test_a_byte_for_the_keyboard_starts_its_clock(board):
    command(board, 0xAD)
    board.write(DATA, 0xEE)
    assert answers(board) == [0xEE]


# ---- keys -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command_byte, text, codes", [
    (0x01, "a", "1C F0 1C"), (0x41, "a", "1E 9E"), (0x41, "A", "2A 1E 9E AA"), (0x41, "<up>", "E0 48 E0 C8"),
    (0x01, "<up>", "E0 75 E0 F0 75"), (0x41, "<ctrl-c>", "1D 2E AE 9D"), (0x41, "\n", "1C 9C"), (0x41, "<f7>", "41 C1"),
    (0x41, "<f12>", "58 D8"), (0x41, "<del>", "E0 53 E0 D3"), (0x41, "<esc>", "01 81"), (0x41, "!", "2A 02 82 AA"),
    (0x41, "<printscreen>", "E0 2A E0 37 E0 B7 E0 AA"), (0x41, "<pause>", "E1 1D 45 E1 9D C5"),
    (0x41, "<ctrl-break>", "1D E0 46 E0 C6 9D"), (0x41, "<alt-sysrq>", "38 54 D4 B8"),
    (0x01, "<pause>", "E1 14 77 E1 F0 14 F0 77")])
def test_codes_of_keys(board, command_byte, text, codes):
    command(board, 0x60, command_byte)
    board.devices["ps2"].type_text(text)
    assert bytes(take(board)) == bytes.fromhex(codes)


def test_set_1_without_translation(board):
    command(board, 0x60, 0x00)
    board.write(DATA, 0xF0)
    board.write(DATA, 0x01)
    answers(board)
    board.devices["ps2"].type_text("a<up>")
    assert bytes(take(board)) == bytes.fromhex("1E 9E E0 48 E0 C8")


def test_typing_waits_for_a_guest_that_does_not_read(board):
    """However slow the guest is, no key is lost, and the keyboard's buffer never fills."""
    command(board, 0x60, 0x41)
    keyboard = board.devices["ps2"]
    keyboard.type_text("the quick brown fox jumps over the lazy dog")
    board.run_seconds(5)
    assert len(keyboard.keyboard.codes) <= 1
    pressed = []
    while keyboard.typing or board.read(COMMAND) & FULL:
        board.run_seconds(0.7)
        if board.read(COMMAND) & FULL:
            pressed.append(board.read(DATA))
    letters = {scancodes.set_1(scancodes.make(name))[-1]: name for name in scancodes.KEYS if len(name) == 1}
    letters[0x39] = " "
    assert "".join(letters[code] for code in pressed if code < 0x80) == "the quick brown fox jumps over the lazy dog"


def test_keys_have_a_pace(board):
    """A fast guest gets them one every ten milliseconds, not all at once."""
    command(board, 0x60, 0x41)
    board.devices["ps2"].type_text("abcdefghij")
    start = board.time
    times = []
    while len(times) < 20:
        board.run_seconds(0.0005)
        if board.read(COMMAND) & FULL:
            board.read(DATA)
            times.append((board.time - start) / board.clock.frequency)
    assert all(b - a > 0.009 for a, b in zip(times, times[1:]))


def test_bytes_of_one_key_are_apart(board):
    """A second read right after the first gives the same byte again, not the next."""
    command(board, 0x60, 0x41)
    board.devices["ps2"].key("up", True)
    assert [board.read(DATA), board.read(DATA)] == [0xE0, 0xE0]
    assert not board.read(COMMAND) & FULL
    board.run_seconds(0.001)
    assert board.read(COMMAND) & FULL
    assert board.read(DATA) == 0x48


def test_typing_waits_while_the_keyboard_is_off(board):
    command(board, 0x60, 0x41)
    command(board, 0xAD)
    board.devices["ps2"].type_text("x")
    assert take(board) == []
    command(board, 0xAE)
    assert take(board) == [0x2D, 0xAD]
    board.write(DATA, 0xF5)
    answers(board)
    board.devices["ps2"].type_text("y")
    assert take(board) == []
    board.write(DATA, 0xF4)
    assert take(board) == [0xFA, 0x15, 0x95]


def test_an_interrupt_for_each_byte(board):
    command(board, 0x60, 0x41)
    board.devices["ps2"].type_text("<up>")
    codes = []
    for _ in range(100):
        board.run_seconds(0.001)
        if board.interrupt_taken() == 0x21:
            codes.append(board.read(DATA))
            board.write(0x20, 0x20)
    assert codes == [0xE0, 0x48, 0xE0, 0xC8]


@pytest.mark.parametrize("text", ["é", "a€", "\x07"])
def test_a_character_without_a_key_is_refused_whole(board, text):
    with pytest.raises(ValueError, match="no key for"):
        board.devices["ps2"].type_text("abc" + text)
    assert not board.devices["ps2"].typing


def strike_all(board, refuse=()):
    """What a BIOS with a ring takes from port 60h until nothing is typed any more; the strokes that it has no room for."""
    ps2, taken, refuse = board.devices["ps2"], [], list(refuse)
    for _ in range(100_000):
        if not ps2.typing and not board.read(COMMAND) & FULL:
            return taken
        if board.read(COMMAND) & FULL:
            code = board.read(DATA)
            if refuse and refuse[0] == code:
                del refuse[0]
                ps2.again()
            else:
                taken.append(code)
        board.run_seconds(0.0005)
    raise AssertionError("typing never ends")


def test_a_key_that_the_bios_has_no_room_for_is_struck_again(board):
    command(board, 0x60, 0x41)
    board.devices["ps2"].type_text("aB")
    assert strike_all(board, refuse=[0x1E, 0x1E, 0x30]) == [0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA]


def test_a_key_that_a_person_pushed_is_not_struck_again(board):
    ps2 = board.devices["ps2"]
    ps2.type_text("a")
    strike_all(board)
    ps2.key("b", True)
    ps2.again()
    assert not ps2.typing


def test_long_text_comes_faster_but_its_end_does_not(board):
    ps2 = board.devices["ps2"]
    command(board, 0x60, 0x41)
    begun = board.time
    ps2.type_text("a" * 2000)
    codes = strike_all(board)
    assert codes == [0x1E, 0x9E] * 2000
    assert 8 < (board.time - begun) / board.clock.frequency < 15          # 40 s at the pace of fingers


def test_keys_of_many_codes(board):
    command(board, 0x60, 0x41)
    board.devices["ps2"].type_text("<pause><printscreen><altgr-q><ctrl-break><alt-sysrq>")
    assert bytes(strike_all(board)) == bytes.fromhex(
        "E1 1D 45 E1 9D C5  E0 2A E0 37 E0 B7 E0 AA  E0 38 10 90 E0 B8  1D E0 46 E0 C6 9D  38 54 D4 B8")


# ---- mouse ----------------------------------------------------------------------------------------------------------

def mouse(board, *values):
    got = []
    for value in values:
        command(board, 0xD4, value)
        got += answers(board)
    return got


@pytest.mark.parametrize("sent, answer", [
    ([0xFF], [0xFA, 0xAA, 0x00]), ([0xF2], [0xFA, 0x00]), ([0xF3, 100], [0xFA, 0xFA]), ([0xE8, 3], [0xFA, 0xFA]),
    ([0xE9], [0xFA, 0x00, 0x02, 100]), ([0xF4, 0xE9], [0xFA, 0xFA, 0x20, 0x02, 100]), ([0xEB], [0xFA, 0x08, 0, 0]),
    ([0xEE, 0x12, 0xF4, 0xEC], [0xFA, 0x12, 0xF4, 0xFA]), ([0x00], [0xFE])])
def test_mouse_commands(board, sent, answer):
    assert mouse(board, *sent) == answer


def test_mouse_answers_are_marked(board):
    command(board, 0xD4, 0xF2)
    assert board.read(COMMAND) & (FULL | AUX) == FULL | AUX


def test_movements(board):
    ps2 = board.devices["ps2"]
    ps2.move_mouse(5, 5)
    assert take(board) == []                                # reporting is off
    mouse(board, 0xF6, 0xF4)
    ps2.move_mouse(3, -2, 1)
    assert take(board) == [0x29, 3, 0xFE]
    ps2.move_mouse(0, 0, 1)                                 # nothing changed
    assert take(board) == []


@pytest.mark.parametrize("port, value", [(COMMAND, 0xAA), (DATA, 0xEE), (DATA, 0xF2)])
@pytest.mark.parametrize("before", [None, 0xD4, 0xD2])
def test_answers_that_nobody_takes_do_not_gather(board, port, value, before):
    for _ in range(100):
        if before is not None:
            board.write(COMMAND, before)
        board.write(port, value)
    assert 1 <= len(answers(board)) <= 17                   # the output buffer, and what waits behind it


# ---- the tables -----------------------------------------------------------------------------------------------------

def test_the_translation_gives_each_key_its_own_code():
    codes = {name: scancodes.set_1(scancodes.make(name)) for name in scancodes.KEYS}
    assert len(set(codes.values())) == len(codes) and not scancodes.KEYS.keys() & scancodes.SEQUENCES
    assert all(code[-1] < 0x80 for code in codes.values())
    assert all(scancodes.set_1(scancodes.release(name))[-1] == code[-1] | 0x80 for name, code in codes.items())
    assert b"".join(codes[key] for key in "1234567890-=") == bytes(range(0x02, 0x0E))
    assert b"".join(codes[key] for key in "qwertyuiop[]") == bytes(range(0x10, 0x1C))
    assert b"".join(codes[f"f{number}"] for number in range(1, 11)) == bytes(range(0x3B, 0x45))


@pytest.mark.parametrize("text, chords", [
    ("aB", [["a"], ["shift", "b"]]), ("<ctrl-alt-del>", [["ctrl", "alt", "delete"]]), ("<PgUp>", [["pageup"]]),
    ("a<b", [["a"], ["shift", ","], ["b"]]), ("<nokey>", [["shift", ","], *map(list, "nokey"), ["shift", "."]]),
    ("<lt>up>", [["shift", ","], ["u"], ["p"], ["shift", "."]]), ("\t ", [["tab"], ["space"]])])
def test_names_in_text(text, chords):
    assert scancodes.chords(text) == chords
