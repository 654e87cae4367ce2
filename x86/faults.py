"""Exceptions of the processor: vectors, error codes, classes, and the words for every reason to raise one.

The numbers CAUSE_* are the processor's own: next to the vector and the error code, which a guest sees, it notes which
of the manual's many conditions was met. x86/_causes.pxd gives the core the same numbers.

An error code, where there is one (Intel SDM volume 3, "Error Code"):

     31            16 15                       3   2   1   0
    +----------------+--------------------------+---+---+---+
    |    reserved    | selector's or gate's index| TI|IDT|EXT|      #TS #NP #SS #GP (#DF and #AC: always 0)
    +----------------+--------------------------+---+---+---+
      EXT  met while an event was being delivered that no INT instruction asked for: an interrupt, another exception
      IDT  the index is that of a gate in the IDT
      TI   the index is in the LDT (1) or in the GDT (0); only where IDT is 0

of a page fault ("Page-Fault Exceptions"):

     31     16  15  14        7   6   5   4   3   2   1   0
    +---------+----+-----------+----+---+---+---+---+---+---+
    | reserved|SGX | reserved  | SS |PK |I/D|RSV|U/S|W/R| P |
    +---------+----+-----------+----+---+---+---+---+---+---+
      P    0: an entry was not present, 1: the entries' permissions refused
      W/R  1: it was a write           U/S  1: it was an access in user mode
      RSV  1: a reserved bit is set    I/D  1: it was an instruction fetch
      PK   1: a protection key refused SS   1: a shadow-stack access
"""
from __future__ import annotations


class ImageError(Exception):
    """A file that cannot be booted or loaded, through no fault of the guest. One line: what is wrong, and where."""


class MachineError(Exception):
    """The host asks the machine for something it cannot do. One line: what, and what would be possible."""


# ---- vectors (SDM volume 3, "Exception and Interrupt Vectors") ------------------------------------------------------

DE, DB, NMI, BP, OF, BR, UD, NM, DF = range(9)
TS, NP, SS, GP, PF = range(10, 15)
MF, AC, MC, XM, VE, CP = range(16, 22)

# vector: (mnemonic, name)
EXCEPTIONS = {
    DE: ("#DE", "divide error"),
    DB: ("#DB", "debug exception"),
    NMI: ("NMI", "non-maskable interrupt"),
    BP: ("#BP", "breakpoint"),
    OF: ("#OF", "overflow"),
    BR: ("#BR", "bound range exceeded"),
    UD: ("#UD", "invalid opcode"),
    NM: ("#NM", "device not available"),
    DF: ("#DF", "double fault"),
    TS: ("#TS", "invalid TSS"),
    NP: ("#NP", "segment not present"),
    SS: ("#SS", "stack fault"),
    GP: ("#GP", "general protection"),
    PF: ("#PF", "page fault"),
    MF: ("#MF", "x87 floating-point error"),
    AC: ("#AC", "alignment check"),
    MC: ("#MC", "machine check"),
    XM: ("#XM", "SIMD floating-point exception"),
    VE: ("#VE", "virtualization exception"),
    CP: ("#CP", "control protection"),
}

WITH_ERROR_CODE = frozenset({DF, TS, NP, SS, GP, PF, AC, CP})   # not in real mode, where nothing pushes one
CONTRIBUTORY = frozenset({DE, TS, NP, SS, GP, CP})              # for "Conditions for Generating a Double Fault"
ABORTS = frozenset({DF, MC})                                    # no way back to the program
TRAPS = frozenset({BP, OF})                                     # the saved RIP is that of the next instruction


def name_of(vector: int) -> str:
    """`#PF (page fault)`, `interrupt 21h`: what people call a vector."""
    if vector in EXCEPTIONS:
        return "{} ({})".format(*EXCEPTIONS[vector])
    return f"interrupt {vector:02X}h"


