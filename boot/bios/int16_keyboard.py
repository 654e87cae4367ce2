"""INT 16h and the middle of INT 09h: the keyboard ring and the shift flags.

    40:17   7 Insert   6 Caps Lock   5 Num Lock   4 Scroll Lock   3 Alt   2 Ctrl   1 left Shift   0 right Shift
    40:18   7 Ins held 6 Caps held   5 Num held   4 Scroll held   3 pause 2 SysReq 1 left Alt     0 left Ctrl
    40:96   4 101-key  3 right Alt   2 right Ctrl 1 last was E0h  0 last was E1h

INT 09h (the ROM, entries.py) reads the scan code, offers it to INT 15h AH=4Fh, and gives it to `key` here. INT 16h AH=00h
on an empty ring halts in the ROM and asks again after each interrupt. Pause is a loop inside INT 09h, which other keys end.

Source: IBM PS/2 and PC BIOS Interface Technical Reference; Ralf Brown's Interrupt List, INT 09, INT 16.
"""
from __future__ import annotations

from boot import layout
from boot.bios import controller
from boot.bios.keymap import KEYPAD, LOCKS, SHIFTS, enhanced, standard, translate
from boot.bios.service import service, trap

BREAK, PRINT_SCREEN, RESET, PAUSE, SYSTEM_DOWN, SYSTEM_UP = range(1, 7)     # AL behind the trap, when JC is taken
PAUSED, SYSTEM_HELD, INSERT_HELD = 0x08, 0x04, 0x80             # of 40:18
SET_LEDS, SET_TYPEMATIC, USUAL_TYPEMATIC = 0xED, 0xF3, 0x2B     # the keyboard's commands; 10.9 a second after 500 ms
RIGHT_ALT, RIGHT_CTRL, LAST_E0, LAST_E1 = 0x08, 0x04, 0x02, 0x01


# ---- the ring --------------------------------------------------------------------------------------------------------

def _ring(bios):
    """(start, end) of the ring as physical addresses; the BIOS data area has them as offsets in segment 40h."""
    start, end = bios.word(layout.KEYBOARD_RING_START_WORD), bios.word(layout.KEYBOARD_RING_END_WORD)
    return layout.BDA + (start or 0x1E), layout.BDA + (end or 0x3E)


def _next(bios, offset):
    start, end = _ring(bios)
    address = layout.BDA + offset + 2
    return (start if address >= end else address) - layout.BDA


def put_key(bios, word: int) -> bool:
    """Append a word to the ring. False, with a beep on a real PC, if it is full."""
    tail = bios.word(layout.KEYBOARD_TAIL)
    following = _next(bios, tail)
    if following == bios.word(layout.KEYBOARD_HEAD):
        return False
    bios.set_word(layout.BDA + tail, word)
    bios.set_word(layout.KEYBOARD_TAIL, following)
    return True


def peek_key(bios) -> int | None:
    """The word that is next, or None if the ring is empty."""
    head = bios.word(layout.KEYBOARD_HEAD)
    return None if head == bios.word(layout.KEYBOARD_TAIL) else bios.word(layout.BDA + head)


def take_key(bios) -> None:
    bios.set_word(layout.KEYBOARD_HEAD, _next(bios, bios.word(layout.KEYBOARD_HEAD)))


# ---- INT 09h ---------------------------------------------------------------------------------------------------------

@trap("key")
def key(bios, call):
    """One scan code in AL. JC is taken, with AL saying what else the stub is to do, for the three special keys."""
    code = call.al
    state = bios.byte(layout.KEYBOARD_STATE)
    if code in (0xE0, 0xE1):
        bios.set_byte(layout.KEYBOARD_STATE, state | (LAST_E0 if code == 0xE0 else LAST_E1))
        return
    extended = bool(state & LAST_E0)
    if state & LAST_E1:                             # Pause: E1 1D 45 E1 9D C5
        if code & 0x7F == 0x45:
            bios.set_byte(layout.KEYBOARD_STATE, state & ~(LAST_E0 | LAST_E1))
        if code == 0x45:
            _pause(bios, call)
        return
    bios.set_byte(layout.KEYBOARD_STATE, state & ~(LAST_E0 | LAST_E1))
    if code in (0xFA, 0xFE, 0xEE, 0x00, 0xAA) and not (code == 0xAA and not extended):
        return                                      # answers of the keyboard, not keys (AAh is left Shift released)
    released, code = bool(code & 0x80), code & 0x7F
    if code in SHIFTS:
        _shift_key(bios, code, extended, released)
    elif not released and bios.byte(layout.KEYBOARD_FLAGS + 1) & PAUSED:
        _change(bios, layout.KEYBOARD_FLAGS + 1, PAUSED, False)     # which is all that the key does
    elif code in LOCKS and not extended:
        _lock_key(bios, call, code, released)
    elif extended and code == 0x46:
        if not released:
            _break_key(bios, call)
    elif code == 0x54 and not extended:
        _system_key(bios, call, released)
    elif not released:
        _ordinary_key(bios, call, code, extended)
    elif code == 0x52:                              # Insert released
        _change(bios, layout.KEYBOARD_FLAGS + 1, INSERT_HELD, False)


