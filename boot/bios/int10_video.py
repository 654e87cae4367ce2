"""INT 10h: the screen. Modes, pages, the cursor, characters and dots, in text and in graphics.

Characters are stored as a VGA stores them: two bytes a cell, the character and then its attribute, in video memory from
the mode's address on; in graphics modes they are drawn with the font that INT 43h points to (video_dots.py). The state
(mode, columns, cursors, page) is in the BIOS data area, where programs change it too.

Source: Ralf Brown's Interrupt List, INT 10; IBM VGA Technical Reference; IBM PS/2 and PC BIOS Interface Technical Reference.
Palettes are in int10_palette.py, fonts in int10_fonts.py, the inventory in int10_adapter.py, AH=4Fh in int10_vbe.py.
"""
from __future__ import annotations

import struct

from boot import layout
from boot.bios.service import service
from boot.bios.vbe_modes import EVERY_MODE, KEEP_MEMORY, LINEAR_BUFFER, program_display
from boot.bios.video_dots import canvas
from boot.bios.video_modes import CGA, LINEAR, MODES, PLANAR, Mode, load_palette, program_registers, with_scan_lines

BELL, BACKSPACE, LINE_FEED, RETURN = 7, 8, 10, 13
MOVES = (BACKSPACE, LINE_FEED, RETURN)              # nothing is written
NORMAL = 0x07                                       # light grey on black
VESA = 0xFF                                         # the mode in the BIOS data area, where 4F02h set one
TEXT_WINDOW = 0x8000                                # bytes of video memory that text has
SCREEN_DATA = struct.Struct("<B3H8HHBH")            # BIOS data area, 449h (VIDEO_MODE) to 464h (CRTC_PORT)


# ---- state -----------------------------------------------------------------------------------------------------------

def mode_of(bios) -> Mode:
    """The current mode; mode 3 if the BIOS data area says something that does not exist."""
    number = bios.byte(layout.VIDEO_MODE)
    if number == VESA:
        return EVERY_MODE.get(bios.word(layout.VBE_MODE) & 0x1FF, MODES[3])
    return EVERY_MODE.get(number & 0x7F, MODES[3])


