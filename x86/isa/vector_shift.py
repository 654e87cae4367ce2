"""PSLL PSRL PSRA by one count, VPSLLV VPSRLV VPSRAV by one for each lane, PSLLDQ PSRLDQ by bytes."""
from x86.isa.table import instruction
from x86.isa.vector import MMX, SSE, VEX, packed

LEFT, RIGHT, ARITHMETIC = "Shift lanes left.", "Shift lanes right.", "Shift signed lanes right."
COUNT = {"ymm": "xmm/m128"}                             # where the count is: its low 64 bits


def by_immediate(older, newer, opcode, digit, handler, constants, mmx="MMX"):
    """/digit ib: the register is r/m, and under VEX the destination is vvvv."""
    end = f"{opcode} /{digit} ib"
    if mmx:
        older.form(f"NP 0F {end}", "mm, imm8u", handler=handler, constants=(MMX, *constants), cpuid=mmx)
    older.form(f"66 0F {end}", "xmm, imm8u", handler=handler, constants=(SSE, *constants), cpuid="SSE2")
    for length, register, cpuid in (("128", "xmm", "AVX"), ("256", "ymm", "AVX2")):
        newer.form(f"VEX.{length}.66.0F.WIG {end}", f"{register}, {register}, imm8u", handler=handler,
                   constants=(VEX, *constants), cpuid=cpuid)


for _name, _opcode, _immediate, _digit, _what, _bits, _summary in (
        ("psllw", "F1", "71", 6, "LEFT", 16, LEFT), ("pslld", "F2", "72", 6, "LEFT", 32, LEFT),
        ("psllq", "F3", "73", 6, "LEFT", 64, LEFT),
        ("psrlw", "D1", "71", 2, "RIGHT", 16, RIGHT), ("psrld", "D2", "72", 2, "RIGHT", 32, RIGHT),
        ("psrlq", "D3", "73", 2, "RIGHT", 64, RIGHT),
        ("psraw", "E1", "71", 4, "ARITHMETIC_RIGHT", 16, ARITHMETIC),
        ("psrad", "E2", "72", 4, "ARITHMETIC_RIGHT", 32, ARITHMETIC)):
    _rows = packed(_name, _opcode, _summary, "shift_lanes", (_what, _bits), mmx="MMX", last=COUNT)
    by_immediate(*_rows, _immediate, _digit, "shift_lanes_by_immediate", (_what, _bits))

for _name, _opcode, _w, _what, _bits, _summary in (
        ("psllvd", "47", "W0", "LEFT", 32, LEFT), ("psllvq", "47", "W1", "LEFT", 64, LEFT),
        ("psrlvd", "45", "W0", "RIGHT", 32, RIGHT), ("psrlvq", "45", "W1", "RIGHT", 64, RIGHT),
        ("psravd", "46", "W0", "ARITHMETIC_RIGHT", 32, ARITHMETIC)):
    packed(_name, _opcode, _summary.replace(".", ", each by a count of its own."), "shift_each", (_what, _bits), space="0F38",
           sse="", avx="AVX2", w=_w)

for _name, _digit, _what, _summary in (("pslldq", 7, "LEFT", "Shift 128 bits left by bytes."),
                                       ("psrldq", 3, "RIGHT", "Shift 128 bits right by bytes.")):
    by_immediate(instruction(_name, summary=_summary), instruction(f"v{_name}", summary=_summary), "73", _digit,
                 "shift_bytes", (_what,), mmx="")