def makes_double_fault(first: int, second: int) -> bool:
    """Whether `second`, met while `first` is delivered, becomes #DF (SDM volume 3, "Interrupt 8 - Double Fault").

                         second:  benign     contributory   page fault
        first: benign             in turn    in turn        in turn
               contributory       in turn    #DF            in turn
               page fault         in turn    #DF            #DF

    With #DF as the first, a contributory second or a page fault shuts the processor down.
    """
    if first == PF:
        return second == PF or second in CONTRIBUTORY
    return first in CONTRIBUTORY and second in CONTRIBUTORY


def describe_error(vector: int, error: int) -> str:
    """The fields of an error code in words. `error` is the 32-bit value pushed, `vector` says which layout it has."""
    if vector == PF:
        what = "instruction fetch" if error & 16 else "write" if error & 2 else "read"
        words = [what, "in user mode" if error & 4 else "in supervisor mode",
                 "permissions refused" if error & 1 else "not present"]
        if error & 8:
            words.append("reserved bit set")
        if error & 32:
            words.append("protection key")
        if error & 64:
            words.append("shadow stack")
        return ", ".join(words)
    if vector in (DF, AC) or error == 0:
        return "0"
    place = f"IDT gate {error >> 3 & 0x1FFF:02X}h" if error & 2 else f"selector {error & 0xFFFC:04X}h" \
            + (" in the LDT" if error & 4 else " in the GDT")
    return place + (", on the way to a handler" if error & 1 else "")


# ---- causes ---------------------------------------------------------------------------------------------------------
# CAUSES: number -> one sentence. DETAILS: number -> what the event's `detail` holds ("" where it holds nothing).

CAUSES: dict[int, str] = {0: "The processor gave no further reason."}
DETAILS: dict[int, str] = {0: ""}


def _cause(number: int, text: str, detail: str = "") -> int:
    if number in CAUSES:
        raise ValueError(f"cause {number} is defined twice")
    CAUSES[number] = text
    DETAILS[number] = detail
    return number


CAUSE_NONE = 0

# A page walk that refused; the event's address is CR2, the linear address.
CAUSE_PAGE_NOT_PRESENT = _cause(1, "An entry on the way to the page is not present (P = 0).", "linear")
CAUSE_PAGE_READ_ONLY = _cause(2, "The page may not be written: an entry on the way has R/W = 0.", "linear")
CAUSE_PAGE_SUPERVISOR = _cause(3, "User code may not touch this page: an entry on the way has U/S = 0.", "linear")
CAUSE_PAGE_NO_EXECUTE = _cause(4, "No code may be fetched here: an entry on the way has XD (NX) = 1.", "linear")
CAUSE_PAGE_RESERVED = _cause(5, "An entry on the way to the page has a reserved bit set.", "linear")
CAUSE_PAGE_SMEP = _cause(6, "CR4.SMEP forbids supervisor code in a page that user mode can reach.", "linear")
CAUSE_PAGE_SMAP = _cause(7, "CR4.SMAP forbids supervisor accesses to a user page while AC = 0.", "linear")
CAUSE_PAGE_KEY = _cause(8, "The page's protection key refuses the access.", "linear")

# An address that no segment or no canonical form allows.
CAUSE_NON_CANONICAL = _cause(16, "The address is not canonical: bits 63 to 47 are not all the same.", "linear")
CAUSE_NON_CANONICAL_TARGET = _cause(17, "The branch leads to an address that is not canonical.", "offset")
CAUSE_NON_CANONICAL_STACK = _cause(18, "The stack pointer leads to an address that is not canonical.", "linear")
CAUSE_SEGMENT_LIMIT = _cause(19, "The offset is beyond the segment's limit.", "offset")
CAUSE_STACK_LIMIT = _cause(20, "The stack access is beyond the limit of SS.", "offset")
CAUSE_FETCH_LIMIT = _cause(21, "The instruction lies beyond the limit of CS.", "offset")
CAUSE_TARGET_LIMIT = _cause(22, "The branch leads beyond the limit of its code segment.", "offset")
CAUSE_EXPAND_DOWN_LIMIT = _cause(23, "The offset is not above the limit of an expand-down segment.", "offset")
CAUSE_NULL_SELECTOR = _cause(24, "The segment register holds a null selector.", "register")
CAUSE_SEGMENT_READ_ONLY = _cause(25, "The segment may be read but not written.", "selector")
CAUSE_SEGMENT_CODE_WRITE = _cause(26, "A code segment can never be written.", "selector")
CAUSE_SEGMENT_EXECUTE_ONLY = _cause(27, "The code segment may be executed but not read.", "selector")
CAUSE_MISALIGNED = _cause(28, "The operand is not aligned, and user code runs with CR0.AM and EFLAGS.AC set.", "linear")
CAUSE_MISALIGNED_OPERAND = _cause(29, "The instruction demands an operand aligned to 16 bytes.", "linear")

