"""ACPI: the encodings of AML, the tables' checksums and pointers, ACPICA's opinion of them, and whether the board keeps
what they promise."""
from __future__ import annotations

import re
import shutil
import struct
import subprocess

import pytest
from hypothesis import given, strategies as st

from boot import acpi
from boot.acpi import aml, dsdt, resources, tables
from x86 import Machine

BASE, FACS = 0x03FF_D000, 0x03FF_F000
BUILT = acpi.build(BASE, FACS)


def word(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def table_at(address):
    """The table that lies at a physical address between BASE and the end of the tables."""
    start = address - BASE
    return BUILT.tables[start:start + word(BUILT.tables, start + 4, 4)]


# ---- AML ------------------------------------------------------------------------------------------------------------

def decode_length(data):
    """(value, bytes it takes) of a PkgLength, written from the specification's text on decoding."""
    following = data[0] >> 6
    if not following:
        return data[0] & 0x3F, 1
    return word(data, 1, following) << 4 | data[0] & 0x0F, 1 + following


@given(st.one_of(st.integers(0, 5000), st.integers(0, (1 << 28) - 5)))
def test_a_length_counts_itself(content):
    encoded = aml.length(content)
    value, size = decode_length(encoded)
    assert (value, size) == (content + len(encoded), len(encoded))
    if size > 1:                        # no shorter one would have done
        limit = 0x3F if size == 2 else (1 << 4 + 8 * (size - 2)) - 1
        assert content + size - 1 > limit
    if size == 2:
        assert encoded[0] & 0x30 == 0


@pytest.mark.parametrize("content, encoded", [(0, "01"), (62, "3F"), (63, "4104"), (0xFFD, "4FFF"), (0xFFE, "810001")])
def test_lengths_where_a_byte_is_added(content, encoded):
    assert aml.length(content) == bytes.fromhex(encoded)


@pytest.mark.parametrize("name, encoded", [
    ("_CRS", b"_CRS"), ("A", b"A___"), ("\\", b"\\\0"), ("^", b"^\0"), ("\\_SB", b"\\_SB_"), ("^^LNKA", b"^^LNKA"),
    ("\\_SB.PCI0", b"\\\x2E_SB_PCI0"), ("_SB.PCI0.ISA", b"\x2F\x03_SB_PCI0ISA_"),
])
def test_paths(name, encoded):
    assert aml.path(name) == encoded


@pytest.mark.parametrize("name", ["", "TOOLONG", "1ABC", "abcd", "A.", "A..B", "\\^A", "A B", "A\n", ".".join("A" * 256)])
def test_what_is_no_path(name):
    with pytest.raises(ValueError, match="AML"):
        aml.path(name)


@given(st.one_of(st.integers(0, (1 << 64) - 1), st.sampled_from([0, 1, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32])))
def test_an_integer_is_the_shortest_constant(value):
    encoded = aml.integer(value)
    if len(encoded) == 1:
        assert {b"\0": 0, b"\1": 1, b"\xFF": (1 << 64) - 1}[encoded] == value
    else:
        size = {0x0A: 1, 0x0B: 2, 0x0C: 4, 0x0E: 8}[encoded[0]]
        assert len(encoded) == 1 + size and word(encoded, 1, size) == value
        assert size == 1 or value >> 4 * size


@pytest.mark.parametrize("make", [lambda: aml.integer(-1), lambda: aml.integer(1 << 64), lambda: aml.EISAID("PNP0A0"),
                                  lambda: aml.EISAID("pnp0A03"), lambda: aml.String("a\0b"), lambda: aml.Method("A", 8),
                                  lambda: aml.length(1 << 28), lambda: aml.Package(*[0] * 256)])
def test_what_cannot_be_encoded(make):
    with pytest.raises(ValueError):
        make()


def test_a_device_as_the_drawing_has_it():
    term = aml.Scope("\\_SB", aml.Device("RTC", aml.Name("_HID", aml.EISAID("PNP0B00"))))
    assert term == bytes.fromhex("10 17 5C") + b"_SB_" + bytes.fromhex("5B 82 0F") + b"RTC_" + b"\x08_HID" + \
        bytes.fromhex("0C 41 D0 0B 00")


def test_widths_of_fields_do_not_count_themselves():
    field = aml.Field("PIRQ", aml.ByteAcc, aml.NoLock, aml.Preserve, ("A", 8), ("", 63), ("B", 64), ("C", 0x12345))
    assert field == bytes.fromhex("5B 81 1A") + b"PIRQ\x01A___\x08\0\x3FB___\x40\x04C___\x85\x34\x12"


# ---- the tables -----------------------------------------------------------------------------------------------------

def test_the_root_pointer():
    root = BUILT.rsdp
    assert len(root) == acpi.RSDP_SIZE == 36 and root[:8] == b"RSD PTR " and root[15] == 2
    assert sum(root[:20]) & 0xFF == sum(root) & 0xFF == 0
    assert word(root, 20, 4) == 36
    assert table_at(word(root, 16, 4))[:4] == b"RSDT" and table_at(word(root, 24, 8))[:4] == b"XSDT"


def test_every_table_adds_up_to_zero_and_is_reached():
    root = BUILT.rsdp
    rsdt, xsdt = table_at(word(root, 16, 4)), table_at(word(root, 24, 8))
    listed = [word(xsdt, at, 8) for at in range(36, len(xsdt), 8)]
    assert listed == [word(rsdt, at, 4) for at in range(36, len(rsdt), 4)]
    fadt, madt = map(table_at, listed)
    dsdt_table = table_at(word(fadt, 40, 4))
    for table, signature, revision in ((rsdt, b"RSDT", 1), (xsdt, b"XSDT", 1), (fadt, b"FACP", 3), (madt, b"APIC", 3),
                                       (dsdt_table, b"DSDT", 2)):
        assert (table[:4], table[8], sum(table) & 0xFF) == (signature, revision, 0)
        assert table[10:24] == b"X86   X86BOARD" and table[28:32] == b"X86 "
    assert dsdt_table[36:] == dsdt.definition_block()
    assert len(BUILT.tables) + 16 + acpi.RSDP_SIZE <= acpi.SIZE


def test_fields_of_the_fadt():
    fadt = tables.fadt(0x1111_1110, 0x2222_2240)
    assert len(fadt) == word(fadt, 4, 4) == 244
    assert (word(fadt, 36, 4), word(fadt, 132, 8)) == (0x2222_2240,) * 2                # FIRMWARE_CTRL
    assert (word(fadt, 40, 4), word(fadt, 140, 8)) == (0x1111_1110,) * 2                # DSDT
    assert (fadt[45], word(fadt, 46, 2)) == (1, 9)                                      # a desktop; SCI
    assert (word(fadt, 48, 4), fadt[52], fadt[53]) == (0xB2, 0xF1, 0xF0)                # SMI_CMD, on, off
    for offset, extended, length, value in ((56, 148, 88, (0x600, 4)), (60, 160, 88, None), (64, 172, 89, (0x604, 2)),
                                            (68, 184, 89, None), (72, 196, 90, None), (76, 208, 91, (0x608, 4)),
                                            (80, 220, 92, (0xAFE0, 4)), (84, 232, 93, None)):
        port, size = value or (0, fadt[length])
        assert (word(fadt, offset, 4), fadt[length]) == (port, size)
        assert (word(fadt, extended + 4, 8), fadt[extended + 1]) == (port, 8 * size if value else 0)
        assert fadt[extended] == (1 if value else 0)
    assert (fadt[108], word(fadt, 109, 2), word(fadt, 112, 4)) == (0x32, 0x000B, 0x0465)
    assert (fadt[116:120], word(fadt, 120, 8), fadt[128]) == (b"\1\x08\0\1", 0xCF9, 6)  # RESET_REG


def test_fields_of_the_madt():
    """Processor 0, the I/O APIC, where IRQ 0 and the level-triggered ones go, NMI."""
    madt = tables.madt_table()
    assert (word(madt, 36, 4), word(madt, 40, 4)) == (0xFEE0_0000, 1)
    entries, at = [], 44
    while at < len(madt):
        entries.append(madt[at:at + madt[at + 1]].hex(" "))
        at += madt[at + 1]
    assert at == len(madt)
    assert entries == ["00 08 00 00 01 00 00 00", "01 0c 00 00 00 00 c0 fe 00 00 00 00", "02 0a 00 00 02 00 00 00 00 00",
                       *(f"02 0a 00 {irq:02x} {irq:02x} 00 00 00 0d 00" for irq in (5, 9, 10, 11)), "04 06 ff 00 00 01"]


def test_a_machine_without_apics_has_no_madt():
    with_apic, without = BUILT, acpi.build(BASE, FACS, apic=False)
    assert b"APIC" in with_apic.tables and b"APIC" not in without.tables


def test_facs():
    assert BUILT.facs == b"FACS" + struct.pack("<I", 64) + bytes(24) + b"\1" + bytes(31)
    assert len(BUILT.facs) == acpi.FACS_SIZE


@pytest.mark.parametrize("base, facs", [(BASE + 8, FACS), (0, FACS), (-16, FACS), ((1 << 32) - 0x1000, FACS),
                                        (BASE, FACS + 16), (BASE, 0), (BASE, 1 << 32)])
def test_addresses_where_tables_cannot_be(base, facs):
    with pytest.raises(ValueError, match="cannot be at"):
        acpi.build(base, facs)


def test_install_writes_what_build_gives():
    memory = Machine("64M").memory
    root = acpi.install(memory, BASE, FACS)
    assert BASE < root < BASE + acpi.SIZE - acpi.RSDP_SIZE and root % 16 == 0
    assert memory.read(root, 36) == BUILT.rsdp
    assert memory.read(BASE, len(BUILT.tables)) == BUILT.tables
    assert memory.read(FACS, 64) == BUILT.facs


# ---- ACPICA ---------------------------------------------------------------------------------------------------------

def run(tool, *arguments, cwd):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed (acpica-tools)")
    return subprocess.run([tool, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_iasl_reads_every_table_with_a_header(tmp_path):
    for name, data in (("dsdt", tables.dsdt_table()), ("facp", tables.fadt(BASE, FACS)), ("facs", tables.facs()),
                       ("rsdt", tables.rsdt(BASE)), ("xsdt", tables.xsdt(BASE))):
        (tmp_path / f"{name}.dat").write_bytes(data)
        done = run("iasl", "-d", f"{name}.dat", cwd=tmp_path)
        assert done.returncode == 0 and (tmp_path / f"{name}.dsl").exists(), done.stderr
        words = done.stdout + done.stderr + (tmp_path / f"{name}.dsl").read_text()
        assert not re.search(r"error|warning|invalid|unknown|incorrect", words, re.IGNORECASE), name


def test_iasl_makes_the_same_bytes_of_what_it_reads(tmp_path):
    (tmp_path / "dsdt.aml").write_bytes(tables.dsdt_table())
    run("iasl", "-d", "dsdt.aml", cwd=tmp_path)
    done = run("iasl", "-on", "-p", "again", "dsdt.dsl", cwd=tmp_path)       # -on: names as they are written
    assert "0 Errors, 0 Warnings, 0 Remarks" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "again.aml").read_bytes()[36:] == dsdt.definition_block()


def execute(tmp_path, *commands):
    """What ACPICA's interpreter prints; it plays the PIIX3's registers itself, all 0 at first."""
    (tmp_path / "dsdt.aml").write_bytes(tables.dsdt_table())
    done = run("acpiexec", "-b", ";".join(f"execute {command}" for command in commands), "dsdt.aml", cwd=tmp_path)
    assert done.returncode == 0 and not re.search(r"error|warning|AE_", done.stdout + done.stderr, re.IGNORECASE)
    return done.stdout


def test_a_link_goes_where_it_is_led(tmp_path):
    link = r"\_SB.LNKC"
    lines = execute(tmp_path, rf"{link}._STA", rf"{link}._SRS (89 06 00 0D 01 0B 00 00 00)", rf"{link}._CRS",
                    rf"{link}._DIS", rf"{link}._STA", rf"{link}._CRS", rf"{link}._SRS (89 06 00 0D 01 05 00 00 00)",
                    rf"{link}._STA", rf"{link}._CRS")
    assert re.findall(r"\[Integer\] = (\w+)", lines) == ["%016X" % state for state in (0x0B, 0x09, 0x0B)]
    assert re.findall(r"0000: 89 06 00 0D 01 (\w\w) 00 00 00 79 00", lines) == ["0B", "00", "05"]


def test_objects_have_the_types_that_their_names_ask_for(tmp_path):
    execute(tmp_path, r"\_S5", r"\_SB.PCI0._CRS", r"\_SB.LNKA._PRS", r"\_SB.PCI0.ISA.COM1._CRS")


# ---- the board keeps what the tables promise -----------------------------------------------------------------------

def test_the_registers_are_where_the_fadt_says():
    machine = Machine("16M")
    bus, fadt = machine.bus, tables.FADT.parse(tables.fadt(BASE, FACS)[36:])
    assert machine.devices["pm"].base == fadt.pm1a_evt_blk
    bus.write(fadt.smi_cmd, fadt.acpi_enable, 1)
    assert bus.read(fadt.pm1a_cnt_blk, 2) & 1                           # SCI_EN
    bus.write(fadt.pm1a_evt_blk + fadt.pm1_evt_len // 2, 0x0100, 2)
    machine.devices["pm"].power_button()
    assert bus.read(fadt.pm1a_evt_blk, 2) & 0x0100
    bus.write(fadt.pm1a_evt_blk, 0x0100, 2)
    assert not bus.read(fadt.pm1a_evt_blk, 2) & 0x0100
    bus.write(fadt.gpe0_blk + fadt.gpe0_blk_len // 2, 0x5A, 1)
    assert bus.read(fadt.gpe0_blk + fadt.gpe0_blk_len // 2, 1) == 0x5A
    assert bus.owner(fadt.pm_tmr_blk) == "PM timer"
    bus.write(fadt.smi_cmd, fadt.acpi_disable, 1)
    assert not bus.read(fadt.pm1a_cnt_blk, 2) & 1


CODE = 0x7000


def ends(machine, source):
    """How a machine ends that runs these bytes in real mode."""
    machine.memory.write(CODE, source)
    machine.cpu.cs, machine.cpu.rip = 0, CODE
    return machine.run(max_instructions=1000)


def out16(port, value):
    return b"\xBA" + port.to_bytes(2, "little") + b"\xB8" + value.to_bytes(2, "little") + b"\xEF"


def test_s5_switches_off():
    fadt = tables.FADT.parse(tables.fadt(BASE, FACS)[36:])
    name, rest = dsdt.definition_block()[:6], dsdt.definition_block()[6:]
    assert name == b"\x08\\_S5_" and rest[:1] == b"\x12"
    sleep_type = {0: 0, 1: 1, 0x0A: rest[4]}[rest[3]]                   # the package's first element
    stop = ends(Machine("16M"), out16(fadt.pm1a_cnt_blk, sleep_type << 10 | 1 << 13) + b"\xF4")
    assert stop.kind == "poweroff" and "ACPI" in stop.message


def test_the_reset_register_resets():
    machine = Machine("16M")
    machine.no_reboot = True
    fadt = tables.FADT.parse(tables.fadt(BASE, FACS)[36:])
    code = b"\xBA" + fadt.reset_reg.address.to_bytes(2, "little") + b"\xB0" + bytes([fadt.reset_value]) + b"\xEE\xF4"
    assert ends(machine, code).kind == "reset"


def described_ports():
    """Every port that an IO descriptor in the ISA bridge names: (first, count)."""
    return [(first, count) for kind, _, first, last, _, count in
            (struct.unpack("<BBHHBB", match) for match in re.findall(rb"\x47\x01....\x01.", dsdt.ISA, re.DOTALL))
            if first == last]


def test_every_described_port_is_somebodys():
    bus = Machine("16M").bus
    found = described_ports()
    assert len(found) == 19
    assert [hex(first) for first, _ in found if not bus.owner(first)] == []


def test_every_device_with_ports_is_described():
    """But for the VGA and the PCI bus's own, which PCI0 has, and ports that are there for delay and debugging."""
    bus = Machine("16M").bus
    described = {port for first, count in described_ports() for port in range(first, first + count)}
    rest = {bus.owner(port) for port in range(0x10000) if bus.owner(port) and port not in described}
    assert rest == {"vga", "dispi", "pci", "POST codes", "debug console", "delay", "debug_exit"}


def test_resource_descriptors_of_the_specification():
    assert resources.IRQNoFlags(8) == bytes.fromhex("22 00 01")
    assert resources.DMA(4) == bytes.fromhex("2A 10 02") and resources.DMA(1, 3) == bytes.fromhex("2A 0A 00")
    assert resources.Interrupt(5, 10) == bytes.fromhex("89 0A 00 0D 02 05 00 00 00 0A 00 00 00")
    assert resources.ports(0x3F8, 8) == bytes.fromhex("47 01 F8 03 F8 03 01 08")
    assert resources.WordBusNumber(0, 255) == bytes.fromhex("88 0D 00 02 0C 00 00 00 00 00 FF 00 00 00 00 01")
    assert resources.DWordMemory(0xA0000, 0xBFFFF, cacheable=True) == bytes.fromhex(
        "87 17 00 00 0C 03 00 00 00 00 00 00 0A 00 FF FF 0B 00 00 00 00 00 00 00 02 00")


def test_first_pins_of_neighbouring_slots_are_on_different_lines():
    rows = re.findall(rb"\x12.\x04\x0C\xFF\xFF(.)\x00(\x00|\x01|\x0A.)(LNK.)\x00", dsdt.routing(), re.DOTALL)
    entries = {(slot[0], pin[-1]): link for slot, pin, link in rows}
    assert len(entries) == 31 * 4 - 1                                   # pin A of slot 1 is SCI's
    assert [entries[slot, 0] for slot in range(2, 7)] == [b"LNKB", b"LNKC", b"LNKD", b"LNKA", b"LNKB"]
    assert [entries[3, pin] for pin in range(4)] == [b"LNKC", b"LNKD", b"LNKA", b"LNKB"]
