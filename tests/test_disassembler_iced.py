"""The disassembler against iced-x86's NASM formatter: the same text for any bytes, up to the spelling in iced_spelling.py.

5,000 random strings for each code size by default, and a stretch of two real programs; with X86_TEST_PROFILE=deep half a
million, and every instruction of the programs (where the decoder is compared at every byte)."""
from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

pytest.importorskip("iced_x86", reason="iced-x86 is not installed")

import encodings_of_forms as encodings
import iced_machine
import random_code
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from iced_spelling import differ
from iced_x86 import Decoder, Formatter, FormatterSyntax, Instruction, MemorySizeOptions
from random_code import LAYOUTS, SIZE
from test_decoder_iced import check

from x86.disassembler import disassemble
from x86.isa import table

DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
STRINGS = 500_000 if DEEP else 5_000
STRETCH = None if DEEP else 60_000                  # bytes of a program
ORIGIN = 0x1000
BITS = (16, 32, 64)
PROGRAMS = ("/usr/bin/python3", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3")


def our_style():
    formatter = Formatter(FormatterSyntax.NASM)
    formatter.hex_prefix, formatter.hex_suffix, formatter.uppercase_hex = "0x", "", False
    formatter.space_after_operand_separator = True
    formatter.add_leading_zero_to_hex_numbers = formatter.branch_leading_zeros = False
    formatter.displacement_leading_zeros = formatter.show_branch_size = False
    formatter.memory_size_options = MemorySizeOptions.ALWAYS
    formatter.use_pseudo_ops = False                    # cmpps xmm0, xmm1, 0x0, not cmpeqps xmm0, xmm1
    return formatter.format


def difference(code, bits, instruction, text_of, rip=ORIGIN):
    """A line about what the two say, or None: of an instruction of this machine, which iced has decoded already."""
    ours, length = disassemble(code, rip, bits)
    theirs = text_of(instruction)
    if length != instruction.len or differ(ours, theirs, bits):
        return f"{bits} {code[:instruction.len].hex(' ')}: {ours!r}, iced: {theirs!r}"
    return None


def compare(data, bits):
    """Every SIZE bytes of `data`."""
    decoder, instruction, text_of = Decoder(bits, data), Instruction(), our_style()
    legal, wrong, compared = iced_machine.legal(bits), [], 0
    for at in range(0, len(data), SIZE):
        decoder.position, decoder.ip = at, ORIGIN
        decoder.decode_out(instruction)
        if legal[instruction.code]:
            compared += 1
            wrong.append(difference(data[at:at + SIZE], bits, instruction, text_of))
    wrong = list(filter(None, wrong))
    assert not wrong, f"{len(wrong)} differences in {compared}\n" + "\n".join(wrong[:30])


@pytest.mark.parametrize("bits", BITS)
def test_every_form(bits):
    choose = random.Random(1)
    forms = [form for form in table.forms() if encodings.exists_in(form, bits)]
    compare(b"".join(encodings.encode(form, bits, choose) + b"\0" for form in forms for _ in range(10)), bits)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_strings(layout, bits):
    compare(random_code.strings(layout, STRINGS // len(LAYOUTS), bits), bits)


# ---- programs -----------------------------------------------------------------------------------------------------------

def code_of(path):
    """[(address, bytes)] of the sections of an ELF file for x86-64 that hold code."""
    if not Path(path).exists():
        pytest.skip(f"needs {path}")
    with open(path, "rb") as file:
        elf = ELFFile(file)
        if elf["e_machine"] != "EM_X86_64":
            pytest.skip(f"{path} is no x86-64 program")
        return [(section["sh_addr"], section.data()) for section in elf.iter_sections()
                if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program):
    """Length, legality and text, instruction by instruction; and at every byte, as one in the middle would be decoded."""
    text_of, legal, wrong, compared = our_style(), iced_machine.legal(64), [], 0
    for address, data in code_of(program):
        data = data[:STRETCH]
        check(data, 64, step=1)
        decoder, instruction = Decoder(64, data, ip=address), Instruction()
        while decoder.can_decode:
            at = decoder.position
            decoder.decode_out(instruction)
            if legal[instruction.code]:
                compared += 1
                wrong.append(difference(data[at:at + SIZE], 64, instruction, text_of, instruction.ip))
            elif instruction.is_invalid:
                decoder.position, decoder.ip = at + 1, address + at + 1
    wrong = list(filter(None, wrong))
    assert compared > 1000 and not wrong, f"{len(wrong)} differences in {compared}\n" + "\n".join(wrong[:30])
