"""ACPI and SMBIOS where a PC's BIOS has them: found by a scan of the ROM, written by POST, told by the memory map."""
from __future__ import annotations

import pytest
from bios_guest import boot_sector, machine_with

from boot.bios import rom
from boot.bios.int15_memory import memory_map


def booted(memory="64M", **options):
    machine = machine_with(disk=boot_sector(), memory=memory, **options)
    stop = machine.run(max_instructions=3_000_000)
    assert stop.kind == "hang", stop
    return machine


def scan(memory, anchor):
    """Addresses at multiples of 16 in the ROM at which `anchor` lies."""
    found = []
    for address in range(0xF0000, 0x100000, 16):
        if memory.read(address, len(anchor)) == anchor:
            found.append(address)
    return found


def acpi_tables(memory):
    """{signature: (address, bytes)} of all tables from the root pointer on, each with its checksum proved."""
    root, = scan(memory, b"RSD PTR ")
    assert sum(memory.read(root, 20)) & 0xFF == sum(memory.read(root, 36)) & 0xFF == 0
    found = {}

    def follow(address):
        data = memory.read(address, memory.read_u32(address + 4))
        found[data[:4]] = address, data
        if data[:4] != b"FACS":
            assert sum(data) & 0xFF == 0, data[:4]
        return data

    follow(memory.read_u32(root + 16))
    xsdt = follow(memory.read_u64(root + 24))
    for at in range(36, len(xsdt), 8):
        follow(int.from_bytes(xsdt[at:at + 8], "little"))
    fadt = found[b"FACP"][1]
    for at in (36, 40):
        follow(int.from_bytes(fadt[at:at + 4], "little"))
    return found


@pytest.mark.parametrize("memory", ["2M", "64M", "6G"])
def test_tables_lie_in_the_memory_that_the_map_sets_aside(memory):
    machine = booted(memory)
    kinds = {kind: (start, start + length) for start, length, kind in memory_map(machine.devices["bios"])}
    tables = acpi_tables(machine.memory)
    assert sorted(tables) == [b"APIC", b"DSDT", b"FACP", b"FACS", b"RSDT", b"XSDT"]
    for signature, (address, data) in tables.items():
        start, end = kinds[4 if signature == b"FACS" else 3]
        assert start <= address and address + len(data) <= end, signature
    assert kinds[4][1] == machine.memory.ram_low


def test_a_reset_brings_the_tables_back():
    machine = booted()
    memory = machine.memory
    tables = acpi_tables(memory)
    address, data = tables[b"DSDT"]
    memory.write(address, bytes(len(data)))
    memory.write(tables[b"FACS"][0], b"\xFF" * 64)
    machine.reset()
    assert machine.run(max_instructions=3_000_000).kind == "hang"
    assert acpi_tables(memory) == tables


def test_tables_are_right_in_memory_full_of_noise_with_a20_shut():
    assert len(acpi_tables(booted(fill="random:3", a20=False).memory)) == 6


def test_where_memory_is_short_there_is_no_acpi():
    machine = booted("1M")
    assert scan(machine.memory, b"RSD PTR ") == []
    assert all(kind in (1, 2) for _, _, kind in memory_map(machine.devices["bios"]))
    assert len(scan(machine.memory, b"_SM_")) == 1                      # that needs no memory


def test_mp_tables_say_what_the_apics_are():
    machine = booted()
    memory = machine.memory
    pointer, = scan(memory, b"_MP_")
    assert sum(memory.read(pointer, 16)) & 0xFF == 0 and memory.read(pointer + 8, 2) == b"\x01\x04"
    start = memory.read_u32(pointer + 4)
    table = memory.read(start, memory.read_u16(start + 4))
    assert table[:4] == b"PCMP" and sum(table) & 0xFF == 0
    entries, at = [], 44
    for _ in range(int.from_bytes(table[34:36], "little")):
        entries.append(table[at:at + (20 if table[at] == 0 else 8)])
        at += len(entries[-1])
    assert at == len(table)
    assert [entry[0] for entry in entries] == [0, 1, 2] + 15 * [3] + 2 * [4]
    assert entries[0][3] == 3 and int.from_bytes(entries[0][4:8], "little") == machine.cpu.model.signature
    assert {entry[5]: (entry[7], entry[2]) for entry in entries[3:18]} == {
        irq: (irq or 2, 13 if irq in (5, 9, 10, 11) else 0) for irq in range(16) if irq != 2}
    assert [entry[1] for entry in entries[18:]] == [3, 1]                   # ExtINT, NMI


@pytest.mark.parametrize("options", [{"cpu": "486"}, {"board": "minimal"}])
def test_without_apics_nothing_speaks_of_them(options):
    memory = booted(**options).memory
    assert scan(memory, b"_MP_") == [] and b"APIC" not in memory.read(memory.size - 0x3000, 0x2000)


def test_on_a_minimal_board_there_is_no_acpi():
    machine = booted(board="minimal")
    assert scan(machine.memory, b"RSD PTR ") == []
    assert all(kind in (1, 2) for _, _, kind in memory_map(machine.devices["bios"]))


def test_the_rest_of_the_rom_is_as_it_was_assembled():
    memory = booted("6G").memory
    data = memory.read(0xF0000, 0x10000)
    assert data[:0xA000] == rom.build().data[:0xA000] and data[0xB000:] == rom.build().data[0xB000:]
    assert set(rom.build().data[0xA000:0xB000]) == {0xFF}               # nothing else wants the place
    assert data == memory.read(0xFFFF0000, 0x10000)


def test_smbios_is_in_the_rom_and_points_into_it():
    memory = booted().memory
    old, = scan(memory, b"_SM_")
    new, = scan(memory, b"_SM3_")
    assert sum(memory.read(old, 31)) & 0xFF == sum(memory.read(new, 24)) & 0xFF == 0
    table = memory.read_u32(old + 24)
    assert table == memory.read_u64(new + 16) and 0xF0000 <= table < 0x100000
    assert memory.read(table, 4) == b"\x00\x18\0\0"                     # type 0, the firmware
    assert memory.read(table + memory.read_u16(old + 22) - 6, 2) == b"\x7F\x04"         # type 127, the end
