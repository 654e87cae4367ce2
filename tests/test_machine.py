"""The machine as a whole: repeatable to the bit, snapshots that bring everything back, limits, ends."""
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import CODE, TABLES, flat64

from x86 import Machine
from x86.machine import parse_size

BUSY = """
        mov rdi, 80000h
        mov ecx, 100000
.again: mov rax, rcx
        imul rax, rax, 37
        mov [rdi], rax
        add rdi, 8
        and rdi, 0FFFFFh
        or rdi, 80000h
        push rax
        pop rbx
        add rdx, rbx
        dec ecx
        jnz .again
        jmp $
"""


def test_the_same_run_twice_ends_in_the_same_state():
    digests = []
    for _ in range(2):
        machine = flat64(BUSY, fill="random:7")
        machine.run(max_instructions=500_000)
        digests.append(machine.snapshot().digest())
    assert digests[0] == digests[1]


@given(st.integers(0, 60_000), st.integers(0, 60_000))
def test_a_snapshot_in_the_middle_ends_there_too(first, second):
    machine = flat64(BUSY)
    machine.run(max_instructions=first)
    middle = machine.snapshot()
    machine.run(max_instructions=second)
    end = machine.snapshot().digest()
    machine.restore(middle)
    assert machine.time == first
    assert machine.snapshot().digest() == middle.digest()
    machine.run(max_instructions=second)
    assert machine.snapshot().digest() == end


def test_a_snapshot_restores_into_another_machine_and_through_pickle():
    machine = flat64(BUSY)
    machine.run(max_instructions=12_345)
    snapshot = pickle.loads(pickle.dumps(machine.snapshot()))
    machine.run(max_instructions=10_000)
    other = Machine("4M")
    other.restore(snapshot)
    other.run(max_instructions=10_000)
    assert other.snapshot().digest() == machine.snapshot().digest()


def test_snapshots_share_pages_that_did_not_change():
    machine = flat64(BUSY)
    machine.run(max_instructions=1000)
    first = machine.snapshot()
    machine.run(max_instructions=20)
    second = machine.snapshot()
    shared = [frame for frame in first.pages if first.pages[frame] is second.pages.get(frame)]
    assert len(shared) >= len(first.pages) - 3


def test_until_and_limit():
    machine = flat64(BUSY)
    assert machine.run(max_instructions=1000).kind == "limit"
    assert machine.time == 1000
    stop = machine.run(until=lambda m: m.cpu.ecx < 99_000, every=100)
    assert stop.kind == "until"
    assert 98_900 < machine.cpu.ecx < 99_000


def test_hlt_without_interrupts_is_a_hang():
    machine = flat64("cli\n hlt")
    stop = machine.run(max_instructions=100)
    assert stop.kind == "hang"
    assert machine.cpu.rip == CODE + 2


def test_memory_fill_is_reproducible():
    first, second, other = (Machine("1M", fill=f"random:{seed}") for seed in (1, 1, 2))
    assert first.memory[0x5000:0x6000] == second.memory[0x5000:0x6000] != other.memory[0x5000:0x6000]


@pytest.mark.parametrize("text, size", [("64M", 64 << 20), ("1G", 1 << 30), ("640K", 640 << 10), ("4096", 4096), (8192, 8192)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "64MB", "-1M", "x"])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError, match="memory size"):
        parse_size(text)


def test_registers_by_name():
    cpu = Machine("1M").cpu
    cpu.rax = 0x1122334455667788
    assert (cpu.eax, cpu.ax, cpu.ah, cpu.al) == (0x55667788, 0x7788, 0x77, 0x88)
    cpu.ah = 0xFF
    assert cpu.rax == 0x112233445566FF88
    cpu.eax = 1
    assert cpu.rax == 1
    cpu.zf, cpu.sf, cpu.pf = 1, 1, 0
    assert (cpu.zf, cpu.sf, cpu.pf, cpu.cf) == (1, 1, 0, 0)
    with pytest.raises(AttributeError, match="no register 'rxx'"):
        cpu.rxx = 1


def test_reset_state_is_the_manuals():
    """SDM Vol. 3, table of processor states following power-up."""
    cpu = Machine("1M").cpu
    assert (cpu.rip, cpu.rflags, cpu.cr0, cpu.cr3, cpu.cr4, cpu.efer) == (0xFFF0, 2, 0x60000010, 0, 0, 0)
    assert cpu.segment("cs")[1:] == (0xF000, 0xFFFF0000, 0xFFFF, 0x9B)
    for name in ("ds", "es", "ss", "fs", "gs"):
        assert cpu.segment(name)[1:] == (0, 0, 0xFFFF, 0x93)
    assert cpu.gdtr == cpu.idtr == (0, 0xFFFF)
    assert (cpu.dr6, cpu.dr7) == (0xFFFF0FF0, 0x400)
    assert (cpu.rax, cpu.rsp) == (0, 0)
    assert cpu.mode == "real"


def test_a_snapshot_has_the_translations_of_code():
    """Tables that changed without an INVLPG: the code runs on, before and after."""
    machine = flat64(f"mov qword [{TABLES + 0x2000:#x}], 0\nmov ecx, 100\nagain: dec ecx\njnz again\nmov eax, [0x100000]")
    machine.no_reboot = True
    machine.run(max_instructions=10)
    snapshot = machine.snapshot()
    machine.run(max_instructions=400)
    first = machine.time, machine.cpu.rip, machine.cpu.ecx
    machine.restore(snapshot)
    machine.run(max_instructions=400)
    assert (machine.time, machine.cpu.rip, machine.cpu.ecx) == first and machine.cpu.ecx == 0
