"""INT 10h: the screen. Text modes 0 to 3 and 7 with up to eight pages, and the graphics modes 12h and 13h.

Characters are stored as a VGA stores them: two bytes a cell, the character and then its attribute, in video memory from
the mode's address on. The state (mode, columns, cursors, page) is in the BIOS data area, where programs change it too.

Source: Ralf Brown's Interrupt List, INT 10; IBM VGA Technical Reference. VBE (AH=4Fh) is answered as not supported.
Fonts, palettes and the inventory of the adapter are in int10_adapter.py.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service
from boot.bios.video_modes import MODES, Mode, load_palette, program_registers
from x86.devices import font

BELL, BACKSPACE, LINE_FEED, RETURN = 7, 8, 10, 13
NORMAL = 0x07                                       # light grey on black


# ---- state -----------------------------------------------------------------------------------------------------------

def mode_of(bios) -> Mode:
    """The current mode; mode 3 if the BIOS data area says something that does not exist."""
    return MODES.get(bios.byte(layout.VIDEO_MODE) & 0x7F, MODES[3])


def size_of(bios) -> tuple[int, int]:
    """(columns, rows) of the screen."""
    return bios.word(layout.VIDEO_COLUMNS) or 80, bios.byte(layout.VIDEO_LAST_ROW) + 1


def cell_address(bios, page: int, row: int, column: int) -> int:
    """Physical address of a character cell in a text mode."""
    columns, _ = size_of(bios)
    return mode_of(bios).memory + page * bios.word(layout.VIDEO_PAGE_SIZE) + 2 * (row * columns + column)


def cursor(bios, page: int) -> tuple[int, int]:
    """(row, column) of a page's cursor."""
    position = bios.word(layout.CURSOR_POSITIONS + 2 * (page & 7))
    return position >> 8, position & 0xFF


def set_cursor(bios, page: int, row: int, column: int) -> None:
    """Move a page's cursor; on the displayed page, the one that blinks."""
    page &= 7
    bios.set_word(layout.CURSOR_POSITIONS + 2 * page, row << 8 | column)
    if page == bios.byte(layout.VIDEO_PAGE) and not mode_of(bios).graphics:
        columns, _ = size_of(bios)
        where = bios.word(layout.VIDEO_PAGE_START) // 2 + row * columns + column
        set_crtc(bios, 0x0E, where >> 8)
        set_crtc(bios, 0x0F, where)


def set_crtc(bios, register: int, value: int) -> None:
    """One register of the CRT controller."""
    port = bios.word(layout.CRTC_PORT)
    bios.port_out(port, register)
    bios.port_out(port + 1, value & 0xFF)


# ---- modes -----------------------------------------------------------------------------------------------------------

@service(0x10, 0x00, "set video mode")
def set_mode(bios, call):
    number, keep = call.al & 0x7F, call.al & 0x80
    call.note(f"set video mode {number:02X}h")
    if number not in MODES:
        bios.count_unimplemented(call)
        return
    enter_mode(bios, MODES[number], clear=not keep)
    call.al = 0x20 if number > 7 else 0x30


