"""Other people's multiboot kernels, from Debian's packages, as far as this board takes them."""
from __future__ import annotations

import pytest

import boot
import payloads
from executables import MB, Segment, elf
from x86.machine import Machine


def started(package, limit, until=None, memory="64M", **options):
    """The machine, with a kernel of `package` (see payloads.PACKAGES) run until the serial port shows `until`, or it stops."""
    try:
        kernel = payloads.from_package(package, payloads.PACKAGES[package])
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")
    machine = Machine(memory)
    boot.kernel(machine, kernel, **options)
    stop = machine.run(limit, until=until and (lambda machine: until in machine.serial.text), every=100_000)
    assert stop.kind == ("until" if until else "hang"), (stop.kind, machine.serial.text[-1500:])
    return machine


def test_the_specification_s_own_example(tmp_path):
    """It asks for a graphics mode and writes characters into the text memory; then it stops."""
    module = tmp_path / "module"
    module.write_bytes(b"a module")
    machine = started("multiboot", 1_000_000, append="hello there", modules=[(module, "first a=1")])
    text = machine.memory.read(0xB8000, 4000)[::2].decode("latin-1")
    for words in ("flags = 0x126d", "mem_lower = 639KB", "kernel hello there", "mods_count = 1", "cmdline = first a=1",
                  "num = 17, size = 0x28", "length = 0x000010000, type = 0x2", "Halted."):
        assert words in text, text
    assert machine.devices["dispi"].enabled and machine.devices["dispi"].size == (1024, 768)


@pytest.mark.deep
@pytest.mark.parametrize("protocol, base", [("multiboot", "0"), ("multiboot2", "0x1fa00000")])
def test_xen(tmp_path, protocol, base):
    """Up to where it misses a local APIC, and gives up. It takes the first word of its command line for its own name."""
    append = "console=com1 com1=115200,8n1 loglvl=all noreboot"
    domain = tmp_path / "domain"
    domain.write_bytes(elf([Segment(MB, b"\xf4")], MB, 64))
    machine = started("xen-hypervisor-4.17-amd64", 200_000_000, memory="512M", protocol=protocol,
                      append=append if protocol == "multiboot" else f"xen {append}", modules=[domain])
    for words in (f"Command line: {append}", f"Xen image load base address: {base}\r", "ACPI: FACP", "SMBIOS 3.0 present",
                  "ACPI: SLEEP INFO"):
        assert words in machine.serial.text


@pytest.mark.deep
def test_gnu_mach():
    machine = started("gnumach-image-1.8-486", 400_000_000, "No bootstrap code loaded", append="console=com0")
    assert "RTC time is 20" in machine.serial.text
