"""Each quirk does what its sentence says, and any set of them still enters a boot sector, the same way twice."""
from __future__ import annotations

import struct

import pytest
from bios_guest import BUFFER, HARD_DISK, Guest, boot_sector, machine_with
from hypothesis import given, settings

from boot import layout
from boot.bios.quirks import NEVER, QUIRKS
from x86.testing.quirks import quirk_sets

SMAP = 0x534D4150


@pytest.fixture(scope="module")
def with_quirks():
    """A function: names -> a guest whose BIOS has these quirks, fresh."""
    made = {}

    def guest(*names):
        if names not in made:
            made[names] = Guest(machine_with(disk=HARD_DISK, floppy=boot_sector(), boot_order=["disk"], quirks=names))
        return made[names].again()
    return guest


def memory_map(guest, room=24):
    """[(start, length, type)], and the last call's registers, by EBX and CF as loaders that know both do it."""
    entries, ebx = [], 0
    for _ in range(40):
        after = guest.call(0x15, eax=0xE820, ebx=ebx, ecx=room, edx=SMAP, esi=1, di=BUFFER)
        if after.carry or after.eax != SMAP:
            return entries, after
        entries.append(struct.unpack("<QQI", guest.memory.read(BUFFER, 20)))
        ebx = after.ebx
        if ebx == 0:
            return entries, after
    raise AssertionError("the map has no end")


def plain_map(with_quirks):
    return memory_map(with_quirks())[0]


def packet(guest, count, lba=0, segment=0x2000, offset=0):
    guest.memory.write(BUFFER, struct.pack("<BBHHHQ", 16, 0, count, offset, segment, lba))
    return guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER, bx=0x1111, cx=0x2222, bp=0x3333)


def test_registers_are_destroyed(with_quirks):
    after = with_quirks("clobber-esdi-08").call(0x13, ah=0x08, dl=0x80, es=0x1234, di=0x5678, bp=9)
    assert after.carry == 0 and after.es != 0x1234 and after.di != 0x5678 and after.bp == 9
    assert with_quirks("clobber-bp-08").call(0x13, ah=0x08, dl=0x80, bp=9).bp != 9
    after = with_quirks("clobber-41").call(0x13, ah=0x41, bx=0x55AA, dx=0x80)
    assert (after.carry, after.bx) == (0, 0xAA55) and after.dx != 0x80
    after = packet(with_quirks("clobber-42"), 1)
    assert after.carry == 0 and (after.bx, after.cx, after.bp) != (0x1111, 0x2222, 0x3333) and after.dl == 0x80
    guest = with_quirks("clobber-int16")
    assert guest.call(0x16, ah=0x01, bx=5).bx == 5                              # no key
    guest.call(0x16, ah=0x05, cx=0x1E61)
    assert guest.call(0x16, ah=0x01, bx=5).bx != 5


def test_transfers_are_refused(with_quirks):
    guest = with_quirks("max-127")
    assert packet(guest, 127).carry == 0 and packet(guest, 128).ah == 0x01
    guest = with_quirks("dma-64k")
    assert packet(guest, 2, offset=0xFC00).carry == 0
    assert packet(guest, 2, offset=0xFE00).ah == 0x09
    read = {"ax": 0x0202, "cx": 1, "dx": 0x80, "es": 0x2000}
    assert guest.call(0x13, bx=0xFC00, **read).carry == 0 and guest.call(0x13, bx=0xFC01, **read).ah == 0x09
    guest = with_quirks("int13-needs-irq")
    assert packet(guest, 1).carry == 0
    for port, bit in ((0xA1, 0x40), (0x21, 0x04)):
        before = guest.machine.bus.read(port, 1)
        guest.machine.bus.write(port, before | bit, 1)
        assert packet(guest, 1).ah == 0x80
        guest.machine.bus.write(port, before, 1)
    guest.machine.bus.write(0x21, 0x44, 1)
    assert guest.call(0x13, ax=0x0201, cx=1, dx=0, es=0x2000, bx=0).ah == 0x80


def test_memory_maps(with_quirks):
    plain = plain_map(with_quirks)
    assert memory_map(with_quirks("e820-unsorted"))[0] == plain[::-1]
    entries, _ = memory_map(with_quirks("e820-overlapping"))
    ordered = sorted(entries)
    assert any(first[0] + first[1] > second[0] for first, second in zip(ordered, ordered[1:]))
    entries, _ = memory_map(with_quirks("e820-empty-entries"))
    assert [entry for entry in entries if entry[1]] == plain and len(entries) == 2 * len(plain)
    entries, after = memory_map(with_quirks("e820-ends-with-carry"))
    assert entries == plain and after.carry == 1
    entries, after = memory_map(with_quirks("e820-loses-smap"))
    assert entries == plain[:2] and after.carry == 0 and after.eax == 0xE820
    entries, after = memory_map(with_quirks("e820-clobbers"))
    assert entries == plain and after.edx != SMAP and after.esi != 1
    guest = with_quirks("e820-20-bytes")
    guest.memory.write(BUFFER + 20, b"\xEE" * 4)
    assert guest.call(0x15, eax=0xE820, ebx=0, ecx=24, edx=SMAP, di=BUFFER).ecx == 20
    assert guest.memory.read(BUFFER + 20, 4) == b"\xEE" * 4


