"""INT 09h and INT 16h: from keys to what programs read, with the shift flags and the ring in the BIOS data area."""
import pytest
from bios_guest import boot_sector, machine_with

from boot import layout
from boot.bios.keymap import EXTENDED, KEYS, enhanced, standard, translate


def type_keys(guest, text):
    """Let the keyboard type while the guest halts with interrupts on."""
    guest.start(".a: hlt\n        jmp .a\n")
    guest.machine.keyboard.type_text(text)
    for _ in range(100):
        guest.machine.run(max_instructions=2_000_000)
        if not guest.machine.keyboard.typing:
            break
    guest.machine.run(max_instructions=2_000_000)


def read_all(guest, function=0x10):
    words = []
    while True:
        after = guest.call(0x16, ah=function + 1, flags=0x202)
        if after.zero:
            return words
        peeked = after.ax
        assert guest.call(0x16, ah=function).ax == peeked
        words.append(peeked)


def test_text(guest):
    type_keys(guest, "Hello, W0rld!")
    assert bytes(word & 0xFF for word in read_all(guest, 0x00)) == b"Hello, W0rld!"


def test_scan_codes_come_along(guest):
    type_keys(guest, "aA<enter><esc><f1><up>")
    assert read_all(guest, 0x00) == [0x1E61, 0x1E41, 0x1C0D, 0x011B, 0x3B00, 0x4800]
    type_keys(guest, "<up><ctrl-c><alt-x><f12>")
    assert read_all(guest, 0x10) == [0x48E0, 0x2E03, 0x2D00, 0x8600]


def test_old_functions_do_not_see_new_keys(guest):
    type_keys(guest, "<f12>q")
    assert read_all(guest, 0x00) == [0x1071]


def test_the_ring_holds_fifteen(guest):
    type_keys(guest, "abcdefghijklmnopqrst")
    assert bytes(word & 0xFF for word in read_all(guest)) == b"abcdefghijklmno"
    assert guest.call(0x16, ah=0x01).zero == 1


def test_programs_may_put_keys_in(guest):
    assert guest.call(0x16, ah=0x05, cx=0x1234).al == 0
    after = guest.call(0x16, ah=0x01)
    assert after.zero == 0 and after.ax == 0x1234
    for _ in range(14):
        guest.call(0x16, ah=0x05, cx=0x2222)
    assert guest.call(0x16, ah=0x05, cx=0x3333).al == 1


def test_waiting_for_a_key_lets_interrupts_run(guest):
    guest.start("        mov ah, 0\n        int 16h\n        mov bx, ax\n        cli\n        hlt\n")
    before = guest.memory.read_u32(layout.TICKS)
    assert guest.machine.run(max_instructions=30_000_000).kind == "limit"
    assert guest.memory.read_u32(layout.TICKS) - before >= 9
    assert guest.cpu.cs == 0xF000
    guest.machine.keyboard.type_text("x")
    assert guest.machine.run(max_instructions=30_000_000).kind == "hang"
    assert guest.cpu.bx == 0x2D78


def test_a_snapshot_while_waiting_for_a_key(guest):
    guest.start("        mov ah, 0\n        int 16h\n        mov bx, ax\n        cli\n        hlt\n")
    guest.machine.run(max_instructions=12_345_678)
    middle = guest.machine.snapshot()
    for text, word in (("y", 0x1579), ("Z", 0x2C5A)):
        guest.machine.restore(middle)
        guest.machine.keyboard.type_text(text)
        guest.machine.run(max_instructions=30_000_000)
        assert guest.cpu.bx == word


def test_shift_flags(guest):
    keyboard = guest.machine.keyboard
    guest.start(".a: hlt\n        jmp .a\n")

    def press(name, down):
        keyboard.key(name, down)
        guest.machine.run(max_instructions=1_000_000)
        return guest.memory.read_u8(layout.KEYBOARD_FLAGS)
    assert press("shift", True) & 0x03
    assert press("shift", False) & 0x03 == 0
    assert press("ctrl", True) & 0x04
    assert press("ctrl", False) & 0x04 == 0
    assert press("alt", True) & 0x08
    assert press("alt", False) & 0x08 == 0


@pytest.mark.parametrize("lock, text, expected", [("<capslock>", "aB1", b"Ab1"), ("<numlock>", "a", b"a")])
def test_locks(guest, lock, text, expected):
    type_keys(guest, lock + text)
    assert bytes(word & 0xFF for word in read_all(guest)) == expected
    flag = {"<capslock>": 0x40, "<numlock>": 0x20}[lock]
    assert guest.call(0x16, ah=0x02).al & flag