def _special(call, what):
    """Have the stub do something that is guest code."""
    call.al = what
    call.branch = True


def _pause(bios, call):
    if not bios.byte(layout.KEYBOARD_FLAGS + 1) & PAUSED:
        _change(bios, layout.KEYBOARD_FLAGS + 1, PAUSED, True)
        _special(call, PAUSE)


def _system_key(bios, call, released):
    """SysReq goes to the operating system by INT 15h AH=85h, once down and once up."""
    held = bool(bios.byte(layout.KEYBOARD_FLAGS + 1) & SYSTEM_HELD)
    if held is released:
        _change(bios, layout.KEYBOARD_FLAGS + 1, SYSTEM_HELD, not released)
        _special(call, SYSTEM_UP if released else SYSTEM_DOWN)


def _change(bios, address, mask, on):
    value = bios.byte(address)
    bios.set_byte(address, value | mask if on else value & ~mask)


def _shift_key(bios, code, extended, released):
    if extended and code in (0x2A, 0x36):           # what the keyboard sends around cursor keys under Num Lock
        return
    on = not released
    if code in (0x1D, 0x38):                        # Ctrl and Alt exist twice
        right = RIGHT_CTRL if code == 0x1D else RIGHT_ALT
        left = 0x01 if code == 0x1D else 0x02
        if extended:
            _change(bios, layout.KEYBOARD_STATE, right, on)
        else:
            _change(bios, layout.KEYBOARD_FLAGS + 1, left, on)
        on = bool(bios.byte(layout.KEYBOARD_STATE) & right or bios.byte(layout.KEYBOARD_FLAGS + 1) & left)
    _change(bios, layout.KEYBOARD_FLAGS, SHIFTS[code], on)
    if code == 0x38 and released:                   # Alt released: the number typed with it is a character
        number = bios.byte(layout.KEYBOARD_ALT_NUMBER)
        if number:
            bios.set_byte(layout.KEYBOARD_ALT_NUMBER, 0)
            put_key(bios, number)


def _lock_key(bios, call, code, released):
    mask = LOCKS[code]
    flags, held = bios.byte(layout.KEYBOARD_FLAGS), bios.byte(layout.KEYBOARD_FLAGS + 1)
    if code == 0x46 and flags & 0x04 and not released:          # Ctrl with Scroll Lock is Break,
        _break_key(bios, call)
        return
    if code == 0x45 and flags & 0x04 and not released:          # and with Num Lock it is Pause
        _pause(bios, call)
        return
    if not released and not held & mask:
        bios.set_byte(layout.KEYBOARD_FLAGS, flags ^ mask)
    _change(bios, layout.KEYBOARD_FLAGS + 1, mask, not released)
    show_locks(bios)


def show_locks(bios):
    """Light the keyboard's lamps as the flags say, which programs may have changed, too."""
    shown, wanted = bios.byte(layout.KEYBOARD_LEDS), bios.byte(layout.KEYBOARD_FLAGS) >> 4 & 0x07
    if shown & 0x07 != wanted:
        bios.set_byte(layout.KEYBOARD_LEDS, shown & ~0x07 | wanted)
        controller.exchange(bios, SET_LEDS, wanted)


def _break_key(bios, call):
    """Ctrl-Break empties the ring, leaves a null word in it, and calls INT 1Bh."""
    bios.set_byte(layout.BREAK_FLAG, 0x80)
    start = _ring(bios)[0] - layout.BDA
    bios.set_word(layout.KEYBOARD_HEAD, start)
    bios.set_word(layout.KEYBOARD_TAIL, start)
    put_key(bios, 0x0000)
    _special(call, BREAK)


def _ordinary_key(bios, call, code, extended):
    flags = bios.byte(layout.KEYBOARD_FLAGS)
    if code == 0x53 and flags & 0x0C == 0x0C:       # Ctrl-Alt-Del
        bios.set_word(layout.RESET_FLAG, 0x1234)
        _special(call, RESET)
        return
    if code == 0x37 and extended and not flags & 0x0C:          # Print Screen
        _special(call, PRINT_SCREEN)
        return
    if code in KEYPAD and flags & 0x08 and not extended:        # Alt and the keypad: a decimal number
        digit = (KEYPAD[code][1] & 0xFF) - ord("0")
        if 0 <= digit <= 9:
            number = bios.byte(layout.KEYBOARD_ALT_NUMBER) * 10 + digit
            bios.set_byte(layout.KEYBOARD_ALT_NUMBER, number & 0xFF)
        return
    bios.set_byte(layout.KEYBOARD_ALT_NUMBER, 0)    # another key ends it
    if code == 0x52 and not flags & 0x0C and (extended or bool(flags & 0x03) == bool(flags & 0x20)):
        if not bios.byte(layout.KEYBOARD_FLAGS + 1) & INSERT_HELD:
            bios.set_byte(layout.KEYBOARD_FLAGS, flags ^ 0x80)
        _change(bios, layout.KEYBOARD_FLAGS + 1, INSERT_HELD, True)
    word = translate(code, extended, flags)
    if word and not put_key(bios, word):
        bios.machine.keyboard.again()


