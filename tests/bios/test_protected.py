"""BIOS32, the PCI BIOS and APM called from protected mode, with and without paging; INT 15h AH=89h; $PIR; $PnP."""
from __future__ import annotations

import shutil
import struct
import subprocess

import pytest
from bios_guest import BUFFER, Guest, boot_sector, machine_with

from boot.acpi import dsdt
from boot.bios import routing
from x86.registers import CR0_PE, CR0_PG

GDT, STACK, DONE, DIRECTORY = 0x2000, 0x7000, 0x3000, 0x4000
NULL, CODE_32, DATA_32, CODE_16, DATA_16, BIOS_16, USER = range(0, 0x38, 8)
HIGH = 0xC0000000                       # where paging shows all memory a second time
CODE, DATA = 0x9B, 0x93


def descriptor(base, limit, access, big):
    """Eight bytes; limit in pages if `big`."""
    return struct.pack("<HHBBBB", limit & 0xFFFF, base & 0xFFFF, base >> 16 & 0xFF, access,
                       limit >> 16 & 0xF | (0xC0 if big else 0), base >> 24)


class Protected:
    """A guest that is in protected mode, its flat segments loaded, and can CALL FAR; `paged`, with base HIGH by paging."""

    def __init__(self, guest, paged=False):
        self.guest, self.cpu, self.memory = guest, guest.machine.cpu, guest.memory
        self.base = HIGH if paged else 0
        table = [bytes(8), descriptor(0, 0xFFFFF, CODE, True), descriptor(0, 0xFFFFF, DATA, True),
                 descriptor(0xF0000, 0xFFFF, CODE, False), descriptor(0, 0xFFFF, DATA, False),
                 descriptor(0, 0xFFFF, CODE, False), descriptor(0x50000, 0xFFFF, DATA, False)]
        self.memory.write(GDT, b"".join(table))
        self.memory.write(DONE, b"\xFA\xF4")        # CLI, HLT
        cpu = self.cpu
        cpu.gdtr = GDT, 8 * len(table) - 1
        if paged:
            for entry in (0, HIGH >> 22):           # 4 MB pages: all that this test needs lies in the first
                self.memory.write_u32(DIRECTORY + 4 * entry, 0x83)
            cpu.cr4, cpu.cr3 = 0x10, DIRECTORY
        cpu.cr0 = cpu.cr0 | CR0_PE | (CR0_PG if paged else 0)

    def call(self, entry, bits=32, **registers):
        """CALL FAR to `entry`: a linear address in the flat code segment, or with bits=16 an offset in the ROM's own."""
        cpu, wide = self.cpu, bits == 32
        cpu.set_segment("cs", CODE_32 if wide else CODE_16, 0 if wide else 0xF0000, 0xFFFFFFFF if wide else 0xFFFF,
                        0xC09B if wide else 0x009B)
        for name in ("ds", "es", "ss"):
            cpu.set_segment(name, DATA_32 if wide else DATA_16, 0, 0xFFFFFFFF if wide else 0xFFFF, 0xC093 if wide else 0x0093)
        pushed = struct.pack("<II", DONE, CODE_32) if wide else struct.pack("<HH", DONE, BIOS_16)
        self.memory.write(STACK - len(pushed), pushed)
        cpu.rip, cpu.rsp, cpu.rflags, cpu.halted = entry, STACK - len(pushed), 0x2, False
        for name, value in registers.items():
            setattr(cpu, name, value)
        stop = self.guest.machine.run(max_instructions=10_000)
        assert stop.kind == "hang" and cpu.rip == DONE + 2 and cpu.rsp == STACK, stop
        return cpu

    def carry(self):
        return self.cpu.rflags & 1


@pytest.fixture(params=[False, True], ids=["flat", "paged"])
def protected(guest, request):
    return Protected(guest, request.param)


def find(guest, anchor):
    found, = (address for address in range(0xF0000, 0x100000, 16) if guest.memory.read(address, len(anchor)) == anchor)
    return found


def pci_entry(protected):
    memory = protected.memory
    entry = memory.read_u32(find(protected.guest, b"_32_") + 4)
    after = protected.call(protected.base + entry, eax=int.from_bytes(b"$PCI", "little"), ebx=0)
    assert (after.al, after.ebx, after.ecx) == (0, 0xF0000, 0x10000)
    return protected.base + after.ebx + after.edx


def test_the_service_directory(protected):
    memory = protected.memory
    directory = memory.read(find(protected.guest, b"_32_"), 16)
    assert directory[9] == 1 and sum(directory) & 0xFF == 0
    entry = protected.base + int.from_bytes(directory[4:8], "little")
    assert protected.call(entry, eax=0x44434241, ebx=0).al == 0x80
    assert protected.call(entry, eax=int.from_bytes(b"$PCI", "little"), ebx=1).al == 0x81
    after = protected.call(entry, eax=int.from_bytes(b"$PCI", "little"), ebx=0, esi=0x1111, edi=0x2222, ebp=0x3333)
    assert (after.esi, after.edi, after.ebp) == (0x1111, 0x2222, 0x3333)