def test_intercept_may_change_a_key(guest):
    """INT 15h AH=4Fh: a hook that turns A into B and swallows C."""
    segment, offset = guest.hook(0x15, 0xA000)
    guest.place(0xA000, f"""
        cmp     ax, 4F1Eh
        jne     .other
        mov     al, 30h
.other: cmp     ax, 4F2Eh
        jne     .old
        push    bp
        mov     bp, sp
        and     byte [bp+6], 0FEh       ; CF=0: not a key
        pop     bp
        iret
.old:   jmp     {segment}:{offset}
        """)
    type_keys(guest, "abcd")
    assert bytes(word & 0xFF for word in read_all(guest)) == b"bbd"


def test_ctrl_break_empties_the_ring_and_calls_int_1b(guest):
    guest.hook(0x1B, 0xA000)
    guest.place(0xA000, "        inc byte [cs:9100h]\n        iret\n")
    for word in (0x1E61, 0x3062):
        guest.call(0x16, ah=0x05, cx=word)
    guest.start(".a: hlt\n        jmp .a\n")
    for name, down in (("ctrl", True), ("scrolllock", True), ("scrolllock", False), ("ctrl", False)):
        guest.machine.keyboard.key(name, down)
        guest.machine.run(max_instructions=1_000_000)
    assert guest.memory.read_u8(0x9100) == 1 and guest.memory.read_u8(layout.BREAK_FLAG) == 0x80
    assert read_all(guest) == [0x0000]


def strokes(guest, *names):
    """Press and release keys, one after the other; "+ctrl" only presses, "-ctrl" only releases."""
    for name in names:
        for down in ((True, False) if name[0] not in "+-" else (name[0] == "+",)):
            guest.machine.keyboard.key(name.lstrip("+-"), down)
            guest.machine.run(max_instructions=1_000_000)


def test_pause_holds_the_machine_until_a_key(guest):
    guest.memory.write_u16(0x9100, 0)
    guest.start(".a: inc word [9100h]\n hlt\n jmp .a\n")
    strokes(guest, "pause")
    held, ticks = guest.memory.read_u16(0x9100), guest.memory.read_u32(layout.TICKS)
    assert guest.memory.read_u8(layout.KEYBOARD_FLAGS + 1) & 0x08
    guest.machine.run(max_instructions=30_000_000)
    assert guest.memory.read_u16(0x9100) == held and guest.memory.read_u32(layout.TICKS) > ticks + 5
    strokes(guest, "+shift", "-shift", "pause")                     # these do not end it
    assert guest.memory.read_u16(0x9100) == held
    strokes(guest, "x")
    assert guest.memory.read_u16(0x9100) > held and not guest.memory.read_u8(layout.KEYBOARD_FLAGS + 1) & 0x08
    strokes(guest, "+ctrl", "numlock", "-ctrl")                     # on the keyboard with 84 keys
    assert guest.memory.read_u8(layout.KEYBOARD_FLAGS + 1) & 0x08
    strokes(guest, "y", "z")
    assert [word & 0xFF for word in read_all(guest)] == [ord("z")] and not guest.call(0x16, ah=2).al & 0x20


def test_print_screen_and_sysreq_are_interrupts(guest):
    guest.hook(0x05, 0xA000)
    guest.place(0xA000, "        inc byte [cs:9100h]\n        iret\n")
    segment, offset = guest.hook(0x15, 0xA100)
    guest.place(0xA100, f"""
        cmp     ah, 85h
        jne     .old
        inc     byte [cs:9101h]
        mov     [cs:9102h], al
        iret
.old:   jmp     {segment}:{offset}
        """)
    guest.memory.write(0x9100, bytes(4))
    guest.start(".a: hlt\n        jmp .a\n")
    strokes(guest, "printscreen")
    assert guest.memory.read(0x9100, 2) == b"\1\0"
    strokes(guest, "+alt", "+sysrq")
    assert guest.memory.read(0x9100, 3) == b"\1\1\0" and guest.call(0x16, ah=0x12).ah & 0x80
    guest.start(".a: hlt\n        jmp .a\n")
    strokes(guest, "-sysrq", "-alt")
    assert guest.memory.read(0x9100, 3) == b"\1\2\1" and not guest.call(0x16, ah=0x12).ah & 0x80
    guest.start(".a: hlt\n        jmp .a\n")
    strokes(guest, "+ctrl", "printscreen", "-ctrl")
    assert read_all(guest) == [0x7200] and guest.memory.read_u8(0x9100) == 1


def test_a_number_typed_with_alt(guest):
    guest.start(".a: hlt\n        jmp .a\n")
    strokes(guest, "+alt", "kp2", "kp3", "kp4", "-alt", "+alt", "kp6", "x", "kp5", "-alt", "+alt", "-alt")
    assert read_all(guest, 0x00) == [234, 0x2D00, 5]


