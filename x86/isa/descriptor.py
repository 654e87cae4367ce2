"""Descriptor tables and questions about selectors: LGDT LIDT SGDT SIDT, LLDT LTR SLDT STR, LAR LSL VERR VERW, ARPL."""
from x86.isa.table import instruction

for _digit, _name, _what in ((0, "sgdt", "Store GDTR"), (1, "sidt", "Store IDTR"), (2, "lgdt", "Load GDTR"),
                             (3, "lidt", "Load IDTR")):
    _row = instruction(_name, summary=f"{_what}: a limit of 16 bits, then the base.")
    _row.form(f"0F 01 /{_digit}", "m", size="v", near64=True, slow=True)

SLDT = instruction("sldt", summary="Store the selector of the LDT.")
SLDT.form("0F 00 /0", "rv/m16", slow=True, handler="store_selector", constants=(6,))

STR = instruction("str", summary="Store the selector of the task register.")
STR.form("0F 00 /1", "rv/m16", slow=True, handler="store_selector", constants=(7,))

LLDT = instruction("lldt", summary="Load LDTR through an LDT descriptor of the GDT.")
LLDT.form("0F 00 /2", "r/m16", slow=True)

LTR = instruction("ltr", summary="Load the task register through an available TSS descriptor, which becomes busy.")
LTR.form("0F 00 /3", "r/m16", slow=True)

VERR = instruction("verr", flags="writes Z", summary="ZF = the segment could be read from here.")
VERR.form("0F 00 /4", "r/m16", slow=True, handler="verify", constants=(0,))

VERW = instruction("verw", flags="writes Z", summary="ZF = the segment could be written from here.")
VERW.form("0F 00 /5", "r/m16", slow=True, handler="verify", constants=(1,))

LAR = instruction("lar", flags="writes Z", summary="Load the access rights of a visible descriptor; ZF = there is one.")
LAR.form("0F 02 /r", "rv, rv/m16", slow=True)

LSL = instruction("lsl", flags="writes Z", summary="Load the limit, in bytes, of a visible segment; ZF = there is one.")
LSL.form("0F 03 /r", "rv, rv/m16", slow=True)

ARPL = instruction("arpl", flags="writes Z", summary="Raise the destination's RPL to the source's; ZF = it was lower.")
ARPL.form("63 /r", "r/m16, r16", mode="legacy", slow=True)
