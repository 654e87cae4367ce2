"""One instruction in its encodings for MMX, SSE and AVX: what the rows of the vector families are written with.

    packed("paddb", "FC", "Add bytes.", "add_lanes", (8,), mmx="MMX")

gives PADDB mm, mm/m64; PADDB xmm, xmm/m128; VPADDB xmm, xmm, xmm/m128 and VPADDB ymm, ymm, ymm/m256. The first constant of
the handler is the unit: MMX, SSE or VEX (x86/_vector.pxd).
"""
from x86.isa.table import instruction

MMX, SSE, VEX = 2, 4, 8


def packed(name, opcode, summary, handler, constants=(), *, prefix="66", space="0F", mmx="", sse="SSE2", avx="AVX",
           avx256="AVX2", sources=2, operands="", immediate="", w="WIG", tail="", rows=None, **attributes):
    """Rows for all encodings of an instruction on whole vectors.

    mmx, sse, avx, avx256: the feature that brought the encoding with mm, xmm, VEX.128 and VEX.256; "" where there is none.
    sources: 2, of which VEX names the first one in vvvv; 1: the only one is r/m. immediate: "imm8u" or "".
    operands: them as a whole, where they are others: "r/m, r" is xmm/m128, xmm and ymm/m256, ymm; "m, r" has memory only.
    tail: what follows the opcode besides /r (/6, say). rows: the two of an earlier call, which get these forms, too.
    attributes go to every form. Returns the rows of the older and of the VEX encodings."""
    more = f", {immediate}" if immediate else ""
    end = f"{opcode} {tail or '/r'}" + (" ib" if immediate else "")
    older, newer = rows or (sse or mmx) and (instruction(name, summary=summary), None) or (None, None)
    legacy = " ".join((space[:2], space[2:])).strip()

    def text(register, bits, registers):
        names = {"r/m": f"{register}/m{bits}", "m": f"m{bits}", "r": register}
        return ", ".join(names[part] for part in operands.split(", ")) if operands else \
            ", ".join([register] * registers + [names["r/m"]])

    if mmx:
        older.form(f"NP {legacy} {end}", text("mm", 64, 1) + more, handler=handler, constants=(MMX, *constants), cpuid=mmx,
                   **attributes)
    if sse:
        older.form(f"{prefix} {legacy} {end}", text("xmm", 128, 1) + more, handler=handler, constants=(SSE, *constants),
                   cpuid=sse, **attributes)
    for bits, register, feature in ((128, "xmm", avx), (256, "ymm", avx256)):
        if feature:
            newer = newer or instruction(f"v{name}", summary=summary)
            words = f"VEX.{bits}.{'' if prefix == 'NP' else prefix + '.'}{space}.{w}"
            newer.form(f"{words} {end}", text(register, bits, sources) + more, handler=handler,
                       constants=(VEX, *constants), cpuid=feature, **attributes)
    return older, newer