def enter_mode(bios, mode: Mode, clear: bool = True) -> None:
    """Set the adapter and the BIOS data area to `mode`."""
    memory = bios.machine.memory
    program_registers(bios, mode)
    if not bios.byte(layout.VIDEO_MODE_OPTIONS) & 0x08:
        load_palette(bios, mode)
    bios.set_byte(layout.VIDEO_MODE, mode.number)
    bios.set_word(layout.VIDEO_COLUMNS, mode.columns)
    bios.set_word(layout.VIDEO_PAGE_SIZE, mode.page_size & 0xFFFF)
    bios.set_word(layout.VIDEO_PAGE_START, 0)
    memory.write(layout.CURSOR_POSITIONS, bytes(16))
    bios.set_word(layout.CURSOR_SHAPE, 0x0607)
    bios.set_byte(layout.VIDEO_PAGE, 0)
    bios.set_word(layout.CRTC_PORT, mode.crtc_port)
    bios.set_byte(layout.VIDEO_MODE_REGISTER, mode.cga_mode)
    bios.set_byte(layout.VIDEO_PALETTE, 0x30)
    bios.set_byte(layout.VIDEO_LAST_ROW, mode.rows - 1)
    bios.set_word(layout.VIDEO_FONT_HEIGHT, mode.font_height)
    bios.set_byte(layout.VIDEO_CONTROL, 0x60 | (0 if clear else 0x80))
    bios.set_byte(layout.VIDEO_SWITCHES, 0xF9)
    bios.set_byte(layout.VIDEO_MODE_OPTIONS, bios.byte(layout.VIDEO_MODE_OPTIONS) & 0x08 | 0x11)
    bios.set_byte(layout.VIDEO_COMBINATION, 0x08)
    point_to_font(bios, mode.font_height)
    if clear:
        if mode.graphics:
            memory.write(mode.memory, bytes(0x10000))
        else:
            memory.write(mode.memory, bytes([0x20, NORMAL]) * 0x4000)
    set_cursor(bios, 0, 0, 0)


def point_to_font(bios, height: int) -> None:
    """INT 43h points to the characters in use."""
    offset = {16: bios.symbols["font_8x16"], 14: bios.symbols["font_8x14"]}.get(height, layout.FONT_8X8)
    bios.set_word(layout.IVT + 4 * 0x43, offset)
    bios.set_word(layout.IVT + 4 * 0x43 + 2, layout.ROM_SEGMENT)


@service(0x10, 0x0F, "get video mode")
def get_mode(bios, call):
    call.al = bios.byte(layout.VIDEO_MODE) | bios.byte(layout.VIDEO_CONTROL) & 0x80
    call.ah = bios.word(layout.VIDEO_COLUMNS) & 0xFF
    call.bh = bios.byte(layout.VIDEO_PAGE)


