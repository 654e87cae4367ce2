"""x87 exceptions as the PC/AT has them: FERR#, IRQ 13, port F0h, IGNNE#."""
from __future__ import annotations

import pytest
from machines import assemble, real

ERROR = 0x8084                          # B, ES and ZE of the status word

# 1 / 0, and then an instruction that meets the exception. INT 75h is at 0x500
GUEST = """
        fninit
        fldcw   [control]
        fldz
        fld1
        fdiv    st0, st1
        nop
        WAITS
        hlt
control: dw 0x37B                       ; Z is not masked
"""
HANDLER = """
        inc     bx
        out     0F0h, al
        fld1                            ; IGNNE#: the exception does not matter here
        fnstsw  ax
        fnclex
        mov     al, 20h
        out     0A0h, al
        out     20h, al
        iret
"""


@pytest.mark.parametrize("port", [0xF0, 0xF1])
def test_port_clears_irq_13(pics, port):
    pics.devices["coprocessor"].error()
    assert pics.intr
    pics.write(port, 0)
    assert not pics.intr


@pytest.mark.parametrize("fsw, cr0, ignored", [(ERROR, 0, True), (ERROR, 0x20, False), (0, 0, False)])
def test_ignne_lasts_as_long_as_ferr(pics, fsw, cr0, ignored):
    pics.cpu.fsw, pics.cpu.cr0 = fsw, cr0
    pics.write(0xF0, 0)
    assert pics.cpu.ignore_error is ignored


def guest(instruction="fld1"):
    """A machine with GUEST at 7C00h and the handler at 500h, which is INT 75h."""
    machine = real(GUEST.replace("WAITS", instruction))
    machine.memory.write(0x500, assemble(HANDLER, 16, 0x500))
    machine.memory.write_u32(0x75 * 4, 0x500)
    bus = machine.bus
    for port, base, cascade in ((0x20, 0x08, 0x04), (0xA0, 0x70, 0x02)):
        for offset, value in ((0, 0x11), (1, base), (1, cascade), (1, 0x01), (1, 0xFB if port == 0x20 else 0xDF)):
            bus.write(port + offset, value, 1)
    return machine


def test_a_real_mode_guest_handles_int_75h():
    machine = guest()
    machine.cpu.rflags |= 0x200
    machine.run(1000)
    cpu = machine.cpu
    assert cpu.bx == 1                                          # one interrupt
    assert cpu.ax & 0xFF == 0x20
    assert cpu.fsw & 0xFF == 0
    assert not cpu.ignore_error                                 # FNCLEX took FERR# away
    assert (cpu.fsw >> 11 & 7, cpu.ftw) == (4, 0xF0)            # FLDZ FLD1, FLD1 in the handler, and the one that waited
    event = next(event for event in cpu.events if event.vector == 0x75)
    assert machine.memory.read(event.rip, 2) == b"\xD9\xE8"     # the interrupt came in front of the second FLD1


@pytest.mark.parametrize("instruction, code", [("fld1", "d9e8"), ("wait", "9b"), ("emms", "0f77"), ("fstp dword [600h]", "d91e")])
def test_without_an_interrupt_the_instruction_waits(instruction, code):
    machine = guest(instruction)
    machine.cpu.rflags &= ~0x200
    stop = machine.run(1000)
    assert stop.kind == "hang"
    assert machine.memory.read(machine.cpu.rip, 2).hex().startswith(code)
    assert machine.cpu.fsw & 0xFF == ERROR & 0xFF


def test_with_ne_it_is_a_fault():
    machine = guest()
    machine.cpu.cr0 |= 0x20
    machine.memory.write_u32(16 * 4, 0x500)
    machine.run(1000)
    assert [event.vector for event in machine.cpu.events][0] == 16
