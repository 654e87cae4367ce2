"""VEX prefixes as such: what is none, what is #UD, how they end. The instructions are in instructions/bmi.ins."""
import pytest
from machines import flat32, real

from x86 import decode
from x86.isa import table

DECODED, NEED_MORE = 0, 1


@pytest.mark.parametrize("code, why", [
    ("c4 e2 74 f2 c2", "L is 1"),
    ("c4 e2 71 f2 c2", "pp is 66"),
    ("c4 e3 73 f0 c2 03", "RORX has no vvvv, which is not 1111b"),
    ("c4 e0 70 f2 c2", "map 0"),
    ("c4 e1 70 f2 c2", "another map: 0F"),
    ("c4 e4 70 f2 c2", "map 4"),
    ("c4 f2 70 f2 c2", "map 12h"),
    ("c5 f0 f2 c2", "two bytes: the map is 0F"),
    ("66 c4 e2 70 f2 c2", "66 before it"), ("f2 c4 e2 70 f2 c2", "F2 before it"), ("f3 c4 e2 70 f2 c2", "F3 before it"),
    ("f0 c4 e2 70 f2 c2", "LOCK before it"), ("48 c4 e2 70 f2 c2", "REX before it"),
])
def test_undefined(code, why):
    found = decode(bytes.fromhex(code))
    assert found.form is None and found.status not in (DECODED, NEED_MORE), why


@pytest.mark.parametrize("prefix", ["", "64", "67", "2e"])
def test_prefixes_that_may_stand_before_it(prefix):
    assert decode(bytes.fromhex(prefix + "c4 e2 70 f2 02")).form.mnemonic == "andn"


@pytest.mark.parametrize("code", ["c4 e2 70 f2 82 78 56 34 12", "64 c4 e3 7b f0 44 88 10 05", "c4 42 78 f2 c9"])
@pytest.mark.parametrize("bits", [32, 64])
def test_every_beginning_needs_more(code, bits):
    whole = bytes.fromhex(code)
    if bits == 32 and (whole[-4] if whole[0] != 0x64 else whole[2]) < 0xC0:
        return
    assert decode(whole, bits=bits).length == len(whole)
    for count in range(1, len(whole)):
        assert decode(whole[:count], bits=bits).status == NEED_MORE


@pytest.mark.parametrize("bits", [16, 32])
def test_les_and_lds_are_what_they_were(bits):
    """With a memory operand; with two registers, which they never had, it is VEX."""
    for modrm in range(256):
        for opcode, name in ((0xC4, "les"), (0xC5, "lds")):
            found = decode(bytes((opcode, modrm)) + bytes(13), bits=bits)
            assert (found.form is not None and found.form.mnemonic == name) == (modrm < 0xC0)


def test_registers_9_to_15_exist_in_64_bit_code_only():
    code = bytes.fromhex("c4 c2 30 f2 c2")              # B inverted 0, vvvv 9
    wide, narrow = decode(code, bits=64), decode(code, bits=32)
    assert (wide.vvvv, wide.rm) == (9, 10) and (narrow.vvvv, narrow.rm) == (1, 2)


def test_v86_code_has_no_vex():
    machine = flat32(b"")
    machine.memory.write(0x10000, bytes.fromhex("c4 e2 70 f2 c2 f4"))
    cpu = machine.cpu
    for name in ("cs", "ss", "ds", "es"):
        cpu.set_segment(name, 0x1000, 0x10000, 0xFFFF, 0xF3)
    cpu.rip, cpu.rflags = 0, 0x20002
    cpu.set_segment("ss", 0x1000, 0x10000, 0xFFFF, 0xF3)        # now with VM set
    assert cpu.mode == "v86"
    machine.run(max_instructions=1)
    assert cpu.events[0].vector == 6


def test_a_block_of_16_bit_protected_code_does_not_serve_real_mode():
    """The same bytes at the same place, decoded once: the check is the instruction's own."""
    machine = real(bytes.fromhex("c4 e2 70 f2 c2 f4"))
    cpu = machine.cpu
    cpu.cr0 = 0x11
    cpu.ecx, cpu.edx = 0xF0, 0xFF
    machine.run(max_instructions=1)
    assert not cpu.events and cpu.eax == 0x0F
    cpu.cr0, cpu.rip = 0x10, 0x7C00
    machine.run(max_instructions=1)
    assert cpu.events[-1].vector == 6


# ---- the notation -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("encoding, operands, places", [
    ("VEX.128.0F.WIG 58 /r", "xmm, xmm, xmm/m128", ("reg", "vvvv", "rm")),
    ("VEX.256.66.0F.WIG 28 /r", "ymm, ymm/m256", ("reg", "rm")),
    ("VEX.256.66.0F.WIG 29 /r", "ymm/m256, ymm", ("rm", "reg")),
    ("VEX.128.66.0F38.W0 2E /r", "m128, xmm, xmm", ("rm", "vvvv", "reg")),
    ("VEX.128.66.0F.WIG 73 /3 ib", "xmm, xmm, imm8u", ("vvvv", "rm", "")),
    ("VEX.128.0F.WIG 12 /r", "xmm, xmm, xmm", ("reg", "vvvv", "rm")),
    ("VEX.LZ.0F38 F7 /r", "ry, r/my, ry", ("reg", "rm", "vvvv")),
    ("VEX.LZ.0F38 F3 /3", "ry, r/my", ("vvvv", "rm")),
    ("VEX.LIG.F3.0F.WIG 2D /r", "ry, xmm/m32", ("reg", "rm")),
])
def test_operands_stand_where_the_manual_has_them(encoding, operands, places):
    assert table.Form("x", encoding, operands, "test").places == places


def test_words_of_the_notation():
    form = table.Form("x", "VEX.256.F2.0F3A.W1 66 /r ib", "ymm, ymm/m256, imm8u", "test")
    assert (form.map, form.opcode, form.prefix, form.vex_l, form.rex_w) == (7, 0x66, "F2", 1, 1)
    form = table.Form("x", "VEX.LIG.0F.WIG 10 /r", "xmm, xmm/m32", "test")
    assert (form.map, form.prefix, form.vex_l, form.rex_w) == (5, "NP", None, None)
    for bad in ("VEX.129.0F 10 /r", "VEX.LZ.0F39 10 /r"):
        with pytest.raises(table.RowError):
            table.Form("x", bad, "ry, r/my", "test")


def test_too_many_registers_are_refused():
    with pytest.raises(table.RowError):
        table.Form("x", "0F 10 /r", "rv, rv, r/mv", "test")
