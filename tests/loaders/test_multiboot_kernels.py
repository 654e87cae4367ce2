"""Other people's multiboot kernels, from Debian's packages, as far as this board takes them."""
from __future__ import annotations

import pytest

import boot
import payloads
from executables import MB, Segment, elf
from x86.machine import Machine


def started(package, limit, until, memory="64M", **options):
    """The machine, with a kernel of `package` (see payloads.PACKAGES) run until the serial port shows `until`, or it stops."""
    try:
        kernel = payloads.from_package(package, payloads.PACKAGES[package])
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")
    machine = Machine(memory)
    boot.kernel(machine, kernel, **options)
    machine.run(limit, until=lambda machine: until in machine.serial.text, every=100_000)
    return machine


def test_the_specification_s_own_example():
    """It asks for a graphics mode, and draws a line of blue from corner to corner of what it is told."""
    machine = started("multiboot", 1_000_000, "it has no serial port")
    screen = machine.devices["dispi"]
    assert screen.enabled and screen.size == (1024, 768) and screen.depth == 32
    for dot in (0, 1, 400, 767):
        line = machine.memory.read(screen.start + dot * screen.pitch, screen.pitch)
        assert [at // 4 for at in range(0, len(line), 4) if line[at:at + 4] == b"\xff\0\0\0"] == [dot]


@pytest.mark.deep
@pytest.mark.parametrize("protocol, base", [("multiboot", "0"), ("multiboot2", "0x1fa00000")])
def test_xen(tmp_path, protocol, base):
    """Up to where it knows the tables. It takes the first word of its command line for its own name."""
    append = "console=com1 com1=115200,8n1 loglvl=all noreboot"
    domain = tmp_path / "domain"
    domain.write_bytes(elf([Segment(MB, b"\xf4")], MB, 64))
    machine = started("xen-hypervisor-4.17-amd64", 200_000_000, "ACPI: SLEEP INFO", "512M", protocol=protocol,
                      append=append if protocol == "multiboot" else f"xen {append}", modules=[domain])
    for words in (f"Command line: {append}", f"Xen image load base address: {base}\r", "ACPI: FACP", "SMBIOS 3.0 present",
                  "ACPI: SLEEP INFO"):
        assert words in machine.serial.text


@pytest.mark.deep
def test_gnu_mach():
    machine = started("gnumach-image-1.8-486", 400_000_000, "No bootstrap code loaded", append="console=com0")
    assert "RTC time is 20" in machine.serial.text and "No bootstrap code loaded" in machine.serial.text