# A selector that could not be loaded, or a far transfer that could not be made; the detail is the selector.
CAUSE_NULL_LOADED = _cause(32, "A null selector is not allowed here.", "selector")
CAUSE_SELECTOR_BEYOND_TABLE = _cause(33, "The selector lies outside its descriptor table.", "selector")
CAUSE_SELECTOR_NO_LDT = _cause(34, "The selector asks for the LDT (TI = 1), and LDTR is null.", "selector")
CAUSE_SELECTOR_MUST_BE_GDT = _cause(35, "The selector must name an entry of the GDT (TI = 0).", "selector")
CAUSE_DESCRIPTOR_NOT_PRESENT = _cause(36, "The descriptor is not present (P = 0).", "selector")
CAUSE_DESCRIPTOR_NOT_DATA = _cause(37, "DS, ES, FS and GS take data or readable code segments only.", "selector")
CAUSE_DESCRIPTOR_NOT_STACK = _cause(38, "SS takes writable data segments only.", "selector")
CAUSE_DESCRIPTOR_NOT_CODE = _cause(39, "CS takes code segments only.", "selector")
CAUSE_DESCRIPTOR_NOT_LDT = _cause(40, "LLDT takes an LDT descriptor only.", "selector")
CAUSE_DESCRIPTOR_NOT_TSS = _cause(41, "The descriptor is not that of an available TSS.", "selector")
CAUSE_DESCRIPTOR_TYPE = _cause(42, "No far jump or call can go through a descriptor of this type.", "selector")
CAUSE_DESCRIPTOR_L_AND_D = _cause(43, "The code segment has both L and D set, which long mode reserves.", "selector")
CAUSE_DESCRIPTOR_RESERVED = _cause(44, "The 16-byte descriptor has bits set that must be 0.", "selector")
CAUSE_PRIVILEGE_DATA = _cause(45, "CPL or RPL is numerically greater than the data segment's DPL.", "selector")
CAUSE_PRIVILEGE_STACK = _cause(46, "The RPL and the DPL of a stack segment must both equal CPL.", "selector")
CAUSE_PRIVILEGE_CODE = _cause(47, "A jump or call stays at CPL: DPL must equal CPL, and RPL not exceed it.", "selector")
CAUSE_PRIVILEGE_CONFORMING = _cause(48, "A conforming code segment's DPL must not be greater than CPL.", "selector")
CAUSE_PRIVILEGE_RETURN = _cause(49, "A return cannot go to a more privileged level: RPL is below CPL.", "selector")
CAUSE_PRIVILEGE_RETURN_DPL = _cause(50, "The return's RPL does not fit the DPL of the code segment.", "selector")
CAUSE_PRIVILEGE_GATE = _cause(51, "The gate's DPL is below CPL or below the selector's RPL.", "selector")
CAUSE_GATE_NOT_64 = _cause(52, "In long mode a call gate must lead to a 64-bit code segment.", "selector")
CAUSE_GATE_TARGET = _cause(53, "The gate's selector does not name a code segment it may lead to.", "selector")
CAUSE_RETURN_NULL_STACK = _cause(54, "A return may load a null SS only into 64-bit code at CPL 0, 1 or 2.", "selector")

