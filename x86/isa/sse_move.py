"""MOVAPS MOVUPS MOVDQA MOVDQU MOVQ MOVD and their kin: SSE as compilers use it to copy.

The constant of the 128-bit moves is 1 where the memory operand must be aligned to 16 bytes.
"""
from x86.isa.table import instruction

for _name, _load, _store, _aligned, _cpuid, _what in (
        ("movups", "NP 0F 10", "NP 0F 11", 0, "SSE", "Copy 128 bits."),
        ("movupd", "66 0F 10", "66 0F 11", 0, "SSE2", "Copy 128 bits."),
        ("movaps", "NP 0F 28", "NP 0F 29", 1, "SSE", "Copy 128 bits, aligned in memory."),
        ("movapd", "66 0F 28", "66 0F 29", 1, "SSE2", "Copy 128 bits, aligned in memory."),
        ("movdqa", "66 0F 6F", "66 0F 7F", 1, "SSE2", "Copy 128 bits, aligned in memory."),
        ("movdqu", "F3 0F 6F", "F3 0F 7F", 0, "SSE2", "Copy 128 bits.")):
    _row = instruction(_name, summary=_what)
    _row.form(f"{_load} /r", "xmm, xmm/m128", size=128, slow=True, handler="load_vector", constants=(_aligned,),
              cpuid=_cpuid)
    _row.form(f"{_store} /r", "xmm/m128, xmm", size=128, slow=True, handler="store_vector", constants=(_aligned,),
              cpuid=_cpuid)

for _name, _encoding, _cpuid in (
        ("movntps", "NP 0F 2B", "SSE"), ("movntpd", "66 0F 2B", "SSE2"), ("movntdq", "66 0F E7", "SSE2")):
    instruction(_name, summary="Store 128 aligned bits, past the caches.").form(
        f"{_encoding} /r", "m128, xmm", size=128, slow=True, handler="store_vector", constants=(1,), cpuid=_cpuid)

MOVNTI = instruction("movnti", summary="Store a general register, past the caches.")
MOVNTI.form("NP 0F C3 /r", "my, ry", slow=True, cpuid="SSE2")

MOVQ = instruction("movq", summary="Copy 64 bits; the upper half of a register becomes 0.")
MOVQ.form("F3 0F 7E /r", "xmm, xmm/m64", size=64, slow=True, handler="load_quadword", cpuid="SSE2")
MOVQ.form("66 0F D6 /r", "xmm/m64, xmm", size=64, slow=True, handler="store_quadword", cpuid="SSE2")

MOVD = instruction("movd", summary="Copy 32 or 64 bits between a general and a vector register; the rest becomes 0.")
MOVD.form("66 0F 6E /r", "xmm, r/my", slow=True, handler="general_to_vector", names={64: "movq"}, cpuid="SSE2")
MOVD.form("66 0F 7E /r", "r/my, xmm", slow=True, handler="vector_to_general", names={64: "movq"}, cpuid="SSE2")