# ---- INT 16h: reading ------------------------------------------------------------------------------------------------

def _next_key(bios, view):
    """The next key as `view` shows it; keys that it does not show are dropped."""
    while (word := peek_key(bios)) is not None:
        shown = view(word)
        if shown is not None:
            return shown
        take_key(bios)
    return None


def _read(bios, call, view):
    show_locks(bios)
    word = _next_key(bios, view)
    if word is None:
        call.branch = True                          # halt, and ask again after the next interrupt
        return
    take_key(bios)
    call.ax = word
    call.note(f"key {word:04X}h")


def _check(bios, call, view):
    show_locks(bios)
    word = _next_key(bios, view)
    call.zero = word is None
    if word is not None:
        call.ax = word


@service(0x16, 0x00, "wait for key")
def read_key(bios, call):
    _read(bios, call, standard)


@service(0x16, 0x01, "key there?")
def check_key(bios, call):
    _check(bios, call, standard)


@service(0x16, 0x10, "wait for key, enhanced")
def read_enhanced_key(bios, call):
    _read(bios, call, enhanced)


@service(0x16, 0x11, "key there, enhanced?")
def check_enhanced_key(bios, call):
    _check(bios, call, enhanced)


# ---- INT 16h: the rest -----------------------------------------------------------------------------------------------

@service(0x16, 0x02, "shift flags")
def shift_flags(bios, call):
    call.al = bios.byte(layout.KEYBOARD_FLAGS)


@service(0x16, 0x12, "shift flags, enhanced")
def enhanced_shift_flags(bios, call):
    """AH: 7 SysReq, 6-4 the locks held, 3 right Alt, 2 right Ctrl, 1 left Alt, 0 left Ctrl."""
    held, state = bios.byte(layout.KEYBOARD_FLAGS + 1), bios.byte(layout.KEYBOARD_STATE)
    call.al = bios.byte(layout.KEYBOARD_FLAGS)
    call.ah = held & 0x73 | (held & 0x04) << 5 | state & 0x0C


@service(0x16, 0x0300, "typematic rate, as usual")
def usual_typematic(bios, call):
    _set_typematic(bios, USUAL_TYPEMATIC)


@service(0x16, 0x0305, "typematic rate")
def typematic(bios, call):
    """BH delay: 0 to 3 for 250 to 1000 ms; BL rate: 0 to 1Fh for 30 to 2 a second."""
    if call.bh <= 3 and call.bl <= 0x1F:
        _set_typematic(bios, call.bh << 5 | call.bl)


@service(0x16, 0x0306, "what is the typematic rate?")
def typematic_now(bios, call):
    area = bios.word(layout.EBDA_SEGMENT_WORD) << 4
    value = area and bios.byte(area + layout.TYPEMATIC) or USUAL_TYPEMATIC
    call.bh, call.bl = value >> 5 & 3, value & 0x1F


def _set_typematic(bios, value):
    """The EBDA keeps it with bit 7 set, to tell it from "never"."""
    controller.exchange(bios, SET_TYPEMATIC, value)
    area = bios.word(layout.EBDA_SEGMENT_WORD) << 4
    if area:
        bios.set_byte(area + layout.TYPEMATIC, 0x80 | value)


@service(0x16, 0x05, "put key into the ring")
def store_key(bios, call):
    call.al = 0 if put_key(bios, call.cx) else 1


@service(0x16, 0x09, "keyboard functions")
def functions(bios, call):
    call.al = 0x3D                                  # 5 AH=10h to 12h  4 AH=0Ah  3, 2, 0 AX=0306h, 0305h, 0300h


@service(0x16, 0x0A, "keyboard identity")
def identity(bios, call):
    call.bx = 0x41AB                                # an MF2 keyboard behind a translating controller


@service(0x16, 0x92, "are the enhanced functions there?")
def enhanced_check(bios, call):
    call.ah = 0x80                                  # anything but 92h: AH=10h to 12h are


@service(0x16, 0xA2, "are the 122-key functions there?")
def long_keyboard_check(bios, call):
    """AH stays: AH=20h to 22h are not."""


@service(0x16, 0x6F08, "which keyboard is it?")
def keyboard_type(bios, call):
    """AH=02h: none of Hewlett-Packard's own. That is all there is of their AH=6Fh."""
    call.ah = 0x02


@service(0x16, None, "not implemented")
def nothing(bios, call):
    """A keyboard BIOS leaves everything as it is."""
    bios.count_unimplemented(call)
