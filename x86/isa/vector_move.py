"""Whole vector registers: MOVAPS MOVUPS MOVDQA MOVDQU and their kin, LDDQU, MOVNT*, VZEROALL VZEROUPPER.

The second constant is 1 where memory must be aligned to the size of the operand. MOVNT*, which pass by the caches of a
processor that has some, are the same instructions under other names.
"""
from x86.isa.table import instruction
from x86.isa.vector import MMX, VEX, packed

for _name, _prefix, _load, _store, _aligned, _sse, _what in (
        ("movups", "NP", "10", "11", 0, "SSE", "Copy packed singles."),
        ("movupd", "66", "10", "11", 0, "SSE2", "Copy packed doubles."),
        ("movaps", "NP", "28", "29", 1, "SSE", "Copy packed singles, aligned in memory."),
        ("movapd", "66", "28", "29", 1, "SSE2", "Copy packed doubles, aligned in memory."),
        ("movdqa", "66", "6F", "7F", 1, "SSE2", "Copy packed integers, aligned in memory."),
        ("movdqu", "F3", "6F", "7F", 0, "SSE2", "Copy packed integers.")):
    _rows = packed(_name, _load, _what, "load_vector", (_aligned,), prefix=_prefix, sse=_sse, avx256="AVX", operands="r, r/m")
    packed(_name, _store, _what, "store_vector", (_aligned,), prefix=_prefix, sse=_sse, avx256="AVX", operands="r/m, r",
           rows=_rows)

for _name, _prefix, _opcode, _sse in (("movntps", "NP", "2B", "SSE"), ("movntpd", "66", "2B", "SSE2"),
                                      ("movntdq", "66", "E7", "SSE2")):
    packed(_name, _opcode, "Store a vector, aligned, past the caches.", "store_vector", (1,), prefix=_prefix, sse=_sse,
           avx256="AVX", operands="m, r")

packed("movntdqa", "2A", "Load a vector, aligned, past the caches.", "load_vector", (1,), space="0F38", sse="SSE4_1",
       operands="r, m")
packed("lddqu", "F0", "Load packed integers from any address.", "load_vector", (0,), prefix="F2", sse="SSE3", avx256="AVX",
       operands="r, m")

MOVNTQ = instruction("movntq", summary="Store an MMX register, past the caches.")
MOVNTQ.form("NP 0F E7 /r", "m64, mm", handler="store_vector", constants=(MMX, 0), cpuid="SSE")

MOVNTI = instruction("movnti", summary="Store a general register, past the caches.")
MOVNTI.form("NP 0F C3 /r", "my, ry", cpuid="SSE2")

for _name, _length, _whole, _what in (("vzeroupper", "128", 0, "Clear the upper halves of all vector registers."),
                                      ("vzeroall", "256", 1, "Clear all vector registers.")):
    instruction(_name, summary=_what).form(f"VEX.{_length}.0F.WIG 77", handler="clear_vectors", constants=(VEX, _whole),
                                           cpuid="AVX")
