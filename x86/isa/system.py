"""CLI STI HLT, INVD WBINVD INVLPG, STAC CLAC, UD0 UD1 UD2, CLFLUSH and the fences: system instructions without state."""
from x86.isa.table import instruction

CLI = instruction("cli", flags="writes I", summary="IF = 0: no maskable interrupts.")
CLI.form("FA")

STI = instruction("sti", flags="writes I", summary="IF = 1: interrupts, from the instruction after the next on.")
STI.form("FB", ends=True)

HLT = instruction("hlt", summary="Stop until the next interrupt.")
HLT.form("F4", ends=True)

INVD = instruction("invd", summary="Empty the caches without writing them back: nothing, here.")
INVD.form("0F 08", handler="empty_caches")

WBINVD = instruction("wbinvd", summary="Write back and empty the caches: nothing, here.")
WBINVD.form("0F 09", handler="empty_caches")

INVLPG = instruction("invlpg", summary="Drop the TLB entries of the page that the operand lies in.")
INVLPG.form("0F 01 /7", "m8", ends=True, slow=True)

INVPCID = instruction("invpcid", summary="Drop the TLB entries of a process context, of a page in it, or of all.")
INVPCID.form("66 0F 38 82 /r", "ry, m128", near64=True, ends=True, slow=True, feature="invpcid")

CLAC = instruction("clac", summary="AC = 0: SMAP guards user pages again.")
CLAC.form("NP 0F 01 CA", ends=True, handler="set_access_check", constants=(0,), feature="smap")

STAC = instruction("stac", summary="AC = 1: supervisor code may use user pages.")
STAC.form("NP 0F 01 CB", ends=True, handler="set_access_check", constants=(1,), feature="smap")

UD2 = instruction("ud2", summary="Raise #UD.")
UD2.form("0F 0B", ends=True, handler="raise_undefined")

UD1 = instruction("ud1", summary="Raise #UD; the operands are decoded, and nothing more.")
UD1.form("0F B9 /r", "rv, r/mv", ends=True, slow=True, handler="raise_undefined")

UD0 = instruction("ud0", summary="Raise #UD; the operands are decoded, and nothing more.")
UD0.form("0F FF /r", "rv, r/mv", ends=True, slow=True, handler="raise_undefined")

CLFLUSH = instruction("clflush", summary="Write back and drop the cache line of the operand: its address is checked.")
CLFLUSH.form("NP 0F AE /7", "m8", slow=True, feature="clfsh")

for _byte, _name, _summary in ((0xE8, "lfence", "Loads before it are done first."),
                               (0xF0, "mfence", "Loads and stores before it are done first."),
                               (0xF8, "sfence", "Stores before it are done first.")):
    _row = instruction(_name, summary=_summary)
    for _rm in range(8):                                # ModRM.rm is ignored
        _row.form(f"NP 0F AE {_byte + _rm:02X}", handler="fence", feature="sse2", alias=_rm > 0)
