r"""The differentiated system description: which devices the board has, where they are, and how it is switched off.

    \_S5                    what to write into PM1 control to switch off
    \_SB
      PCI0  PNP0A03         the host bridge: which buses, ports and addresses lie behind it, who interrupts by which link
        ISA                 the PIIX3, at device 1, function 0
          PIC DMA TMR RTC SPKR FPU PS2K PS2M COM1 FWCF RES
      LNKA LNKB LNKC LNKD   PNP0C0F: the four PCI interrupt lines, each of which the PIIX3 leads to an input of the 8259s,
                            and to that of the I/O APIC with the same number
      CPU0  ACPI0007        the processor, which is that of the MADT

The power button is a fixed one, in PM1 status. There are no \_S1 to \_S4: nothing sleeps here.

Source: ACPI Specification 6.5, chapters 5 to 7; Intel 82371AB (PIIX4, 290562) and 82371SB (PIIX3, 290550) data sheets for
PIRQRCA-D and sleep types; Microsoft's list of PNP IDs (devids.txt).
"""
from __future__ import annotations

import functools

from boot.acpi.aml import (EISAID, And, Arg0, ByteAcc, CreateDWordField, Device, Field, If, Method, Name, NoLock,
                           OperationRegion, Package, PCI_Config, Preserve, Return, Scope, Store, String)
from boot.acpi.resources import (DMA, IO, DWordMemory, Interrupt, IRQNoFlags, ResourceTemplate, WordBusNumber, WordIO,
                                 ports)
from boot.layout import PCI_MEMORY, PCI_MEMORY_END
from x86.devices.pm import BASE, EVENTS, EVENTS_SIZE, OLD_CONTROL, PORTS, SCI, SMI_COMMAND, SOFT_OFF

PIRQ_ROUTES = 0x60                      # of the PIIX3: a byte a line; 7 off   3..0 input of the 8259s
PIRQ_OFF = 0x80
PIRQ_INPUTS = (5, 10, 11)               # those of the 8259s that nothing else uses
DISABLED, ENABLED = 0x09, 0x0B          # _STA: 3 works   1 decodes what it is told   0 is there
LINES = "ABCD"
SLOTS = range(1, 32)


def isa_device(name: str, plug_and_play: str | bytes, *descriptors: bytes, more: tuple[bytes, ...] = ()) -> bytes:
    """A device that is always there, and always uses the same."""
    identity = EISAID(plug_and_play) if isinstance(plug_and_play, str) else plug_and_play
    return Device(name, Name("_HID", identity), *more, Name("_CRS", ResourceTemplate(*descriptors)))


ISA = Device(
    "ISA",
    Name("_ADR", 0x0001_0000),
    OperationRegion("PIRQ", PCI_Config, PIRQ_ROUTES, 4),
    Field("PIRQ", ByteAcc, NoLock, Preserve, *((f"PIR{line}", 8) for line in LINES)),
    isa_device("PIC", "PNP0000", ports(0x20, 2), ports(0xA0, 2), ports(0x4D0, 2), IRQNoFlags(2)),
    isa_device("DMA", "PNP0200", ports(0x00, 16), ports(0x81, 15), ports(0xC0, 32), DMA(4)),
    isa_device("TMR", "PNP0100", ports(0x40, 4), IRQNoFlags(0)),
    isa_device("RTC", "PNP0B00", ports(0x70, 2), IRQNoFlags(8)),
    isa_device("SPKR", "PNP0800", ports(0x61, 1)),
    isa_device("FPU", "PNP0C04", ports(0xF0, 2), IRQNoFlags(13)),
    isa_device("PS2K", "PNP0303", ports(0x60, 1), ports(0x64, 1), IRQNoFlags(1)),
    isa_device("PS2M", "PNP0F13", IRQNoFlags(12)),
    isa_device("COM1", "PNP0501", ports(0x3F8, 8), IRQNoFlags(4), more=(Name("_UID", 1),)),
    isa_device("FWCF", String("QEMU0002"), ports(0x510, 2)),
    isa_device("RES", "PNP0C02", ports(0x92, 1), ports(SMI_COMMAND, 2), ports(BASE, PORTS), ports(EVENTS, EVENTS_SIZE),
               ports(OLD_CONTROL, 2)))


def routing() -> bytes:
    r"""_PRT: (slot and all its functions, pin, link, index in the link's _CRS). Pin A of slot 1 is line A, of slot 2 line B,
    and so on round the four, so that the first pins, which most cards use alone, are spread over the lines.

    The PIIX4's power management says pin A too, but its SCI is wired to IRQ 9: no link, but a number."""
    entries = [Package(slot << 16 | 0xFFFF, pin, f"LNK{LINES[(slot - 1 + pin) % 4]}", 0)
               for slot in SLOTS for pin in range(4) if (slot, pin) != (1, 0)]
    return Name("_PRT", Package(Package(0x0001_FFFF, 0, 0, SCI), *entries))


def link(line: str) -> bytes:
    """One of the four lines: _PRS where it may go, _CRS where it goes, _SRS leads it there, _DIS nowhere."""
    route = rf"\_SB.PCI0.ISA.PIR{line}"
    return Device(
        f"LNK{line}",
        Name("_HID", EISAID("PNP0C0F")),
        Name("_UID", LINES.index(line) + 1),
        Name("_PRS", ResourceTemplate(Interrupt(*PIRQ_INPUTS))),
        Name("NOW", ResourceTemplate(Interrupt(0))),
        CreateDWordField("NOW", 5, "INPT"),
        Method("_STA", 0, If(And(route, PIRQ_OFF), Return(DISABLED)), Return(ENABLED)),
        Method("_CRS", 0, And(route, 0x0F, "INPT"), Return("NOW")),
        Method("_SRS", 1, CreateDWordField(Arg0, 5, "WISH"), Store("WISH", route), serialized=True),
        Method("_DIS", 0, Store(PIRQ_OFF, route)))


PCI0 = Device(
    "PCI0",
    Name("_HID", EISAID("PNP0A03")),
    Name("_UID", 0),                                            # UEFI's device paths call it so: PciRoot(0x0)
    Name("_CRS", ResourceTemplate(
        WordBusNumber(0, 0xFF),
        IO(0xCF8, 0xCF8, 1, 8),                                 # its own: the way to the configuration space
        WordIO(0, 0xCF7),
        WordIO(0xD00, 0xFFFF),
        DWordMemory(0xA0000, 0xBFFFF, cacheable=True),          # the VGA's windows
        DWordMemory(PCI_MEMORY, PCI_MEMORY_END - 1))),
    routing(),
    ISA)


CPU0 = Device("CPU0", Name("_HID", String("ACPI0007")), Name("_UID", 0))


@functools.cache
def definition_block() -> bytes:
    """The terms behind the table's header; the same for every machine."""
    return Name("\\_S5", Package(SOFT_OFF, SOFT_OFF, 0, 0)) + Scope("\\_SB", PCI0, *map(link, LINES), CPU0)