# The IDT; the detail is the vector, or for TARGET causes the selector in the gate.
CAUSE_IDT_LIMIT = _cause(64, "The vector's gate lies beyond the limit of the IDT.", "vector")
CAUSE_IDT_NOT_PRESENT = _cause(65, "The vector's gate is not present (P = 0).", "vector")
CAUSE_IDT_TYPE = _cause(66, "The vector's entry is not an interrupt, trap or task gate for this mode.", "vector")
CAUSE_IDT_PRIVILEGE = _cause(67, "The gate's DPL is below CPL: a program may not call this vector.", "vector")
CAUSE_IDT_TARGET_NULL = _cause(68, "The gate's code selector is null.", "selector")
CAUSE_IDT_TARGET_BEYOND_TABLE = _cause(69, "The gate's code selector lies outside its descriptor table.", "selector")
CAUSE_IDT_TARGET_NOT_CODE = _cause(70, "The gate's selector does not name a code segment.", "selector")
CAUSE_IDT_TARGET_PRIVILEGE = _cause(71, "The gate leads to a code segment less privileged than CPL.", "selector")
CAUSE_IDT_TARGET_NOT_PRESENT = _cause(72, "The gate's code segment is not present (P = 0).", "selector")
CAUSE_IDT_TARGET_NOT_64 = _cause(73, "In long mode a gate leads to 64-bit code only (L = 1, D = 0).", "selector")
CAUSE_IDT_TARGET_OFFSET = _cause(74, "The gate's offset is beyond its segment's limit, or not canonical.", "offset")
CAUSE_IVT_LIMIT = _cause(75, "The vector lies beyond the limit of the real-mode interrupt table.", "vector")

# The task state segment; the detail is TR's selector, or for STACK causes the selector in the TSS.
CAUSE_TSS_LIMIT = _cause(80, "The TSS is too short for the stack pointer that is needed from it.", "selector")
CAUSE_TSS_NULL = _cause(81, "A stack pointer is needed from the TSS, and TR was never loaded.", "selector")
CAUSE_TSS_STACK_NULL = _cause(82, "The stack selector in the TSS is null.", "selector")
CAUSE_TSS_STACK_BEYOND_TABLE = _cause(83, "The stack selector in the TSS lies outside its table.", "selector")
CAUSE_TSS_STACK_PRIVILEGE = _cause(84, "The stack in the TSS is not of the privilege level it is for.", "selector")
CAUSE_TSS_STACK_TYPE = _cause(85, "The stack in the TSS is not a writable data segment.", "selector")
CAUSE_TSS_STACK_NOT_PRESENT = _cause(86, "The stack segment in the TSS is not present (P = 0).", "selector")
CAUSE_TSS_STACK_NON_CANONICAL = _cause(87, "The stack pointer in the TSS is not canonical.", "linear")
CAUSE_TASK_IN_LONG_MODE = _cause(88, "Long mode has no task switches.", "selector")
CAUSE_TASK_NOT_BUSY = _cause(89, "A return to another task needs a busy TSS in the back link.", "selector")
CAUSE_TASK_BUSY = _cause(90, "The TSS is busy: tasks are not re-entrant.", "selector")
CAUSE_TASK_STATE = _cause(91, "The new task's TSS holds a segment register or page directory it cannot run with.",
                          "selector")
CAUSE_TASK_NT_IN_LONG_MODE = _cause(92, "IRET with EFLAGS.NT set is a task return, which long mode does not have.")
CAUSE_IO_PERMISSION = _cause(93, "CPL is above IOPL, and the TSS's I/O permission map does not allow the port.", "port")

