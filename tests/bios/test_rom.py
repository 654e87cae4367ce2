"""The ROM: made of what its source says, everything where programs expect it."""
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from boot import layout
from boot.bios import rom, video_rom
from boot.bios.assembler import AssemblyError, assemble
from boot.bios.service import SERVICES, TRAPS
from x86.devices import font

ROM, VIDEO = rom.build(), video_rom.build()


def nasm(source, tmp_path):
    """The bytes that nasm makes of the ROM's source, its two special words replaced."""
    lines = ["bits 16", "org 0", "%macro trap 1", " out 0B5h, al", "%endmacro"]
    for line in source.splitlines():
        line = re.sub(r"^\s+at\s+(\S+)", r" times \1-($-$$) db 0FFh", line)
        lines.append(re.sub(r"^\s+align\s+(\d+)", r" align \1, db 0FFh", line))
    (tmp_path / "rom.asm").write_text("\n".join(lines) + "\n times 10000h-($-$$) db 0FFh\n")
    subprocess.run(["nasm", "-f", "bin", "-o", tmp_path / "rom.bin", tmp_path / "rom.asm"], check=True)
    return (tmp_path / "rom.bin").read_bytes()


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is not installed")
def test_nasm_makes_the_same_rom_of_it(tmp_path):
    assert assemble(rom.SOURCE).data == nasm(rom.SOURCE, tmp_path)
    assert assemble(video_rom.SOURCE).data == nasm(video_rom.SOURCE, tmp_path)


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is not installed")
@pytest.mark.parametrize("line", [
    "mov al, [1234h]", "mov [1234h], ax", "mov [es:di], al", "mov cx, [bp]", "mov dx, [bx+si+4]", "mov [bp+di-300], bl",
    "mov word [si+2], 1234h", "mov byte [cs:5], 6", "mov dword [8], 12345678h", "mov es, [di]", "mov [di], ds",
    "mov fs, ax", "mov ax, gs", "push fs", "pop gs", "push word [bx]", "pop word [bx]", "push 5", "push 1234h",
    "add ax, 5", "add ax, 500", "sub cx, 5", "and dl, 0Fh", "or byte [si], 80h", "xor word [2], 0FFFFh", "cmp bh, [di]",
    "adc [di], si", "sbb al, 1", "test bx, 8000h", "test byte [bx], 1", "test [bx], cl", "test al, 1", "inc bp",
    "dec byte [2]", "inc dword [bx]", "inc ah", "shl ax, 1", "shr bl, 4", "rol cx, 3", "in ax, 60h", "in al, dx",
    "out dx, ax", "out 80h, al", "jmp far [467h]", "call far [bx]", "jmp 1234h:5678h", "call 0F000h:0FFF0h",
    "rep movsw", "cbw", "int 10h", "dw 1, 2, 'A'", 'db "a;b", 0', "times 3 db 7", "jcxz $+5", "mov ax, $+3"])
def test_nasm_agrees_line_by_line(line, tmp_path):
    ours = assemble(line + "\n", 0x10000).data
    assert ours == nasm(line + "\n", tmp_path)


def test_jumps_grow_where_they_must():
    program = assemble("start: jz far_away\n jmp far_away\n times 200 nop\nfar_away: jmp start\n")
    assert program.data[:6] == bytes.fromhex("0F84CB00E9C8")
    assert program.labels["far_away"] == 207
    assert program.data[207:210] == bytes.fromhex("E92EFF")


@pytest.mark.parametrize("source, words", [
    ("mov ax, nowhere\n", "no label nowhere"), ("frob ax\n", "no instruction frob"), ("a: nop\na: nop\n", "twice"),
    ("nop\nat 0\n", "already past"), ("loop far\ntimes 200 nop\nfar: nop\n", "too far"), ("inc [5]\n", "byte, word"),
    ("mov ax, 5 5\n", "not an expression"), ("times 70000 nop\n", "do not fit")])
def test_errors_name_the_line(source, words):
    with pytest.raises(AssemblyError, match=words):
        assemble(source)


