"""Elements that are repeated: MOVDDUP MOVSHDUP MOVSLDUP, and one for the whole register: VBROADCAST*, VPBROADCAST*."""
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX, packed

for _name, _prefix, _odd, _which in (("movsldup", "F3", 0, "even"), ("movshdup", "F3", 1, "odd")):
    packed(_name, "16" if _odd else "12", f"Copy each {_which} single to both places of its pair.", "duplicate_lanes", (32, _odd),
           prefix=_prefix, sse="SSE3", avx256="AVX", operands="r, r/m")

MOVDDUP = instruction("movddup", summary="Copy the lower double to both halves.")
MOVDDUP.form("F2 0F 12 /r", "xmm, xmm/m64", handler="duplicate_lanes", constants=(SSE, 64, 0), cpuid="SSE3")

VMOVDDUP = instruction("vmovddup", summary="Copy each even double to both places of its pair.")
VMOVDDUP.form("VEX.128.F2.0F.WIG 12 /r", "xmm, xmm/m64", handler="duplicate_lanes", constants=(VEX, 64, 0), cpuid="AVX")
VMOVDDUP.form("VEX.256.F2.0F.WIG 12 /r", "ymm, ymm/m256", handler="duplicate_lanes", constants=(VEX, 64, 0), cpuid="AVX")


def broadcast(name, opcode, lane, lengths, memory="", register=""):
    """Rows of an instruction that fills a register of each of `lengths` with the lowest `lane` bits of its operand.

    memory, register: the features that brought it for the two kinds of operands; "" where there is none."""
    row = instruction(name, summary=f"Fill a register with copies of {lane} bits.")
    for length in lengths:
        to = {128: "xmm", 256: "ymm"}[length]
        sources = (((f"xmm/m{lane}", memory),) if memory == register else ((f"m{lane}", memory), ("xmm", register)))
        for source, feature in sources:
            if feature:
                row.form(f"VEX.{length}.66.0F38.W0 {opcode} /r", f"{to}, {source}", size=length, handler="broadcast_lane",
                         constants=(VEX, lane), cpuid=feature)


broadcast("vbroadcastss", "18", 32, (128, 256), "AVX", "AVX2")
broadcast("vbroadcastsd", "19", 64, (256,), "AVX", "AVX2")
broadcast("vbroadcastf128", "1A", 128, (256,), "AVX")
broadcast("vbroadcasti128", "5A", 128, (256,), "AVX2")
for _letter, _opcode, _lane in (("b", "78", 8), ("w", "79", 16), ("d", "58", 32), ("q", "59", 64)):
    broadcast(f"vpbroadcast{_letter}", _opcode, _lane, (128, 256), "AVX2", "AVX2")
