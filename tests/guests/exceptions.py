"""The cases in which a guest may end otherwise than on Bochs."""

# (guest, case): how it ends here, and where a manual says so
RF_OF_DOUBLE_FAULT = "SDM volume 3, 17.3.1.1: RF is pushed as 1 for faults; #DF is an abort"
DIFFERENT: dict[tuple[str, str], tuple[str, str]] = {
    ("units_real", "andn"):
        ("#UD ip+0 fl=2", "SDM volume 2, 2.5.1: VEX-encoded instructions on general registers are #UD in real mode"),
    ("real_modes", "a read-only segment out of protected mode"):
        ("ok fl=2", "SDM volume 3, 5.1: without CR0.PE segments are not protected"),
    ("transfers32", "iret to ring 3 with a stack not present"):
        ("#SS(0040) ip+0 fl=10002 sp=6ffec", "SDM volume 2, IRET: return to outer privilege level"),
    ("tasks32", "new CS with RPL 3"):
        ("#TS(0008) ip+7 cpl3 fl=10002 cs=b access=8b", "SDM volume 3, table 7-1: DPL and RPL of the code come before the stack"),
    ("v86", "iretd, IOPL 3, EIP beyond the limit"):
        ("#GP(0000) ip+0 fl=33002 sp-c", "SDM volume 2, IRET: virtual-8086 mode exceptions"),
    ("v86", "iretd to V86 mode with EIP beyond 64 KB"):
        ("#GP(0000) ip+0 fl=10002 sp-24", "SDM volume 2, IRET: return to virtual-8086 mode"),
    ("long64", "wrmsr FMASK of 64 bits"):
        ("#GP(0000) ip+0 fl=10002 cx=c0000084 dx=1", "SDM volume 4, table 2-2: bits 63..32 of IA32_FMASK are reserved"),
    ("privilege32", "in from dx at CPL 3, IOPL 3"):
        ("ok cpl3 fl=3002", "hardware: port 0 of the 8237A has channel 0's address, of which Bochs answers single bytes only"),
    ("privilege32", "#DE, #NP: double"): ("#DF(0000) ip+0 fl=2", RF_OF_DOUBLE_FAULT),
    ("privilege32", "#GP at CPL 3, #NP: double"): ("#DF(0000) ip+0 cpl3 fl=2", RF_OF_DOUBLE_FAULT),
    ("privilege32", "#GP on the gate of #NP, double"): ("#DF(0000) ip+0 fl=2", RF_OF_DOUBLE_FAULT),
    ("privilege32", "#GP, then #TS for the stack: double"): ("#DF(0000) ip+0 cpl3 fl=2", RF_OF_DOUBLE_FAULT),
    ("privilege32", "#SS on the stack of ring 0: double"): ("#DF(0000) ip+6 fl=2 sp=0 ss=40 ax=40", RF_OF_DOUBLE_FAULT),
    ("privilege32", "#UD with no stack: one after the other, then double"):
        ("#DF(0000) ip+0 fl=2 sp=4 ss=40 ax=40", RF_OF_DOUBLE_FAULT),
    ("segments32", "ss type 16 dpl 0 rpl 0 cpl 0"): ("#DF(0000) ip+2 fl=2 ss=40 ax=40 access=97", RF_OF_DOUBLE_FAULT),
    ("segments32", "ss type 17 dpl 0 rpl 0 cpl 0"): ("#DF(0000) ip+2 fl=2 ss=40 ax=40 access=97", RF_OF_DOUBLE_FAULT),
}

DIFFERENT |= {("tasks32", case): ("#DF(0000) ip+7 fl=4002 access=8b", RF_OF_DOUBLE_FAULT)
              for case in ("new LDT is data", "new LDT behind the GDT", "new LDT from the LDT")}
DIFFERENT |= {("paging32", f"{case} at CPL 3 when the stack is not there: double"):
              ("#DF(0000) ip+0 cpl3 fl=2", RF_OF_DOUBLE_FAULT) for case in ("#GP", "#PF")}
DIFFERENT |= {("interrupts64", f"{case}: double"): ("#DF(0000) ip+0 fl=2", RF_OF_DOUBLE_FAULT)
              for case in ("#GP, #NP", "#PF, #PF")}