@service(0x10, 0x05, "select display page")
def select_page(bios, call):
    page = call.al
    if page >= mode_of(bios).pages:
        return
    start = page * bios.word(layout.VIDEO_PAGE_SIZE)
    bios.set_byte(layout.VIDEO_PAGE, page)
    bios.set_word(layout.VIDEO_PAGE_START, start)
    set_crtc(bios, 0x0C, start // 2 >> 8)
    set_crtc(bios, 0x0D, start // 2)
    set_cursor(bios, page, *cursor(bios, page))


# ---- cursor ----------------------------------------------------------------------------------------------------------

@service(0x10, 0x01, "set cursor shape")
def set_cursor_shape(bios, call):
    bios.set_word(layout.CURSOR_SHAPE, call.cx)
    start, end = scaled_cursor(call.ch, call.cl, bios.byte(layout.VIDEO_FONT_HEIGHT),
                               not bios.byte(layout.VIDEO_CONTROL) & 1)
    set_crtc(bios, 0x0A, start)
    set_crtc(bios, 0x0B, end)


def scaled_cursor(start: int, end: int, height: int, emulate: bool) -> tuple[int, int]:
    """The CRTC's cursor lines for a shape meant for eight-line characters, as a VGA's BIOS scales it.

    Shapes that are hidden (bit 5 of `start`), or use lines an eight-line character does not have, stay as they are."""
    if not emulate or height <= 8 or start & 0x20 or end >= 8 or start > 0x1F:
        return start, end
    scaled_end = (end + 1) * height // 8 - 1
    if end == start + 1:                            # two thin lines stay two lines
        return scaled_end - 1, scaled_end
    return max(0, (start + 1) * height // 8 - 1) if start else 0, scaled_end


@service(0x10, 0x02, "set cursor position")
def set_cursor_position(bios, call):
    set_cursor(bios, call.bh, call.dh, call.dl)


@service(0x10, 0x03, "get cursor position and shape")
def get_cursor(bios, call):
    call.dx = bios.word(layout.CURSOR_POSITIONS + 2 * (call.bh & 7))
    call.cx = bios.word(layout.CURSOR_SHAPE)
    call.ax = 0


@service(0x10, 0x04, "read light pen")
def read_light_pen(bios, call):
    call.ah = 0                                     # there is none


# ---- scrolling -------------------------------------------------------------------------------------------------------

@service(0x10, 0x06, "scroll up")
def scroll_up(bios, call):
    page = bios.byte(layout.VIDEO_PAGE)
    scroll(bios, page, call.al, call.bh, call.ch, call.cl, call.dh, call.dl, up=True)


@service(0x10, 0x07, "scroll down")
def scroll_down(bios, call):
    page = bios.byte(layout.VIDEO_PAGE)
    scroll(bios, page, call.al, call.bh, call.ch, call.cl, call.dh, call.dl, up=False)


def scroll(bios, page, lines, attribute, top, left, bottom, right, up):
    """Move a window's rows by `lines` (0: clear it); new rows are blanks with `attribute`."""
    columns, rows = size_of(bios)
    bottom, right = min(bottom, rows - 1), min(right, columns - 1)
    if top > bottom or left > right:
        return
    height = bottom - top + 1
    if lines == 0 or lines > height:
        lines = height
    mode, width = mode_of(bios), right - left + 1
    kept = range(top, bottom + 1 - lines) if up else range(bottom, top - 1 + lines, -1)
    step = lines if up else -lines
    fresh = range(bottom + 1 - lines, bottom + 1) if up else range(top, top + lines)
    if mode.graphics:
        _scroll_dots(bios, mode, kept, step, fresh, left, width, attribute)
        return
    memory, pitch, start = bios.machine.memory, 2 * columns, cell_address(bios, page, 0, left)
    blank = bytes([0x20, attribute]) * width
    if width == columns:                            # whole rows lie one behind the other
        data = memory.read(start + top * pitch, height * pitch)
        cleared = blank * lines
        data = data[lines * pitch:] + cleared if up else cleared + data[:(height - lines) * pitch]
        memory.write(start + top * pitch, data)
        return
    for row in kept:
        memory.write(start + row * pitch, memory.read(start + (row + step) * pitch, 2 * width))
    for row in fresh:
        memory.write(start + row * pitch, blank)


def _scroll_dots(bios, mode, kept, step, fresh, left, width, color):
    if mode.graphics != "linear":
        return
    memory, height = bios.machine.memory, mode.font_height
    for row in list(kept):
        for line in range(height):
            to = mode.memory + (row * height + line) * mode.width + 8 * left
            memory.write(to, memory.read(to + step * height * mode.width, 8 * width))
    for row in fresh:
        for line in range(height):
            memory.write(mode.memory + (row * height + line) * mode.width + 8 * left, bytes([color]) * (8 * width))


# ---- characters ------------------------------------------------------------------------------------------------------

@service(0x10, 0x08, "read character and attribute")
def read_character(bios, call):
    if mode_of(bios).graphics:
        call.ax = 0x0020
        return
    call.ax = bios.word(cell_address(bios, call.bh & 7, *cursor(bios, call.bh)))


@service(0x10, 0x09, "write characters and attribute")
def write_characters(bios, call):
    _repeat(bios, call.bh & 7, call.al, call.bl, call.cx)


@service(0x10, 0x0A, "write characters")
def write_characters_only(bios, call):
    _repeat(bios, call.bh & 7, call.al, call.bl if mode_of(bios).graphics else None, call.cx)


def _repeat(bios, page, character, attribute, count):
    """`count` copies from the cursor on, which does not move; they may run over the ends of rows."""
    row, column = cursor(bios, page)
    columns, rows = size_of(bios)
    count = min(count, max(0, rows * columns - row * columns - column))
    if mode_of(bios).graphics:
        for position in range(column, min(column + count, columns)):
            _draw(bios, character, row, position, attribute)
        return
    address, memory = cell_address(bios, page, row, column), bios.machine.memory
    if attribute is None:
        cells = bytearray(memory.read(address, 2 * count))
        cells[::2] = bytes([character]) * count
        memory.write(address, bytes(cells))
    else:
        memory.write(address, bytes([character, attribute]) * count)


def _put(bios, page, row, column, character, attribute):
    """One cell; attribute None keeps the one that is there."""
    if mode_of(bios).graphics:
        _draw(bios, character, row, column, NORMAL if attribute is None else attribute)
        return
    address = cell_address(bios, page, row, column)
    bios.set_byte(address, character)
    if attribute is not None:
        bios.set_byte(address + 1, attribute)


def _draw(bios, character, row, column, color):
    """A character as dots: mode 13h has a byte a dot. Bit 7 of the colour means exclusive or."""
    mode = mode_of(bios)
    if mode.graphics != "linear":
        return
    memory, height = bios.machine.memory, mode.font_height
    for line, bits in enumerate(font.glyph(character, height)):
        address = mode.memory + (row * height + line) * mode.width + 8 * column
        memory.write(address, bytes(color if bits >> (7 - dot) & 1 else 0 for dot in range(8)))


@service(0x10, 0x0E, "teletype output")
def teletype(bios, call):
    # The page in BH is that of the first PC; a VGA's BIOS writes to the displayed one
    call.note(f"teletype output {bytes([call.al]).decode('latin-1')!r}")
    type_character(bios, bios.byte(layout.VIDEO_PAGE), call.al, call.bl if mode_of(bios).graphics else None)


def type_character(bios, page: int, character: int, attribute: int | None = None) -> None:
    """Write one character at the cursor and move it, scrolling at the end of the screen; control codes move only."""
    columns, rows = size_of(bios)
    row, column = cursor(bios, page)
    if character == RETURN:
        column = 0
    elif character == LINE_FEED:
        row += 1
    elif character == BACKSPACE:
        column = max(0, column - 1)
    elif character == BELL:
        return
    else:
        _put(bios, page, row, column, character, attribute)
        column += 1
        if column >= columns:
            row, column = row + 1, 0
    if row >= rows:
        fill = 0 if mode_of(bios).graphics else bios.byte(cell_address(bios, page, rows - 1, column) + 1)
        scroll(bios, page, 1, fill, 0, 0, rows - 1, columns - 1, up=True)
        row = rows - 1
    set_cursor(bios, page, row, column)


def print_text(bios, text: str) -> None:
    """Type `text` on the displayed page; the BIOS's own messages."""
    for character in text.encode("cp437", "replace"):
        type_character(bios, bios.byte(layout.VIDEO_PAGE), character)


@service(0x10, 0x13, "write string")
def write_string(bios, call):
    """AL bit 0: the cursor goes along. Bit 1: the string holds an attribute behind every character."""
    count, page, with_attributes = call.cx, call.bh & 7, call.al & 2
    data = call.read("es", call.bp, count * (2 if with_attributes else 1))
    call.note(f"write string {data[::2 if with_attributes else 1].decode('latin-1')!r}")
    before = cursor(bios, page)
    set_cursor(bios, page, call.dh, call.dl)
    for position in range(count):
        if with_attributes:
            type_character(bios, page, data[2 * position], data[2 * position + 1])
        else:
            type_character(bios, page, data[position], call.bl)
    if not call.al & 1:
        set_cursor(bios, page, *before)


# ---- dots ------------------------------------------------------------------------------------------------------------

@service(0x10, 0x0C, "write dot")
def write_dot(bios, call):
    mode = mode_of(bios)
    if mode.graphics == "linear" and call.cx < mode.width and call.dx < mode.height:
        bios.set_byte(mode.memory + call.dx * mode.width + call.cx, call.al)


@service(0x10, 0x0D, "read dot")
def read_dot(bios, call):
    mode = mode_of(bios)
    inside = mode.graphics == "linear" and call.cx < mode.width and call.dx < mode.height
    call.al = bios.byte(mode.memory + call.dx * mode.width + call.cx) if inside else 0