# Control registers, debug registers, MSRs; the detail is the value written.
CAUSE_CR0_PG_WITHOUT_PE = _cause(96, "CR0.PG was set with CR0.PE clear: paging needs protected mode.", "value")
CAUSE_CR0_NW_WITHOUT_CD = _cause(97, "CR0.NW was set with CR0.CD clear.", "value")
CAUSE_CR0_RESERVED = _cause(98, "Bits 63 to 32 of CR0 must be 0.", "value")
CAUSE_CR0_LONG_WITHOUT_PAE = _cause(99, "CR0.PG was set with EFER.LME = 1 but CR4.PAE = 0.", "value")
CAUSE_CR0_LONG_CS_L = _cause(100, "CR0.PG was set with EFER.LME = 1 in a code segment with L = 1.", "value")
CAUSE_CR0_LONG_TSS = _cause(101, "CR0.PG was set with EFER.LME = 1 while TR holds a 16-bit TSS.", "value")
CAUSE_CR0_PG_IN_64_BIT = _cause(102, "CR0.PG cannot be cleared by 64-bit code: leave for compatibility mode first.",
                                "value")
CAUSE_CR0_PG_WITH_PCIDE = _cause(103, "CR0.PG cannot be cleared while CR4.PCIDE is set.", "value")
CAUSE_CR3_RESERVED = _cause(104, "CR3 has a bit set above the physical address width.", "value")
CAUSE_CR3_PDPTE = _cause(105, "A page-directory-pointer entry that CR3 leads to has a reserved bit set.", "value")
CAUSE_CR4_RESERVED = _cause(106, "CR4 has a bit set that this processor does not have.", "value")
CAUSE_CR4_PAE_IN_LONG_MODE = _cause(107, "CR4.PAE cannot be cleared in long mode.", "value")
CAUSE_CR4_LA57_IN_LONG_MODE = _cause(108, "CR4.LA57 cannot be changed in long mode.", "value")
CAUSE_CR4_PCIDE = _cause(109, "CR4.PCIDE can be set in long mode only, with bits 11 to 0 of CR3 clear.", "value")
CAUSE_CR8_RESERVED = _cause(110, "CR8 has four bits; the others must be 0.", "value")
CAUSE_CR_UNKNOWN = _cause(111, "There is no control register of this number.", "number")
CAUSE_EFER_RESERVED = _cause(112, "EFER has a bit set that this processor does not have.", "value")
CAUSE_EFER_LME_WHILE_PAGING = _cause(113, "EFER.LME cannot be changed while paging is on.", "value")
CAUSE_MSR_UNKNOWN = _cause(114, "This processor has no MSR of that number.", "number")
CAUSE_MSR_VALUE = _cause(115, "The MSR does not take this value: a reserved bit is set, or a type is invalid.", "value")
CAUSE_MSR_NON_CANONICAL = _cause(116, "The MSR takes canonical addresses only.", "value")
CAUSE_MSR_READ_ONLY = _cause(117, "The MSR cannot be written.", "number")
CAUSE_DR_RESERVED = _cause(118, "Bits 63 to 32 of DR6 and DR7 must be 0.", "value")
CAUSE_DR_UNKNOWN = _cause(119, "DR4 and DR5 do not exist while CR4.DE is set.", "number")
CAUSE_DR_GENERAL_DETECT = _cause(120, "DR7.GD guards the debug registers.", "number")
CAUSE_XCR = _cause(121, "There is no such extended control register, or it does not take this value.", "value")
CAUSE_MXCSR_RESERVED = _cause(122, "MXCSR has a reserved bit set.", "value")
CAUSE_TABLE_BASE = _cause(123, "The base for GDTR or IDTR is not canonical.", "linear")

