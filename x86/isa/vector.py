"""One instruction in its encodings for MMX, SSE and AVX: what the rows of the vector families are written with.

    packed("paddb", "FC", "Add bytes.", "add_lanes", (8,), mmx="MMX")

gives PADDB mm, mm/m64; PADDB xmm, xmm/m128; VPADDB xmm, xmm, xmm/m128 and VPADDB ymm, ymm, ymm/m256. The first constant of
the handler is the unit: MMX, SSE or VEX (x86/_vector.pxd).
"""
from x86.isa.table import instruction

MMX, SSE, VEX = 2, 4, 8


def packed(name, opcode, summary, handler, constants=(), *, prefix="66", space="0F", mmx="", sse="SSE2", avx="AVX",
           avx256="AVX2", sources=2, immediate="", w="WIG", tail="", flags="", last=None, **attributes):
    """Rows for all encodings of an instruction on whole vectors.

    mmx, sse, avx, avx256: the feature that brought the encoding with mm, xmm, VEX.128 and VEX.256; "" where there is none.
    sources: 2, of which VEX names the first one in vvvv; 1: the only one is r/m. immediate: "imm8u" or "".
    tail: what follows the opcode besides /r (/6, say). last: {register: r/m operand} where that is not of the register's
    width, {"ymm": "xmm/m128"}. attributes go to every form. Returns the rows (None for one that has no form)."""
    more = f", {immediate}" if immediate else ""
    end = f"{opcode} {tail or '/r'}" + (" ib" if immediate else "")
    legacy = " ".join((space[:2], space[2:])).strip()
    last = {"mm": "mm/m64", "xmm": "xmm/m128", "ymm": "ymm/m256"} | (last or {})
    older = instruction(name, flags, summary) if mmx or sse else None
    newer = instruction(f"v{name}", flags, summary) if avx or avx256 else None
    for register, feature, words, unit in (("mm", mmx, "NP", MMX), ("xmm", sse, prefix, SSE)):
        if feature:
            older.form(f"{words} {legacy} {end}", f"{register}, {last[register]}{more}", handler=handler,
                       constants=(unit, *constants), cpuid=feature, **attributes)
    for length, register, feature in (("128", "xmm", avx), ("256", "ymm", avx256)):
        if feature:
            words = f"VEX.{length}.{'' if prefix == 'NP' else prefix + '.'}{space}.{w}"
            newer.form(f"{words} {end}", ", ".join([register] * sources) + f", {last[register]}{more}", handler=handler,
                       constants=(VEX, *constants), cpuid=feature, **attributes)
    return older, newer