def size_of(bios) -> tuple[int, int]:
    """(columns, rows) of the screen, as the BIOS data area says it and as far as there is memory for it."""
    mode, rows = mode_of(bios), bios.byte(layout.VIDEO_LAST_ROW) + 1
    if mode.graphics:
        return mode.width // 8, max(1, min(rows, mode.height // font_height(bios)))
    columns = bios.word(layout.VIDEO_COLUMNS) & 0xFF or 80
    return columns, min(rows, TEXT_WINDOW // (2 * columns))


def font_height(bios) -> int:
    """Scan lines a character: 1 to 32."""
    return max(1, min(bios.word(layout.VIDEO_FONT_HEIGHT), 32))


def page_of(bios, page: int) -> int:
    """A page that the mode has, from what a caller put into BH."""
    return page & 7 if page & 7 < mode_of(bios).pages else 0


# ---- cells of text ---------------------------------------------------------------------------------------------------
# Offsets are from the start of the window of 32 KB, and where it ends it begins again.

def cell_offset(bios, page: int, row: int, column: int) -> int:
    columns, _ = size_of(bios)
    return page * bios.word(layout.VIDEO_PAGE_SIZE) + 2 * (row * columns + column)


def read_cells(bios, offset: int, length: int) -> bytes:
    """Characters and attributes; at most 32 KB."""
    memory, window = bios.machine.memory, mode_of(bios).memory
    offset %= TEXT_WINDOW
    data = memory.read(window + offset, min(length, TEXT_WINDOW - offset))
    return data if len(data) == length else data + memory.read(window, length - len(data))


def write_cells(bios, offset: int, data: bytes) -> None:
    memory, window = bios.machine.memory, mode_of(bios).memory
    offset %= TEXT_WINDOW
    room = TEXT_WINDOW - offset
    memory.write(window + offset, data[:room])
    if len(data) > room:
        memory.write(window, data[room:])


# ---- cursor, registers -----------------------------------------------------------------------------------------------

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
        _blink_at(bios, bios.word(layout.CRTC_PORT), bios.word(layout.VIDEO_PAGE_START) // 2 + row * columns + column)


def _blink_at(bios, port, cell):
    """The CRT controller's cursor, counted in cells from the start of video memory."""
    write = bios.machine.bus.write
    write(port, 0x0E, 1)
    write(port + 1, cell >> 8, 1)
    write(port, 0x0F, 1)
    write(port + 1, cell, 1)


def set_crtc(bios, register: int, value: int) -> None:
    """One register of the CRT controller."""
    port = bios.word(layout.CRTC_PORT)
    bios.port_out(port, register)
    bios.port_out(port + 1, value & 0xFF)


def read_crtc(bios, register: int) -> int:
    port = bios.word(layout.CRTC_PORT)
    bios.port_out(port, register)
    return bios.port_in(port + 1)


# ---- modes -----------------------------------------------------------------------------------------------------------

@service(0x10, 0x00, "set video mode")
def set_mode(bios, call):
    number, keep = call.al & 0x7F, call.al & 0x80
    call.note(f"set video mode {number:02X}h")
    if number in EVERY_MODE:
        enter_mode(bios, EVERY_MODE[number], clear=not keep)
    else:
        bios.count_unimplemented(call)
    call.al = 0x3F if number == 6 else 0x20 if number > 7 else 0x30


def enter_mode(bios, mode: Mode, clear: bool = True, linear: bool = False) -> None:
    """Set the adapter and the BIOS data area to `mode`. linear: a VESA mode is to be used through its frame buffer."""
    options = bios.byte(layout.VIDEO_MODE_OPTIONS)
    mode = with_scan_lines(mode, 200 if options & 0x80 else 400 if options & 0x10 else 350 if options & 0x01 else 400)
    program_registers(bios, mode.registers)
    if not options & 0x08:
        load_palette(bios, mode.colors, grey=bool(options & 0x02))
    if mode.vesa:
        program_display(bios, mode, (LINEAR_BUFFER if linear else 0) | (0 if clear else KEEP_MEMORY))
    memory = bios.machine.memory
    vesa_number = mode.number | (0x4000 if linear else 0) | (0 if clear else 0x8000)
    bios.set_byte(layout.VIDEO_MODE, min(mode.number, VESA))
    bios.set_word(layout.VBE_MODE, vesa_number)
    bios.set_word(layout.VIDEO_COLUMNS, mode.columns)
    bios.set_word(layout.VIDEO_PAGE_SIZE, mode.page_size & 0xFFFF)
    bios.set_word(layout.VIDEO_PAGE_START, 0)
    memory.write(layout.CURSOR_POSITIONS, bytes(16))
    bios.set_word(layout.CURSOR_SHAPE, 0 if mode.graphics else 0x0607)
    bios.set_byte(layout.VIDEO_PAGE, 0)
    bios.set_word(layout.CRTC_PORT, mode.registers.crtc_port)
    bios.set_byte(layout.VIDEO_MODE_REGISTER, mode.cga_mode)
    bios.set_byte(layout.VIDEO_PALETTE, 0x3F if mode.number == 6 else 0x30)
    bios.set_byte(layout.VIDEO_LAST_ROW, mode.rows - 1)
    bios.set_word(layout.VIDEO_FONT_HEIGHT, mode.font_height)
    bios.set_byte(layout.VIDEO_CONTROL, 0x60 | (0 if clear else 0x80) | bios.byte(layout.VIDEO_CONTROL) & 0x01)
    bios.set_byte(layout.VIDEO_SWITCHES, 0xF9)
    bios.set_byte(layout.VIDEO_MODE_OPTIONS, options | 0x41 if options & 0x01 else 0x51)
    bios.set_byte(layout.VIDEO_COMBINATION, 0x08)
    point_to_fonts(bios, mode.font_height)
    if not mode.graphics:
        load_font(bios, mode.font_height)
    if clear:
        _clear(bios, mode)
    set_cursor(bios, 0, 0, 0)


def _clear(bios, mode):
    """Blanks in all pages of text; black dots. The VESA modes' memory was cleared by the adapter."""
    memory = bios.machine.memory
    if not mode.graphics:
        memory.write(mode.memory, bytes([0x20, NORMAL]) * (TEXT_WINDOW // 2))
    elif mode.number == 6:
        canvas(bios, mode).fill(0, mode.columns, range(mode.height), 0)
    elif mode.kind == CGA:
        memory.write(mode.memory, bytes(TEXT_WINDOW))
    elif not mode.vesa:
        memory.write(layout.FRAME_BUFFER, bytes(4 * 0x10000))


def point_to_fonts(bios, height: int) -> None:
    """INT 43h points to the characters in use, INT 1Fh to the upper half of those of eight lines."""
    symbols = bios.video_rom.labels
    font = symbols[{16: "font_8x16", 14: "font_8x14"}.get(height, "font_8x8")]
    for vector, offset in ((0x43, font), (0x1F, symbols["font_8x8"] + 128 * 8)):
        bios.set_word(layout.IVT + 4 * vector, offset)
        bios.set_word(layout.IVT + 4 * vector + 2, layout.VIDEO_SEGMENT)


def load_font(bios, height: int, block: int = 0) -> None:
    """Put the ROM's characters of that height into the character generator."""
    name = {16: "font_8x16", 14: "font_8x14"}.get(height, "font_8x8")
    start = bios.video_rom.labels[name]
    load_characters(bios, bios.video_rom.data[start:start + 256 * height], height, 0, block)


def load_characters(bios, glyphs: bytes, height: int, first: int, block: int) -> None:
    """Put characters into plane 2, where the character generator reads them: 32 bytes each, eight blocks of 256.

    The adapter keeps the planes side by side in its frame buffer (video_dots.py), so nothing has to be switched for that."""
    start = ((block & 3) << 14 | (block & 4) << 11) + 32 * first
    padded = b"".join(glyphs[at:at + height].ljust(32, b"\0") for at in range(0, len(glyphs), height))[:0x10000 - start]
    at, memory = layout.FRAME_BUFFER + 4 * start, bios.machine.memory
    planes = bytearray(memory.read(at, 4 * len(padded)))
    planes[2::4] = padded
    memory.write(at, bytes(planes))


@service(0x10, 0x0F, "get video mode")
def get_mode(bios, call):
    call.al = bios.byte(layout.VIDEO_MODE) | bios.byte(layout.VIDEO_CONTROL) & 0x80
    call.ah = bios.word(layout.VIDEO_COLUMNS) & 0xFF
    call.bh = bios.byte(layout.VIDEO_PAGE)


@service(0x10, 0x05, "select display page")
def select_page(bios, call):
    page, mode = call.al, mode_of(bios)
    if page >= mode.pages:
        return
    start = page * bios.word(layout.VIDEO_PAGE_SIZE)
    bios.set_byte(layout.VIDEO_PAGE, page)
    bios.set_word(layout.VIDEO_PAGE_START, start)
    where = start if mode.kind == PLANAR else start // 2
    set_crtc(bios, 0x0C, where >> 8)
    set_crtc(bios, 0x0D, where)
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
    """Move a window's rows by `lines` (0: clear it); new rows are blanks with `attribute`, in graphics of that colour."""
    columns, rows = size_of(bios)
    bottom, right = min(bottom, rows - 1), min(right, columns - 1)
    if top > bottom or left > right:
        return
    height = bottom - top + 1
    if lines == 0 or lines > height:
        lines = height
    mode, width = mode_of(bios), right - left + 1
    if mode.graphics:
        _scroll_dots(bios, mode, page, (left, width), (top, bottom + 1), lines, attribute, up)
        return
    pitch, start = 2 * columns, cell_offset(bios, page, 0, left)
    blank = bytes([0x20, attribute]) * width
    if width == columns:                            # whole rows lie one behind the other
        data = read_cells(bios, start + top * pitch, height * pitch)
        cleared = blank * lines
        data = data[lines * pitch:] + cleared if up else cleared + data[:(height - lines) * pitch]
        write_cells(bios, start + top * pitch, data)
        return
    step = lines if up else -lines
    for row in range(top, bottom + 1 - lines) if up else range(bottom, top - 1 + lines, -1):
        write_cells(bios, start + row * pitch, read_cells(bios, start + (row + step) * pitch, 2 * width))
    for row in range(bottom + 1 - lines, bottom + 1) if up else range(top, top + lines):
        write_cells(bios, start + row * pitch, blank)


def _scroll_dots(bios, mode, page, columns, rows, lines, color, up):
    dots, height = canvas(bios, mode, page), font_height(bios)
    (left, width), (first, end), distance = columns, (row * height for row in rows), lines * height
    if up:
        dots.copy(left, width, range(first, end - distance), distance)
        dots.fill(left, width, range(end - distance, end), color)
    else:
        dots.copy(left, width, range(end - 1, first + distance - 1, -1), -distance)
        dots.fill(left, width, range(first, first + distance), color)


# ---- characters ------------------------------------------------------------------------------------------------------

@service(0x10, 0x08, "read character and attribute")
def read_character(bios, call):
    """In graphics: the first character of the font that looks like what is there, and its colour; 0 if none does."""
    page, mode = page_of(bios, call.bh), mode_of(bios)
    row, column = cursor(bios, page)
    if not mode.graphics:
        call.al, call.ah = read_cells(bios, cell_offset(bios, page, row, column), 2)
        return
    columns, rows = size_of(bios)
    call.ax = 0
    if row < rows and column < columns:
        height = font_height(bios)
        found, color = canvas(bios, mode, page).pattern(column, row * height, height)
        code = next((code for code in range(256) if glyph(bios, code) == found), None)
        if code is not None:
            call.al, call.ah = code, color & 0xFF


@service(0x10, 0x09, "write characters and attribute")
def write_characters(bios, call):
    _repeat(bios, call, call.bl)


@service(0x10, 0x0A, "write characters")
def write_characters_only(bios, call):
    _repeat(bios, call, call.bl if mode_of(bios).graphics else None)


def _repeat(bios, call, attribute):
    """CX copies from the cursor on, which does not move; they may run over the ends of rows. With 256 colours BH is the
    background."""
    mode, page = mode_of(bios), page_of(bios, call.bh)
    row, column = cursor(bios, page)
    columns, rows = size_of(bios)
    count = min(call.cx, max(0, rows * columns - row * columns - column))
    if mode.graphics:
        background = call.bh if mode.kind == LINEAR else 0
        for position in range(row * columns + column, row * columns + column + count):
            _draw(bios, page, *divmod(position, columns), call.al, attribute, background)
        return
    offset = cell_offset(bios, page, row, column)
    if attribute is None:
        cells = bytearray(read_cells(bios, offset, 2 * count))
        cells[::2] = bytes([call.al]) * count
        write_cells(bios, offset, bytes(cells))
    else:
        write_cells(bios, offset, bytes([call.al, attribute]) * count)


def glyph(bios, code: int) -> bytes:
    """A character of the font that INT 43h points to; of eight lines, the upper half is where INT 1Fh points."""
    height = font_height(bios)
    vector, code = (0x1F, code - 128) if height == 8 and code >= 128 else (0x43, code)
    offset, segment = bios.word(layout.IVT + 4 * vector), bios.word(layout.IVT + 4 * vector + 2)
    return bios.read((segment << 4) + (offset + code * height & 0xFFFF), height)


def _draw(bios, page, row, column, code, color, background=0):
    """A character as dots. Bit 7 of the colour means exclusive or, where colours have fewer than eight bits."""
    columns, rows = size_of(bios)
    if row >= rows or column >= columns:
        return
    mode = mode_of(bios)
    exclusive = bool(color & 0x80) and mode.depth < 8
    shape = glyph(bios, code)
    canvas(bios, mode, page).draw(column, row * len(shape), shape, color & 0x7F if exclusive else color, background, exclusive)


@service(0x10, 0x0E, "teletype output")
def teletype(bios, call):
    # The page in BH is that of the first PC; a VGA's BIOS writes to the displayed one
    character = call.al
    if bios.trace:
        call.note(f"teletype output {chr(character)!r}")
    if mode_of(bios).graphics:
        type_character(bios, bios.byte(layout.VIDEO_PAGE), character, call.bl)
    else:
        _type_text(bios, None, character, None)


def type_character(bios, page: int, character: int, attribute: int | None = None) -> None:
    """Write one character at the cursor and move it, scrolling at the end of the screen; control codes move only.

    attribute: None keeps the one that is there; in graphics modes it is the colour, and None means NORMAL."""
    if not mode_of(bios).graphics:
        _type_text(bios, page, character, attribute)
        return
    columns, rows = size_of(bios)
    row, column = cursor(bios, page)
    if character == BELL:
        return
    if character not in MOVES:
        _draw(bios, page, row, column, character, NORMAL if attribute is None else attribute)
    row, column = moved(character, row, column, columns)
    if row >= rows:
        scroll(bios, page, 1, 0, 0, 0, rows - 1, columns - 1, up=True)
        row = rows - 1
    set_cursor(bios, page, row, column)


def moved(character: int, row: int, column: int, columns: int) -> tuple[int, int]:
    """Where the cursor goes with a character, maybe below the last row."""
    if character == RETURN:
        return row, 0
    if character == LINE_FEED:
        return row + 1, column
    if character == BACKSPACE:
        return row, max(0, column - 1)
    return (row, column + 1) if column + 1 < columns else (row + 1, 0)


def _type_text(bios, page, character, attribute):
    """type_character in a text mode; page None: the displayed one. Guests type much, so what the BIOS data area has of the
    screen is read at once."""
    if character == BELL:
        return
    memory = bios.machine.memory
    _, columns, page_size, page_start, *positions, _, displayed, port = SCREEN_DATA.unpack(
        memory.read(layout.VIDEO_MODE, SCREEN_DATA.size))
    columns = columns & 0xFF or 80
    rows = min(memory.read_u8(layout.VIDEO_LAST_ROW) + 1, TEXT_WINDOW // (2 * columns))
    page = (displayed if page is None else page) & 7
    row, column = positions[page] >> 8, positions[page] & 0xFF
    if character not in MOVES:
        cell = bytes((character,) if attribute is None else (character, attribute))
        write_cells(bios, page * page_size + 2 * (row * columns + column), cell)
    row, column = moved(character, row, column, columns)
    if row >= rows:
        fill = read_cells(bios, page * page_size + 2 * ((rows - 1) * columns + column) + 1, 1)[0]
        scroll(bios, page, 1, fill, 0, 0, rows - 1, columns - 1, up=True)
        row = rows - 1
    memory.write_u16(layout.CURSOR_POSITIONS + 2 * page, row << 8 | column)
    if page == displayed:
        _blink_at(bios, port, page_start // 2 + row * columns + column)


def print_text(bios, text: str) -> None:
    """Type `text` on the displayed page; the BIOS's own messages."""
    for character in text.encode("cp437", "replace"):
        type_character(bios, bios.byte(layout.VIDEO_PAGE), character)


@service(0x10, 0x13, "write string")
def write_string(bios, call):
    """AL bit 0: the cursor goes along. Bit 1: the string holds an attribute behind every character. DH = FFh: where it is."""
    count, page, with_attributes = call.cx, page_of(bios, call.bh), call.al & 2
    data = call.read("es", call.bp, count * (2 if with_attributes else 1))
    call.note(f"write string {data[::2 if with_attributes else 1].decode('latin-1')!r}")
    before = cursor(bios, page)
    if call.dh != 0xFF:
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
    mode, x, y = mode_of(bios), call.cx, call.dx
    if mode.graphics and x < mode.width and y < mode.height:
        exclusive = bool(call.al & 0x80) and mode.depth < 8
        canvas(bios, mode, page_of(bios, call.bh)).write(x, y, call.al & 0x7F if exclusive else call.al, exclusive)


@service(0x10, 0x0D, "read dot")
def read_dot(bios, call):
    mode, x, y = mode_of(bios), call.cx, call.dx
    inside = mode.graphics and x < mode.width and y < mode.height
    call.al = canvas(bios, mode, page_of(bios, call.bh)).read(x, y) & 0xFF if inside else 0
