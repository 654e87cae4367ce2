"""One instruction in its encodings for MMX, SSE and AVX: what the rows of the vector families are written with.

    packed("paddb", "FC", "Add bytes.", "lanes", ("ADD", "UNSIGNED", 8), mmx="MMX")

gives PADDB mm, mm/m64; PADDB xmm, xmm/m128; VPADDB xmm, xmm, xmm/m128 and VPADDB ymm, ymm, ymm/m256. The first constant of
the handler is the unit: MMX, SSE or VEX (x86/_vector.pxd).
"""
from x86.isa.table import instruction

MMX, SSE, VEX = 2, 4, 8


def packed(name, opcode, summary, handler, constants=(), *, prefix="66", space="0F", mmx="", sse="SSE2", avx="AVX",
           avx256="AVX2", sources=2, operands="", last=None, immediate="", w="WIG", tail="", flags="", rows=None, **attributes):
    """Rows for all encodings of an instruction on whole vectors.

    mmx, sse, avx, avx256: the feature that brought the encoding with mm, xmm, VEX.128 and VEX.256; "" where there is none.
    sources: 2, of which VEX names the first one in vvvv; 1: the only one is r/m. immediate: "imm8u" or "".
    operands: them as a whole, where they are others: "r/m, r" is xmm/m128, xmm and ymm/m256, ymm; "m, r" has memory only.
    last: {register: r/m operand} where that is not of the register's width, {"ymm": "xmm/m128"}.
    tail: what follows the opcode besides /r (/6, say). rows: the two of an earlier call, which get these forms, too.
    attributes go to every form. Returns the rows of the older and of the VEX encodings, None for one that has no form."""
    end = f"{opcode} {tail or '/r'}" + (" ib" if immediate else "")
    last = {"mm": "mm/m64", "xmm": "xmm/m128", "ymm": "ymm/m256"} | (last or {})
    legacy = " ".join((space[:2], space[2:])).strip()
    pp = "" if prefix == "NP" else f"{prefix}."
    older, newer = rows or (None, None)
    older = older or ((mmx or sse) and instruction(name, flags, summary) or None)
    newer = newer or ((avx or avx256) and instruction(f"v{name}", flags, summary) or None)

    def text(register, registers):
        names = {"r/m": last[register], "m": last[register].split("/")[1], "r": register}
        parts = operands.split(", ") if operands else ["r"] * registers + ["r/m"]
        return ", ".join([names[part] for part in parts] + [immediate] * bool(immediate))

    for row, register, feature, encoding, unit, registers in (
            (older, "mm", mmx, f"NP {legacy}", MMX, 1), (older, "xmm", sse, f"{prefix} {legacy}", SSE, 1),
            (newer, "xmm", avx, f"VEX.128.{pp}{space}.{w}", VEX, sources),
            (newer, "ymm", avx256, f"VEX.256.{pp}{space}.{w}", VEX, sources)):
        if feature:
            row.form(f"{encoding} {end}", text(register, registers), handler=handler, constants=(unit, *constants), cpuid=feature,
                     **attributes)
    return older, newer


def scalar(name, opcode, summary, handler, constants=(), *, prefix, bits, space="0F", sse="SSE2", avx="AVX", sources=2,
           immediate="", w="WIG", **attributes):
    """Rows for an instruction on the lowest element, of `bits` bits: xmm, xmm/m32 and with VEX xmm, xmm, xmm/m32. As packed()."""
    more = f", {immediate}" if immediate else ""
    end = f"{opcode} /r" + (" ib" if immediate else "")
    legacy = " ".join((space[:2], space[2:])).strip()
    if sse:
        instruction(name, summary=summary).form(f"{prefix} {legacy} {end}", f"xmm, xmm/m{bits}{more}", handler=handler,
                                                constants=(SSE, *constants), cpuid=sse, **attributes)
    words = f"VEX.LIG.{'' if prefix == 'NP' else prefix + '.'}{space}.{w}"
    instruction(f"v{name}", summary=summary).form(f"{words} {end}", "xmm, " * sources + f"xmm/m{bits}{more}", handler=handler,
                                                  constants=(VEX, *constants), cpuid=avx, **attributes)