def test_the_interrupt_flag_is_changed(with_quirks):
    assert with_quirks("int15-enables-if").call(0x15, ax=0x8800, flags=0x002).flags & 0x200
    assert not with_quirks("int15-disables-if").call(0x15, ax=0x8800, flags=0x202).flags & 0x200
    assert not with_quirks().call(0x15, ax=0x8800, flags=0x002).flags & 0x200


#: how A20 is opened by each of the three ways
WAYS = {"a20-no-int15": "        mov ax, 2401h\n        int 15h\n",
        "a20-no-8042": "        mov al, 0D1h\n        out 64h, al\n        mov al, 0DFh\n        out 60h, al\n",
        "a20-no-port-92": "        mov al, 02h\n        out 92h, al\n"}


@pytest.mark.parametrize("name", WAYS)
def test_a_way_to_open_a20_is_missing(with_quirks, name):
    guest = with_quirks(name)
    for way, source in WAYS.items():
        guest.machine.set_a20(False)
        guest.run(source)
        assert guest.cpu.a20 is (way != name), way


@pytest.mark.parametrize("name", WAYS)
def test_a_snapshot_keeps_how_a20_is_wired(with_quirks, name):
    """Restored into a machine that was built alike and has not run its POST."""
    snapshot = with_quirks(name).machine.snapshot()
    other = machine_with(disk=HARD_DISK, floppy=boot_sector(), boot_order=["disk"], quirks=[name])
    guest = Guest.__new__(Guest)
    guest.machine, guest.cpu, guest.memory, guest.bios = other, other.cpu, other.memory, other.devices["bios"]
    other.restore(snapshot)
    other.set_a20(False)
    guest.run(WAYS[name])
    assert not other.cpu.a20


def test_no_extended_area(with_quirks):
    guest = with_quirks("no-ebda")
    assert guest.call(0x12).ax == 640 and guest.memory.read_u16(layout.EBDA_SEGMENT_WORD) == 0
    assert guest.call(0x15, ah=0xC1).ah == 0x86
    assert memory_map(guest)[0][0] == (0, 0xA0000, 1)
    assert guest.call(0x15, ax=0xC205, bx=0x0300).ah == 0x03


# ---- the boot sector's entry -----------------------------------------------------------------------------------------

def entered(*quirks, **options):
    """The machine at a boot sector that says only CLI, HLT."""
    machine = machine_with(quirks=quirks, **(options or {"disk": boot_sector()}))
    stop = machine.run(max_instructions=3_000_000)
    assert stop.kind == "hang" and machine.cpu.linear("cs", machine.cpu.rip) == 0x7C02, stop
    return machine


def test_the_entry_is_another_one():
    assert entered("wrong-dl").cpu.dl == 0
    cpu = entered("cs-07c0").cpu
    assert (cpu.cs, cpu.rip) == (0x07C0, 2)
    cpu = entered("random-registers").cpu
    again = entered("random-registers").cpu
    assert cpu.dl == 0x80 and cpu.ds and cpu.es and cpu.ss and cpu.ds != cpu.es
    assert [getattr(cpu, name) for name in ("eax", "ebp", "ds", "ss", "sp")] == \
        [getattr(again, name) for name in ("eax", "ebp", "ds", "ss", "sp")]
    assert entered("random-registers:7").cpu.eax != cpu.eax == entered("random-registers:0").cpu.eax
    memory = entered("bpb-write").memory
    erased = boot_sector()[0x3E:0x42]
    assert memory.read(0x7C0B, 4) != erased and memory.read(0x7C3E, 4) == erased and memory.read_u16(0x7DFE) == 0xAA55
    assert entered("bpb-write", floppy=boot_sector()).memory.read(0x7C0B, 4) == erased


@settings(max_examples=12, deadline=None)
@given(quirk_sets(QUIRKS, NEVER))
def test_any_set_enters_the_boot_sector(quirks):
    entered(*quirks)


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match="no quirk 'e821'"):
        machine_with(disk=boot_sector(), quirks=("e821",))
    for name in ("cs-07c0:1", "random-registers:", "random-registers:x", "random-registers:-1", "random-registers:" + "9" * 19):
        with pytest.raises(ValueError, match="only random-registers has a number"):
            machine_with(disk=boot_sector(), quirks=(name,))
    with pytest.raises(ValueError, match="no way to open A20"):
        machine_with(disk=boot_sector(), quirks=WAYS)


def test_a_snapshot_and_a_reset_under_quirks():
    names = ("random-registers", "no-ebda", "a20-no-port-92")
    machine = machine_with(disk=boot_sector("        mov al, 0FEh\n        out 64h, al\n        hlt\n"), quirks=names)
    machine.run(max_instructions=60_000)
    middle = machine.snapshot()
    machine.run(max_instructions=300_000)
    end, resets = machine.snapshot().digest(), machine.resets
    machine.restore(middle)
    machine.run(max_instructions=300_000)
    assert machine.snapshot().digest() == end and resets >= 2