def test_pci_bios_in_32_bit_code(protected):
    entry = pci_entry(protected)
    after = protected.call(entry, eax=0xB101)
    assert (protected.carry(), after.ah, after.edx, after.edi) == (0, 0, 0x20494350, entry - protected.base)
    after = protected.call(entry, eax=0xB102, ecx=0x1237, edx=0x8086, esi=0)
    assert (protected.carry(), after.ah, after.bx) == (0, 0, 0)
    assert protected.call(entry, eax=0xB10A, ebx=8, edi=0).ecx == 0x70008086
    protected.call(entry, eax=0xB10A, ebx=8, edi=1)
    assert (protected.carry(), protected.cpu.ah) == (1, 0x87)
    protected.call(entry, eax=0xB1FE)
    assert (protected.carry(), protected.cpu.ah) == (1, 0x81)
    protected.call(entry, eax=0x0200)
    assert (protected.carry(), protected.cpu.ah) == (1, 0x86)
    assert protected.guest.bios.unimplemented


def test_routing_options_in_32_bit_code(protected):
    entry, memory = pci_entry(protected), protected.memory
    memory.write(BUFFER, struct.pack("<HIH", 100, 0x1000, USER))
    protected.call(entry, eax=0xB10E, ebx=0, edi=protected.base + BUFFER)
    assert (protected.carry(), protected.cpu.ah) == (1, 0x89)
    size = memory.read_u16(BUFFER)
    after = protected.call(entry, eax=0xB10E, ebx=0, edi=protected.base + BUFFER)
    assert (protected.carry(), after.ah, after.bx) == (0, 0, 0x0C20)
    assert memory.read(0x51000, size) == routing.entries()


def test_real_mode_services_do_not_answer_in_protected_mode(protected):
    video = next(offset for offset, name in protected.guest.bios.rom.traps.items() if name == "int_10")
    protected.memory.write(STACK - 20, bytes(20))
    protected.cpu.set_segment("cs", CODE_32, 0, 0xFFFFFFFF, 0xC09B)
    protected.cpu.rip, protected.cpu.halted = protected.base + 0xF0000 + video, False
    protected.guest.machine.step()
    assert list(protected.guest.bios.strays) == [f"0008:{protected.base + 0xF0000 + video + 2:X}"]


def test_services_of_protected_mode_do_not_answer_in_real_mode(guest):
    after = guest.run(f"        call 0F000h:{guest.bios.symbols['pci_entry']}", eax=0xB101, edx=0)
    assert after.edx == 0 and len(guest.bios.strays) == 1


@pytest.mark.parametrize("bits", [16, 32])
def test_apm_in_protected_mode(guest, bits):
    after = guest.call(0x15, ax=0x5302 if bits == 16 else 0x5303, bx=0, flags=0x203)
    assert after.carry == 0 and after.ax == 0xF000
    entry = after.bx if bits == 16 else (after.ax << 4) + after.ebx
    protected = Protected(guest)
    assert protected.call(entry, bits, eax=0x530E, ebx=0, ecx=0x0102).ax == 0x0102 and not protected.carry()
    after = protected.call(entry, bits, eax=0x530A, ebx=1)
    assert (protected.carry(), after.bx, after.cx, after.dx) == (0, 0x01FF, 0x80FF, 0xFFFF)
    assert protected.call(entry, bits, eax=0x530B).ah == 0x80 and protected.carry()
    protected.call(entry, bits, eax=0x5307, ebx=1, ecx=2)
    assert protected.call(entry, bits, eax=0x530B).bx == 0x0003 and not protected.carry()
    assert protected.call(entry, bits, eax=0x5301, ebx=0).ah == 0x86 and protected.carry()
    cpu = protected.cpu
    cpu.rip, cpu.rsp, cpu.halted = entry, STACK - 8, False
    if bits == 16:
        cpu.set_segment("cs", CODE_16, 0xF0000, 0xFFFF, 0x009B)
    else:
        cpu.set_segment("cs", CODE_32, 0, 0xFFFFFFFF, 0xC09B)
    cpu.eax, cpu.ebx, cpu.ecx = 0x5307, 1, 3
    assert guest.machine.run(max_instructions=100).kind == "poweroff"


@pytest.mark.parametrize("bits", [16, 32])
def test_plug_and_play_is_not_there(guest, bits):
    """Both entries of $PnP give 82h, FUNCTION_NOT_SUPPORTED."""
    at = find(guest, b"$PnP")
    real, near = guest.memory.read_u32(at + 0x0D), guest.memory.read_u16(at + 0x11)
    assert guest.memory.read_u32(at + 0x13) == 0xF0000
    if bits == 16:
        assert guest.run(f"        push 0\n        call {real >> 16}:{real & 0xFFFF}\n        pop bx").ax == 0x82
    assert Protected(guest).call(near, 16, eax=0).ax == 0x82