def test_classic_entry_points():
    labels = ROM.labels
    for name, address in {"post": layout.ENTRY_POST, "nmi": layout.ENTRY_NMI, "hard_disk": layout.ENTRY_HARD_DISK,
                          "bootstrap": layout.ENTRY_BOOT, "configuration": layout.CONFIGURATION_TABLE,
                          "baud_rates": layout.BAUD_RATE_TABLE, "serial": layout.ENTRY_SERIAL,
                          "keyboard": layout.ENTRY_KEYBOARD, "keyboard_irq": layout.ENTRY_KEYBOARD_IRQ,
                          "floppy": layout.ENTRY_FLOPPY, "floppy_irq": layout.ENTRY_FLOPPY_IRQ,
                          "diskette_parameters": layout.DISKETTE_TABLE, "printer": layout.ENTRY_PRINTER,
                          "video": layout.ENTRY_VIDEO, "video_parameters": layout.VIDEO_TABLE,
                          "memory_size": layout.ENTRY_MEMORY, "equipment": layout.ENTRY_EQUIPMENT,
                          "system": layout.ENTRY_SYSTEM, "time": layout.ENTRY_TIME, "timer_irq": layout.ENTRY_TIMER_IRQ,
                          "vectors": layout.VECTOR_TABLE, "dummy_iret": layout.DUMMY_IRET,
                          "print_screen": layout.ENTRY_PRINT_SCREEN, "reset": layout.RESET_VECTOR}.items():
        assert labels[name] == address, name


def test_reset_vector_date_and_model():
    assert ROM.data[0xFFF0:0xFFF5] == bytes.fromhex("EA5BE000F0")
    assert re.fullmatch(rb"\d\d/\d\d/\d\d", ROM.data[layout.DATE:layout.DATE + 8])
    assert ROM.data[layout.MODEL] == 0xFC and len(ROM.data) == 0x10000


def test_plug_and_play_structure_is_found_by_a_scan():
    found = [at for at in range(0, 0x10000, 16) if ROM.data[at:at + 4] == b"$PnP"]
    assert found == [ROM.labels["pnp"]]
    [at] = found
    assert sum(ROM.data[at:at + ROM.data[at + 5]]) & 0xFF == 0


def test_every_trap_has_its_service():
    for name in (*ROM.traps.values(), *VIDEO.traps.values()):
        if name.startswith("int_"):
            assert any(interrupt == int(name[4:], 16) for interrupt, _ in SERVICES), name
        else:
            assert name in TRAPS, name
    assert set(TRAPS) <= set(ROM.traps.values())


def test_listing_says_what_stands_at_an_address():
    assert ROM.listing[layout.ENTRY_VIDEO] == "trap    int_10"
    assert ROM.listing[layout.ENTRY_POST].startswith("cli ")


def test_the_video_bios_is_an_option_rom():
    data = VIDEO.data
    assert data[:2] == b"\x55\xAA" and data[2] * 512 == len(data) == layout.VIDEO_ROM_SIZE and sum(data) & 0xFF == 0
    assert data[0x1E:0x21] == b"IBM"                    # by which old programs know a VGA
    [at] = struct.unpack_from("<H", data, 0x18)
    assert data[at:at + 4] == b"PCIR" and struct.unpack_from("<H", data, at + 0x10) == (data[2],)


def test_characters_lie_where_int_43h_and_int_1fh_look():
    for height in (8, 14, 16):
        address = VIDEO.labels[f"font_8x{height}"]
        assert VIDEO.data[address:address + 256 * height] == font.table(height)
    assert ROM.data[layout.FONT_8X8:layout.FONT_8X8 + 1024] == font.table(8)[:1024]


def test_all_characters_have_a_glyph_in_each_size():
    for height in (8, 14, 16):
        drawn = [font.glyph(code, height) for code in range(256)]
        assert all(len(glyph) == height for glyph in drawn)
        assert [code for code in range(256) if not any(drawn[code])] == [0, 32, 255]


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is not installed")
def test_the_protected_mode_interface_is_what_its_source_says(tmp_path):
    source = Path(video_rom.__file__).with_name("vbe_protected.asm")
    subprocess.run(["nasm", "-f", "bin", "-o", tmp_path / "made", source], check=True)
    assert (tmp_path / "made").read_bytes() == video_rom.PROTECTED