# The instruction itself.
CAUSE_UNDEFINED_OPCODE = _cause(128, "These bytes are no instruction.", "opcode")
CAUSE_UD = _cause(129, "UD0, UD1 and UD2 are there to raise this exception.")
CAUSE_LOCK = _cause(130, "LOCK is not allowed before this instruction, or without a destination in memory.")
CAUSE_TOO_LONG = _cause(131, "The instruction is longer than 15 bytes.")
CAUSE_NOT_IN_64_BIT = _cause(132, "64-bit code does not have this instruction.")
CAUSE_ONLY_IN_64_BIT = _cause(133, "Only 64-bit code has this instruction.")
CAUSE_ONLY_IN_PROTECTED_MODE = _cause(134, "The instruction does not exist in real and virtual-8086 mode.")
CAUSE_NEEDS_MEMORY = _cause(135, "The operand of this instruction must be in memory.")
CAUSE_NEEDS_REGISTER = _cause(136, "The operand of this instruction must be a register.")
CAUSE_SEGMENT_REGISTER = _cause(137, "There is no such segment register, or MOV cannot load CS.", "number")
CAUSE_FEATURE_OFF = _cause(138, "The instruction is switched off: its bit in CR0, CR4, EFER or CPUID says so.")
CAUSE_PRIVILEGED = _cause(139, "The instruction is for CPL 0 only.")
CAUSE_IOPL = _cause(140, "CPL is above IOPL, which CLI, STI and their kind do not allow.")
CAUSE_V86_IOPL = _cause(141, "Virtual-8086 mode with IOPL below 3 leaves this instruction to its monitor.")
CAUSE_UMIP = _cause(142, "CR4.UMIP keeps SGDT, SIDT, SLDT, SMSW and STR from user code.")
CAUSE_DIVIDE_BY_ZERO = _cause(143, "The divisor is 0.")
CAUSE_QUOTIENT = _cause(144, "The quotient does not fit into its register.")
CAUSE_BOUND = _cause(145, "BOUND found the index outside its bounds.")
CAUSE_OVERFLOW = _cause(146, "INTO found EFLAGS.OF set.")
CAUSE_BREAKPOINT = _cause(147, "INT3 is a breakpoint.")
CAUSE_ICEBP = _cause(148, "INT1 (ICEBP) raises a debug exception.")
CAUSE_SINGLE_STEP = _cause(149, "EFLAGS.TF makes the processor trap after each instruction.")
CAUSE_DEBUG_REGISTER = _cause(150, "An address in DR0 to DR3 was reached.", "linear")
CAUSE_TASK_DEBUG = _cause(151, "The T bit of the new task's TSS asks for a debug trap.")
CAUSE_FPU_EMULATION = _cause(152, "CR0.EM says that there is no x87 unit.")
CAUSE_FPU_TASK_SWITCHED = _cause(153, "CR0.TS says that the x87 and SSE state belongs to another task.")
CAUSE_FPU_ERROR = _cause(154, "An unmasked x87 exception was pending.", "exceptions")
CAUSE_SIMD_ERROR = _cause(155, "An unmasked SSE exception was met.", "exceptions")
CAUSE_SYSENTER_CS = _cause(156, "IA32_SYSENTER_CS is null.")
CAUSE_SYSCALL_OFF = _cause(157, "EFER.SCE is clear: SYSCALL and SYSRET are switched off.")
CAUSE_SYSRET_TARGET = _cause(158, "SYSRET would return to an address that is not canonical.", "offset")
CAUSE_SOFTWARE_INTERRUPT = _cause(159, "The program asked for it by INT n.", "vector")
CAUSE_FLAGS_RESERVED = _cause(160, "The flags to be loaded ask for a mode that cannot be entered here.", "value")
CAUSE_MONITOR = _cause(161, "MONITOR and MWAIT do not take these hints or extensions.", "value")
CAUSE_VIRTUAL_INTERRUPT = _cause(162, "VIF would be set while VIP is, or TF be popped: the monitor is asked.")
CAUSE_INVPCID = _cause(163, "INVPCID does not take this type, or this descriptor.", "type")
CAUSE_AVX_OFF = _cause(164, "AVX is switched off: it needs CR4.OSXSAVE, and bits 1 and 2 of XCR0.")
CAUSE_XSAVE_HEADER = _cause(165, "The header of the XSAVE area has bits that are reserved, or not enabled in XCR0.", "value")

# What the detail of an x87 or SSE exception is made of: bit -> name (SDM volume 1, "Floating-Point Exceptions")
FLOAT_EXCEPTIONS = ("invalid operation", "denormal operand", "division by zero", "overflow", "underflow", "inexact result",
                    "stack fault")


def reason(cause: int) -> str:
    """The sentence for a CAUSE_* number; one for numbers nobody defined, too."""
    return CAUSES.get(cause, f"The processor gave the unknown reason {cause}.")