IMPLICIT = "SDM volume 3, 4.6.1: EFLAGS.AC opens user pages to explicit accesses only"
DIFFERENT |= {
    ("paging32", "SMAP: descriptors in a user page, with AC"): ("#PF(0001) cr2=400008 ip+0 fl=50002 ax=c", IMPLICIT),
    ("features64", "SMAP: descriptors in a user page, with AC"): ("#PF(0001) cr2=40000008 ip+0 fl=50002 ax=c", IMPLICIT),
    ("pae32", "mov cr0 that changes WP does not load the pointers"):
        ("ok fl=2 ax=e0010031", "SDM volume 3, 4.4.1: CD, NW and PG load them"),
    ("interrupts64", "from ring 3, RSP0 not canonical"):
        ("#SS(0000) ip+0 cpl3 fl=10002", "SDM volume 2, INT n: #SS(EXT), the error code has a null selector"),
    ("interrupts64", "IST not canonical"):
        ("#SS(0000) ip+0 fl=10002", "SDM volume 2, INT n: #SS(EXT), the error code has a null selector"),
    ("transfers64", "iretq to ring 0 with a null stack, RPL 3"):
        ("#GP(0000) ip+0 fl=10002 sp=6ffd8", "SDM volume 2, IRET: 64-bit mode exceptions, a null SS whose RPL is not CPL"),
    ("transfers64", "iretq to ring 3 with a stack not present"):
        ("#SS(0060) ip+0 fl=10002 sp=6ffd8", "SDM volume 2, IRET: return to outer privilege level"),
    ("transfers64", "iretd in 64-bit code"):
        ("ok fl=2", "SDM volume 3, 6.14.3: in 64-bit mode SS and RSP are popped unconditionally"),
}
DIFFERENT |= {("debug32", case): (ending, f"SDM volume 3, {section}") for case, ending, section in (
    ("a break point and a single step", "#DB dr6=ffff4ff0 ip+2 fl=102",
     "table 6-2: the trap of the last instruction comes before a code breakpoint of the next, which is met on return"),
    ("a data break point, and an instruction break point behind", "#DB dr6=ffff0ff1 ip+5 fl=2", "table 6-2, too"),
    ("rep stosb breaks behind the round", "#DB dr6=ffff0ff1 ip+0 fl=10002 cx=2 di=26103",
     "17.3.1.1: RF is pushed as 1 for a trap of any iteration but the last"),
    ("GD: mov to dr0", "#DB dr6=ffff2ff0 ip+0 fl=10002",
     "17.3.1.1: RF is pushed as 1 for every fault but an instruction breakpoint"),
    ("GD: mov from dr6", "#DB dr6=ffff2ff0 ip+0 fl=10002", "17.3.1.1, too"),
    ("GD: mov from dr7", "#DB dr6=ffff2ff0 ip+0 fl=10002", "17.3.1.1, too"))}
DIFFERENT |= {
    ("debug64", "rep movsq breaks behind the round"): ("#DB dr6=ffff0ff1 ip+0 fl=10002 cx=2 si=26018 di=26118",
                                                       "SDM volume 3, 17.3.1.1, too"),
    ("debug64", "GD"): ("#DB dr6=ffff2ff0 ip+0 fl=10002", "SDM volume 3, 17.3.1.1, too"),
    ("debug64", "RF of sysret"): ("#DB dr6=ffff0ff1 ip+3 cpl3 fl=2 ds=10 es=10 fs=10 gs=10 cx=9381 r11=10002",
                                  "SDM volume 2, SYSRET: RF and VM are not loaded from R11"),
    ("syscalls64", "TF out of sysret"): ("#DB dr6=ffff4ff0 ip+3 cpl3 fl=102 ds=10 es=10 fs=10 gs=10 cx=976d r11=102",
        "hardware: the trap comes before the first instruction of the user, not behind it; the SDM is silent"),
    ("syscalls64", "TF and syscall that masks it"): ("ok fl=2 cs=8 ss=10 cx=9727 r11=102",
        "hardware: TF is looked at once IA32_FMASK has masked it; systems rely on it, and the SDM is silent"),
}
