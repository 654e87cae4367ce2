"""x87, MMX and SSE state: what FNINIT, FXSAVE and their kin keep, when they refuse; SSE moves between registers."""
import struct

import pytest
from machines import flat64
from protected import Guest

EM, TS, MP = 4, 8, 2
IMAGE = struct.pack("<HHBxHQQII", 0x27F, 5 << 11 | 0x41, 0xA5, 0x123, 0x0022334455667788, 0x99AABBCCDDEEFF00, 0x1FA0, 0xFFFF)
REGISTERS = b"".join(bytes([16 * i + j for j in range(10)]) + bytes(6) for i in range(8))
VECTORS = bytes(range(256))


def enabled(code, **options):
    """64-bit code with CR4.OSFXSR."""
    machine = flat64(code, **options)
    machine.cpu.cr4 |= 0x200
    machine.no_reboot = True
    return machine


def test_fxrstor_and_fxsave_are_a_round_trip():
    machine = enabled("o64 fxrstor [0x5000]\no64 fxsave [0x6000]\nfnstcw [0x7000]\nfnstsw [0x7002]\nstmxcsr [0x7004]\nhlt")
    machine.memory.write(0x5000, IMAGE + REGISTERS + VECTORS)
    machine.run(max_instructions=6)
    assert machine.memory.read(0x6000, 416) == IMAGE + REGISTERS + VECTORS
    assert struct.unpack("<HHI", machine.memory.read(0x7000, 8)) == (0x27F, 5 << 11 | 0x41, 0x1FA0)


def test_fxsave_outside_64_bit_code_knows_eight_vectors():
    guest = Guest("fxrstor [0x5000]\nfxsave [0x6000]\nhlt")
    guest.cpu.cr4 |= 0x200
    guest.memory.write(0x5000, IMAGE + REGISTERS + VECTORS)
    guest.memory.write(0x6000, b"\xEE" * 512)
    guest.run()
    saved = guest.memory.read(0x6000, 512)
    assert saved[160:288] == VECTORS[:128] and saved[288:] == b"\xEE" * 224
    assert saved[8:16] == struct.pack("<IHxx", 0x55667788, 0)                   # FIP, FCS


def test_fnsave_frstor_and_the_full_tag_word():
    """FXSAVE has one bit a register, FNSAVE two; and ST(i) is physical register TOP + i."""
    machine = enabled("o64 fxrstor [0x5000]\nfnsave [0x6000]\nfrstor [0x6000]\no64 fxsave [0x7000]\nhlt")
    zero, normal, special = bytes(10), bytes(7) + b"\x80\xFF\x3F", bytes(8) + b"\xFF\x7F"
    stack = [zero, normal, special, normal, zero, special, normal, zero]
    machine.memory.write(0x5000, IMAGE + b"".join(value + bytes(6) for value in stack) + VECTORS)
    machine.run(max_instructions=5)
    control, status, tags = struct.unpack("<IIIxxxxxxxxxxxxxxxx", machine.memory.read(0x6000, 28))
    assert (control & 0xFFFF, status & 0xFFFF) == (0x27F, 5 << 11 | 0x41)
    kinds = {id(zero): 1, id(normal): 0, id(special): 2}
    expected = sum((kinds[id(stack[(i - 5) % 8])] if 0xA5 >> i & 1 else 3) << 2 * i for i in range(8))
    assert tags & 0xFFFF == expected
    assert machine.memory.read(0x7000, 8) == IMAGE[:8]
    assert machine.memory.read(0x7020, 128) == b"".join(value + bytes(6) for value in stack)


def test_fninit_empties_all_and_turns_the_stack_to_0():
    machine = enabled("o64 fxrstor [0x5000]\nfninit\no64 fxsave [0x6000]\nhlt")
    machine.memory.write(0x5000, IMAGE + REGISTERS + VECTORS)
    machine.run(max_instructions=4)
    assert machine.memory.read(0x6000, 24) == struct.pack("<HHB", 0x37F, 0, 0) + bytes(19)
    saved = machine.memory.read(0x6020, 128)                                    # register 0 was ST(3) while TOP was 5
    assert [saved[16 * i] for i in range(8)] == [16 * ((i - 5) % 8) for i in range(8)]


def test_fldcw_makes_an_old_exception_pending():
    machine = enabled("o64 fxrstor [0x5000]\nmov rax, cr0\nor al, 0x20\nmov cr0, rax\nfldcw [0x5200]\nfnstsw ax\nwait\nhlt")
    machine.memory.write(0x5000, IMAGE + REGISTERS + VECTORS)
    machine.memory.write_u16(0x5200, 0x33E)                                     # unmasks the invalid operation
    machine.run(max_instructions=20)
    assert machine.cpu.ax == 5 << 11 | 0x41 | 0x8080 and machine.cpu.events[0].vector == 16


def test_emms_empties_all_and_turns_the_stack_to_0():
    machine = enabled("emms\nhlt")
    machine.cpu.fxsave = IMAGE + REGISTERS + VECTORS + bytes(96)
    machine.run(max_instructions=1)
    saved = machine.cpu.fxsave
    assert saved[:5] == struct.pack("<HHB", 0x27F, 0x41, 0) and saved[8:32] == IMAGE[8:28] + bytes(4)
    assert [saved[32 + 16 * i] for i in range(8)] == [16 * ((i - 5) % 8) for i in range(8)]


