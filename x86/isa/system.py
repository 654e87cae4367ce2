"""CLI STI HLT, INVD WBINVD INVLPG, STAC CLAC, UD0 UD1 UD2, CLFLUSH CLFLUSHOPT CLWB and the fences: what has no state."""
from x86.isa.table import instruction

CLI = instruction("cli", flags="writes I", summary="IF = 0: no maskable interrupts.")
CLI.form("FA")

STI = instruction("sti", flags="writes I", summary="IF = 1: interrupts, from the instruction after the next on.")
STI.form("FB", ends=True)

HLT = instruction("hlt", summary="Stop until the next interrupt.")
HLT.form("F4", ends=True)

INVD = instruction("invd", summary="Empty the caches without writing them back: nothing, here.")
INVD.form("0F 08", handler="empty_caches", cpuid="486")

WBINVD = instruction("wbinvd", summary="Write back and empty the caches: nothing, here.")
WBINVD.form("0F 09", handler="empty_caches", cpuid="486")

INVLPG = instruction("invlpg", summary="Drop the TLB entries of the page that the operand lies in.")
INVLPG.form("0F 01 /7", "m8", ends=True, slow=True, cpuid="486")

INVPCID = instruction("invpcid", summary="Drop the TLB entries of a process context, of a page in it, or of all.")
INVPCID.form("66 0F 38 82 /r", "ry, m128", near64=True, ends=True, slow=True, cpuid="INVPCID")

CLAC = instruction("clac", summary="AC = 0: SMAP guards user pages again.")
CLAC.form("NP 0F 01 CA", ends=True, handler="set_access_check", constants=(0,), cpuid="SMAP")

STAC = instruction("stac", summary="AC = 1: supervisor code may use user pages.")
STAC.form("NP 0F 01 CB", ends=True, handler="set_access_check", constants=(1,), cpuid="SMAP")

UD2 = instruction("ud2", summary="Raise #UD.")
UD2.form("0F 0B", ends=True, handler="raise_undefined")

UD1 = instruction("ud1", summary="Raise #UD; the operands are decoded, and nothing more.")
UD1.form("0F B9 /r", "rv, r/mv", ends=True, slow=True, handler="raise_undefined")

UD0 = instruction("ud0", summary="Raise #UD; the operands are decoded, and nothing more.")
UD0.form("0F FF /r", "rv, r/mv", ends=True, slow=True, handler="raise_undefined")

CLFLUSH = instruction("clflush", summary="Write back and drop the cache line of the operand: its address is checked.")
CLFLUSH.form("NP 0F AE /7", "m8", slow=True, cpuid="CLFSH")

CLFLUSHOPT = instruction("clflushopt", summary="CLFLUSH, in no order with others.")
CLFLUSHOPT.form("66 0F AE /7", "m8", slow=True, handler="clflush", cpuid="CLFLUSHOPT")

CLWB = instruction("clwb", summary="Write back the cache line of the operand, and keep it.")
CLWB.form("66 0F AE /6", "m8", slow=True, handler="clflush", cpuid="CLWB")

for _byte, _name, _summary, _cpuid in ((0xE8, "lfence", "Loads before it are done first.", "SSE2"),
                                       (0xF0, "mfence", "Loads and stores before it are done first.", "SSE2"),
                                       (0xF8, "sfence", "Stores before it are done first.", "SSE")):
    _row = instruction(_name, summary=_summary)
    for _rm in range(8):                                # ModRM.rm is ignored
        _row.form(f"NP 0F AE {_byte + _rm:02X}", handler="fence", cpuid=_cpuid, alias=_rm > 0)