def test_lamps_follow_the_flags(guest):
    keyboard = guest.machine.keyboard.keyboard
    guest.start(".a: hlt\n        jmp .a\n")
    strokes(guest, "capslock", "numlock")
    assert keyboard.leds == 6 and guest.memory.read_u8(layout.KEYBOARD_LEDS) & 7 == 6
    strokes(guest, "scrolllock", "capslock")
    assert keyboard.leds == 3
    guest.memory.write_u8(layout.KEYBOARD_FLAGS, 0x40)              # a program writes there
    guest.call(0x16, ah=0x05, cx=0x1E61)
    assert guest.call(0x16, ah=0x00).ax == 0x1E61 and keyboard.leds == 4


def test_typematic_rate_reaches_the_keyboard(guest):
    keyboard = guest.machine.keyboard.keyboard
    after = guest.call(0x16, ax=0x0306)
    assert (after.bh, after.bl) == (1, 0x0B)
    guest.call(0x16, ax=0x0305, bx=0x031F)
    after = guest.call(0x16, ax=0x0306)
    assert keyboard.rate == 0x7F and (after.bh, after.bl) == (3, 0x1F)
    guest.call(0x16, ax=0x0305, bx=0x0420)                          # there is no such rate
    assert keyboard.rate == 0x7F
    guest.call(0x16, ax=0x0300)
    assert keyboard.rate == 0x2B


def test_the_ring_may_be_elsewhere(guest):
    """Programs that want a longer one write its place to 480h and 482h."""
    for address, value in ((0x480, 0x100), (0x482, 0x180), (0x41A, 0x100), (0x41C, 0x100)):
        guest.memory.write_u16(address, value)
    type_keys(guest, "abcdefghijklmnopqrstuvwxyz")
    assert guest.memory.read_u16(0x500) == 0x1E61
    assert bytes(word & 0xFF for word in read_all(guest)) == b"abcdefghijklmnopqrstuvwxyz"


# ---- the tables ------------------------------------------------------------------------------------------------------

def test_letters_digits_and_caps_lock():
    for code, letter in zip(range(0x10, 0x1A), "qwertyuiop"):
        assert translate(code, False, 0) == code << 8 | ord(letter)
        assert translate(code, False, 0x01) == translate(code, False, 0x40) == code << 8 | ord(letter.upper())
        assert translate(code, False, 0x42) == code << 8 | ord(letter)
        assert translate(code, False, 0x04) == code << 8 | ord(letter) & 0x1F
        assert translate(code, False, 0x08) == code << 8
    assert translate(0x02, False, 0x40) == 0x0231                   # Caps Lock leaves digits alone


def test_keypad_and_num_lock():
    assert translate(0x47, False, 0) == 0x4700
    assert translate(0x47, False, 0x20) == translate(0x47, False, 0x01) == 0x4737
    assert translate(0x47, False, 0x21) == 0x4700
    assert translate(0x47, True, 0x20) == 0x47E0


def test_every_character_can_be_typed_once():
    typed = [words[shift] & 0xFF for words in KEYS.values() for shift in (0, 1)]
    for code in range(0x20, 0x7F):
        assert code in typed, chr(code)


def test_old_codes_for_new_keys():
    assert standard(0x47E0) == 0x4700 and standard(0xE00D) == 0x1C0D and standard(0xE02F) == 0x352F
    assert standard(0x8500) is None and standard(0x1E61) == 0x1E61 and standard(0x4CF0) is None
    assert standard(translate(0x01, False, 0x08)) is None and enhanced(translate(0x01, False, 0x08)) == 0x0100
    assert all(standard(words[0]) is not None for words in EXTENDED.values() if words[0])


def test_identity(guest):
    assert guest.call(0x16, ah=0x09).al == 0x3D
    assert guest.call(0x16, ax=0x6F08).ah == 0x02
    assert guest.call(0x16, ah=0x92).ah != 0x92
    assert guest.call(0x16, ah=0x0A).bx == 0x41AB
    assert guest.call(0x16, ax=0x0305, bx=0).ax == 0x0305


def test_keys_typed_before_anybody_reads_are_kept():
    machine = machine_with(disk=boot_sector("sti\n.a: hlt\n jmp .a\n"))
    machine.keyboard.type_text("ok")
    machine.run(max_instructions=10_000_000)
    head, tail = machine.memory.read_u16(layout.KEYBOARD_HEAD), machine.memory.read_u16(layout.KEYBOARD_TAIL)
    words = [machine.memory.read_u16(layout.BDA + at) for at in range(head, tail, 2)]
    assert words == [0x186F, 0x256B]