@pytest.mark.parametrize("code, events, pointer", [("db 0xDB, 0xE0", 0, 0x0022334455667788), ("fnop", 16, 0x0022334455667788),
                                                   ("fnclex\nfnop", 0, 0x100002)])
def test_what_waits_for_a_pending_exception(code, events, pointer):
    machine = enabled(code + "\nhlt")
    machine.cpu.cr0 |= 0x20                                                     # NE
    machine.cpu.fxsave = struct.pack("<HH", 0x33E, 0x80C1) + (IMAGE + REGISTERS + VECTORS + bytes(96))[4:]
    machine.run(max_instructions=2)
    vector = machine.cpu.events[0].vector if machine.cpu.events else 0
    assert (vector, struct.unpack_from("<Q", machine.cpu.fxsave, 8)[0]) == (events, pointer)


@pytest.mark.parametrize("code, flags, vector", [
    ("fninit", EM, 7), ("fninit", TS, 7), ("wait", TS, None), ("wait", TS | MP, 7), ("wait", EM, None),
    ("fnstsw ax", EM | TS, 7), ("fxsave [0x5000]", TS, 7), ("fxsave [0x5000]", EM, 7), ("ldmxcsr [0x5000]", TS, 7),
    ("ldmxcsr [0x5000]", EM, 6), ("movups xmm0, [0x5000]", EM, 6), ("movups xmm0, [0x5000]", TS, 7), ("emms", EM, 6),
    ("emms", TS, 7)])
def test_cr0_switches_it_off(code, flags, vector):
    machine = enabled(f"{code}\nhlt")
    machine.cpu.cr0 |= flags
    machine.run(max_instructions=3)
    assert [event.vector for event in machine.cpu.events][:1] == ([vector] if vector else [])


def test_without_osfxsr_there_is_no_sse():
    machine = flat64("fxsave [0x5000]\nmovups xmm0, [0x5000]\nhlt")
    machine.no_reboot = True
    machine.run(max_instructions=5)
    assert [event.vector for event in machine.cpu.events][:1] == [6] and machine.memory.read_u32(0x501C) == 0xFFFF


@pytest.mark.parametrize("name, aligned", [("movaps", True), ("movups", False), ("movdqa", True), ("movdqu", False),
                                           ("movapd", True), ("movupd", False)])
def test_128_bit_moves(name, aligned):
    machine = enabled(f"{name} xmm9, [0x5000]\n{name} xmm2, xmm9\n{name} [0x6010], xmm2\n{name} xmm3, [0x5001]\nmov bl, 1\nhlt")
    machine.memory.write(0x5000, VECTORS[16:48])
    machine.run(max_instructions=6)
    assert machine.memory.read(0x6010, 16) == VECTORS[16:32]
    assert [(event.vector, event.error) for event in machine.cpu.events][:1] == ([(13, 0)] if aligned else [])
    assert machine.cpu.bl == (not aligned)


def test_a_store_across_two_pages_writes_both_or_none():
    guest = Guest("movups xmm0, [0x5000]\nmovups [0x17fff8], xmm0\nmovups [0x3ffff8], xmm0", bits=64)
    guest.cpu.cr4 |= 0x200
    guest.memory.write(0x5000, VECTORS[1:17])
    guest.run()
    assert guest.handler == 14 and guest.cpu.cr2 == 0x400000
    assert guest.memory.read(0x17FFF8, 16) == VECTORS[1:17] and guest.memory.read(0x3FFFF8, 8) == bytes(8)


def test_narrow_moves_clear_the_rest_and_xor_clears_all():
    machine = enabled("""
        movups xmm0, [0x5000]
        movups xmm1, xmm0
        movq xmm2, xmm0
        movups [0x6000], xmm2
        movd eax, xmm0
        movq rbx, xmm0
        mov rcx, -1
        movd xmm3, ecx
        movups [0x6010], xmm3
        movq xmm4, rcx
        movups [0x6020], xmm4
        pxor xmm1, [0x5010]
        movups [0x6030], xmm1
        xorps xmm0, xmm0
        movups [0x6040], xmm0
        movq [0x6050], xmm2
        hlt""")
    machine.memory.write(0x5000, VECTORS[0x41:0x51] + b"\xFF" * 16)
    machine.memory.write(0x6000, b"\xEE" * 0x60)
    assert machine.run(max_instructions=20).kind == "hang"
    low = VECTORS[0x41:0x49]
    assert machine.memory.read(0x6000, 16) == low + bytes(8) and machine.memory.read(0x6050, 16) == low + b"\xEE" * 8
    assert (machine.cpu.rax, machine.cpu.rbx) == (0x44434241, int.from_bytes(low, "little"))
    assert machine.memory.read(0x6010, 32) == b"\xFF" * 4 + bytes(12) + b"\xFF" * 8 + bytes(8)
    assert machine.memory.read(0x6030, 32) == bytes(~byte & 0xFF for byte in VECTORS[0x41:0x51]) + bytes(16)
