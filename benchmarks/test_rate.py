"""Instructions a second, in loops that show one thing each. `extra_info` has millions a second.

64-bit code, identity-mapped by pages of 2 MB; the figures for whole programs come from side_by_side.py.
"""
from __future__ import annotations

import struct
import time

import pytest
from x86 import Machine

CODE, TABLES = 0x100000, 0x10000
ACCESS_CODE, ACCESS_DATA = 0xA09B, 0xC093       # G, L or D/B, present, DPL 0, code or data (see x86/registers.py)

LOOPS = {
    # inc eax; dec ecx; jnz
    "registers": "FF C0 FF C9 75 FA",
    # mov eax, [rsi]; add eax, edx; mov [rdi], eax; add ebx, eax; dec ecx; jnz
    "load and store": "8B 06 01 D0 89 07 01 C3 FF C9 75 F4",
    # call f; dec ecx; jnz; jmp $; f: ret
    "calls": "E8 06 00 00 00 FF C9 75 F7 EB FE C3",
    # cmp eax, ecx; ja +0; xor eax, 1; dec ecx; jnz
    "branches": "39 C8 77 00 83 F0 01 FF C9 75 F5",
    # mov ebx, eax; and ebx, 0FFCh; mov edx, [rsi+rbx]; xor eax, edx; add eax, 17; dec ecx; jnz
    "indexed loads": "89 C3 81 E3 FC 0F 00 00 8B 14 1E 31 D0 83 C0 11 FF C9 75 EC",
    # mov ebp, ecx; mov ecx, 64; push rsi; push rdi; rep movsb; pop rdi; pop rsi; mov ecx, ebp; dec ecx; jnz
    "rep movsb": "89 CD B9 40 00 00 00 56 57 F3 A4 5F 5E 89 E9 FF C9 75 ED",
}


def machine_with(code):
    """A machine in 64-bit mode at the start of `code`, behind which it stays in a jump to itself."""
    machine = Machine("8M")
    entries = [TABLES + 0x1003] + [0] * 511 + [TABLES + 0x2003] + [0] * 511 + [page << 21 | 0x83 for page in range(512)]
    machine.memory.write(TABLES, struct.pack(f"<{len(entries)}Q", *entries))
    machine.memory.write(CODE, bytes.fromhex(code) + b"\xeb\xfe")
    cpu = machine.cpu
    cpu.cr3, cpu.cr4, cpu.efer, cpu.cr0 = TABLES, 0x20, 0x500, 0x80000011
    cpu.set_segment("cs", 8, 0, 0xFFFFFFFF, ACCESS_CODE)
    for name in ("ds", "es", "ss"):
        cpu.set_segment(name, 16, 0, 0xFFFFFFFF, ACCESS_DATA)
    cpu.rip, cpu.rsp, cpu.rsi, cpu.rdi, cpu.rcx = CODE, 0x80000, 0x200000, 0x300000, 0xFFFFFFFF
    return machine


@pytest.mark.parametrize("name", LOOPS)
def test_rate(benchmark, name):
    machine = machine_with(LOOPS[name])
    count = 20_000_000
    machine.run(max_instructions=100_000)               # decoded, and in the caches
    spent = []

    def run():
        begun = time.process_time()
        machine.run(max_instructions=count)
        spent.append(time.process_time() - begun)
    benchmark.pedantic(run, rounds=5)
    assert CODE <= machine.cpu.rip < CODE + 64
    benchmark.extra_info["million_instructions_a_second"] = round(count / min(spent) / 1e6, 1)


def test_single_steps(benchmark):
    """What a stepper in Python pays for one instruction."""
    machine = machine_with(LOOPS["registers"])
    machine.step(1000)
    benchmark(machine.step)