def test_switch_to_protected_mode(guest):
    """INT 15h AH=89h: in the caller's segments, with the interrupt controllers where it wants them."""
    table = [bytes(8), descriptor(BUFFER, 0x3F, DATA, False), descriptor(0x6000, 0x7FF, DATA, False)]
    table += [descriptor(base, 0xFFFF, DATA, False) for base in (0x10000, 0x20000, 0)]
    table += [descriptor(0, 0xFFFF, CODE, False), bytes(8)]
    guest.memory.write(BUFFER, b"".join(table))
    guest.memory.write(0x10010, b"\x5A")
    guest.call(0x15, ax=0x2400)
    after = guest.run("        int 15h\n        mov dl, [10h]\n        mov [es:20h], dl\n        db 0Fh, 01h, 0E1h\n",
                      ah=0x89, bx=0x7850, si=BUFFER, di=0x1234, bp=0x4321)
    assert (after.carry, after.ah, after.cx & 1, after.di, after.bp) == (0, 0, 1, 0x1234, 0x4321)
    assert (after.cs, after.ds, after.es, after.ss) == (0x30, 0x18, 0x20, 0x28)
    assert guest.memory.read_u8(0x20020) == 0x5A and guest.cpu.a20
    pic = guest.machine.devices["pic"]
    assert [chip.base for chip in (pic.master, pic.slave)] == [0x50, 0x78]
    assert [guest.machine.bus.read(port, 1) for port in (0x21, 0xA1)] == [0xFF, 0xFF]


# ---- $PIR ------------------------------------------------------------------------------------------------------------

def test_interrupt_routing_table(guest):
    at = find(guest, b"$PIR")
    data = guest.memory.read(at, guest.memory.read_u16(at + 6))
    assert sum(data) & 0xFF == 0 and data[4:6] == b"\0\x01" and (len(data) - 32) % 16 == 0
    assert data[8:10] == bytes((0, 1 << 3)) and data == routing.table()
    bus = guest.machine.devices["pci"].functions
    for place in range(32, len(data), 16):
        slot = data[place + 1] >> 3
        for pin in range(4):
            register, allowed = struct.unpack_from("<BH", data, place + 2 + 3 * pin)
            if (slot, pin) == (1, 0):
                assert register == allowed == 0
                continue
            assert allowed == sum(1 << line for line in dsdt.PIRQ_INPUTS)
            assert bus[1, 0].read(register, 1) in dsdt.PIRQ_INPUTS          # which is where it goes now


def test_interrupts_are_led_elsewhere(guest):
    after = guest.call(0x1A, ax=0xB10F, bx=3 << 3, cx=0x050A, ds=0xF000)
    assert (after.carry, after.ah) == (0, 0)
    register = routing.link(3, 0)
    assert guest.call(0x1A, ax=0xB108, bx=1 << 3, di=register).cl == 5
    for wrong in ({"cx": 0x0E0A}, {"cx": 0x050E}, {"cx": 0x0509}, {"bx": 0x0118}, {"bx": 0x0008}, {"bx": 0}):
        after = guest.call(0x1A, **{"ax": 0xB10F, "bx": 3 << 3, "cx": 0x050A, "ds": 0xF000, **wrong})
        assert (after.carry, after.ah) == (1, 0x88), wrong


def test_routing_options(guest):
    guest.memory.write(BUFFER, struct.pack("<HHH", 0x1000, 0x10, 0x3000))
    after = guest.call(0x1A, ax=0xB10E, bx=0, di=BUFFER, ds=0xF000)
    assert (after.carry, after.ah, after.bx) == (0, 0, 0x0C20)
    assert guest.memory.read(0x30010, guest.memory.read_u16(BUFFER)) == routing.entries()


def test_the_tables_are_found_by_biosdecode(tmp_path):
    decode = shutil.which("biosdecode", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if decode is None:
        pytest.skip("biosdecode (package dmidecode) is not installed")
    guest = Guest(machine_with(disk=boot_sector()))
    (tmp_path / "low").write_bytes(guest.memory.read(0, 0x100000))
    said = subprocess.run([decode, "-d", tmp_path / "low"], capture_output=True, text=True, check=True).stdout
    for words in ("ACPI 2.0 present.", "SMBIOS 3", "BIOS32 Service Directory present.", "PCI Interrupt Routing 1.0 present.",
                  "Router Device: 00:01.0", "PNP BIOS 1.0 present."):
        assert words in said, said


def test_the_trap_port_written_from_anywhere_else_in_protected_mode(protected):
    """OUT 0B5h, AL as the last two bytes of the address space, and where the ROM is not."""
    protected.memory.write(0x3010, b"\xE6\xB5\xFA\xF4")
    protected.cpu.set_segment("cs", CODE_32, 0, 0xFFFFFFFF, 0xC09B)
    protected.cpu.rip, protected.cpu.halted = 0x3010, False
    assert protected.guest.machine.run(max_instructions=10).kind == "hang"
    protected.cpu.set_segment("cs", CODE_32, 0x3012, 0xFFFFFFFF, 0xC09B)
    protected.cpu.rip, protected.cpu.halted = 0xFFFFFFFE, False
    protected.guest.machine.step()
    assert sum(protected.guest.bios.strays.values()) == 2 and not protected.guest.bios.unimplemented
