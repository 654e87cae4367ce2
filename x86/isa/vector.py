"""One instruction in its encodings for MMX, SSE and AVX: what the rows of the vector families are written with.

    packed("paddb", "FC", "Add bytes.", "add_lanes", (8,), mmx="MMX")

gives PADDB mm, mm/m64; PADDB xmm, xmm/m128; VPADDB xmm, xmm, xmm/m128 and VPADDB ymm, ymm, ymm/m256. The first constant of
the handler is the unit: MMX, SSE or VEX (x86/_vector.pxd).
"""
from x86.isa.table import instruction

MMX, SSE, VEX = 2, 4, 8


def packed(name, opcode, summary, handler, constants=(), *, prefix="66", space="0F", mmx="", sse="SSE2", avx="AVX",
           avx256="AVX2", sources=2, immediate="", w="WIG", tail="", **attributes):
    """Rows for all encodings of an instruction on whole vectors.

    mmx, sse, avx, avx256: the feature that brought the encoding with mm, xmm, VEX.128 and VEX.256; "" where there is none.
    sources: 2, of which VEX names the first one in vvvv; 1: the only one is r/m. immediate: "imm8u" or "".
    tail: what follows the opcode besides /r (/6, say). attributes go to every form."""
    more = f", {immediate}" if immediate else ""
    end = f"{opcode} {tail or '/r'}" + (" ib" if immediate else "")
    older, newer = instruction(name, summary=summary), None
    legacy = " ".join((space[:2], space[2:])).strip()
    if mmx:
        older.form(f"NP {legacy} {end}", f"mm, mm/m64{more}", handler=handler, constants=(MMX, *constants), cpuid=mmx,
                   **attributes)
    if sse:
        older.form(f"{prefix} {legacy} {end}", f"xmm, xmm/m128{more}", handler=handler, constants=(SSE, *constants), cpuid=sse,
                   **attributes)
    for length, register, feature in (("128", "xmm", avx), ("256", "ymm", avx256)):
        if feature:
            newer = newer or instruction(f"v{name}", summary=summary)
            words = f"VEX.{length}.{'' if prefix == 'NP' else prefix + '.'}{space}.{w}"
            newer.form(f"{words} {end}", ", ".join([register] * sources) + f", {register}/m{length}{more}", handler=handler,
                       constants=(VEX, *constants), cpuid=feature, **attributes)
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
