"""What to do next: for each way to die, where a person would look first.

An advice is chosen by the first fault of the chain, which is the mistake, and by the last, which says why it was
deadly.
"""
from __future__ import annotations

from x86 import faults
from x86._decode import decode
from x86.debug import peek
from x86.models import MODELS
from x86.registers import CR0_PE, CR0_PG, EFER_NXE

NULL_PAGE = 0x1000              # an address below is taken for a null pointer with an offset
REAL_MODE_LIMITS = (0x3FF, 0xFFFF)      # of an IDTR with base 0: as BIOSes set it, and as it is after reset
STACK_REACH = 0x1000            # so far from the stack pointer an address is taken for one on the stack

#: What to look at when a fault has this cause, where no more can be said from the machine's state.
BY_CAUSE = {
    faults.CAUSE_PAGE_READ_ONLY:
        "Set R/W in every entry of the walk, or write elsewhere; with CR0.WP clear the supervisor may write to read- "
        "only pages.",
    faults.CAUSE_PAGE_SUPERVISOR:
        "User code needs U/S = 1 in every entry of the walk, not in the last one only.",
    faults.CAUSE_PAGE_SMEP:
        "Kernel code must lie in pages with U/S = 0 while CR4.SMEP is set.",
    faults.CAUSE_PAGE_SMAP:
        "Put STAC and CLAC around accesses to user memory, or leave CR4.SMAP clear.",
    faults.CAUSE_NON_CANONICAL:
        "In 64-bit code bits 63 to 48 of an address must equal bit 47: look for a pointer that was cut off, added to "
        "twice, or never set.",
    faults.CAUSE_NON_CANONICAL_TARGET:
        "The branch took a value that is no address: a return address or a function pointer was overwritten, or never "
        "set.",
    faults.CAUSE_STACK_LIMIT:
        "Check SS's limit and the stack pointer: a stack that has not been set up wraps below 0.",
    faults.CAUSE_SEGMENT_LIMIT:
        "Compare the offset with the limit of its segment; after a switch from protected mode the old limits stay "
        "until the segment register is loaded again.",
    faults.CAUSE_FETCH_LIMIT:
        "Execution ran or jumped past the end of CS; a far jump with a 32-bit offset may be missing.",
    faults.CAUSE_NULL_SELECTOR:
        "Load the segment register with a selector of the GDT after the switch to protected mode.",
    faults.CAUSE_NULL_LOADED:
        "Selector 0 is no segment: CS and SS need a descriptor of the GDT.",
    faults.CAUSE_DESCRIPTOR_NOT_PRESENT:
        "Set P (bit 47) in the descriptor.",
    faults.CAUSE_DESCRIPTOR_NOT_CODE:
        "A far jump needs a code segment's selector (S = 1, type 8 to Fh): the two operands may be swapped, or the "
        "selector may be that of the data segment.",
    faults.CAUSE_DESCRIPTOR_NOT_STACK:
        "SS needs a writable data segment (S = 1, type 2 or 3).",
    faults.CAUSE_DESCRIPTOR_NOT_DATA:
        "DS, ES, FS and GS need a data segment, or a code segment that can be read.",
    faults.CAUSE_DESCRIPTOR_NOT_TSS:
        "LTR needs a TSS that is available (type 9); LTR itself makes it busy, so it can be done once only.",
    faults.CAUSE_DESCRIPTOR_L_AND_D:
        "A 64-bit code descriptor has L = 1 and D = 0: 00AF9A000000FFFFh.",
    faults.CAUSE_PRIVILEGED:
        "The instruction is the kernel's: user code has to ask for it by a system call.",
    faults.CAUSE_IO_PERMISSION:
        "User code needs IOPL = 3, or a 0 bit for the port in the TSS's I/O permission map.",
    faults.CAUSE_IOPL:
        "User code needs IOPL = 3 for this instruction.",
    faults.CAUSE_CR0_PG_WITHOUT_PE:
        "Set CR0.PE together with CR0.PG, or before it.",
    faults.CAUSE_CR0_LONG_WITHOUT_PAE:
        "The order is CR4.PAE, CR3, EFER.LME, and only then CR0.PG.",
    faults.CAUSE_CR4_PAE_IN_LONG_MODE:
        "Leave long mode first: to compatibility-mode code, then clear CR0.PG.",
    faults.CAUSE_CR0_PG_IN_64_BIT:
        "Go to compatibility-mode code by a far jump or RETF before CR0.PG is cleared.",
    faults.CAUSE_EFER_LME_WHILE_PAGING:
        "Set or clear EFER.LME while CR0.PG is 0.",
    faults.CAUSE_CR3_RESERVED:
        "CR3 takes the physical address of the top table, aligned to 4 KB; a virtual address is the usual mistake.",
    faults.CAUSE_MSR_UNKNOWN:
        "ECX holds the MSR's number: compare it with the manual, and ask CPUID whether it exists.",
    faults.CAUSE_LOCK:
        "LOCK goes with ADD ADC AND BTC BTR BTS CMPXCHG DEC INC NEG NOT OR SBB SUB XADD XCHG XOR whose destination is "
        "in memory.",
    faults.CAUSE_TOO_LONG:
        "More than 15 bytes are mostly prefixes: execution has run into data.",
    faults.CAUSE_DIVIDE_BY_ZERO:
        "Check the divisor before DIV or IDIV.",
    faults.CAUSE_QUOTIENT:
        "The high half of the dividend was probably not cleared: XOR EDX, EDX before DIV, CDQ or CQO before IDIV.",
    faults.CAUSE_FPU_TASK_SWITCHED:
        "Clear CR0.TS (CLTS) before x87 or SSE instructions.",
    faults.CAUSE_FPU_EMULATION:
        "Clear CR0.EM and set CR0.MP before x87 or SSE instructions.",
    faults.CAUSE_FEATURE_OFF:
        "Compilers use SSE by default: set CR4.OSFXSR, clear CR0.EM, or compile with -mno-sse -mgeneral-regs-only.",
    faults.CAUSE_AVX_OFF:
        "Set CR4.OSXSAVE, then XCR0 by XSETBV to 7 (x87, SSE, AVX), if CPUID says that they are there; or compile with -mno-avx.",
    faults.CAUSE_FPU_ERROR:
        "FNINIT masks all x87 exceptions; a handler of #MF clears them by FNCLEX.",
    faults.CAUSE_SIMD_ERROR:
        "MXCSR = 1F80h masks all SSE exceptions; a handler of #XM clears the flags by LDMXCSR.",
    faults.CAUSE_MISALIGNED_OPERAND:
        "Align the operand to 16 bytes; for the stack: (RSP + 8) % 16 = 0 at a function's entry.",
    faults.CAUSE_UD:
        "The program stopped on purpose: UD2 is what compilers put where execution must never come.",
    faults.CAUSE_BREAKPOINT:
        "INT3 (CCh) needs a handler for vector 3; CCh also fills the gaps between functions.",
}


def advise(machine, chain) -> str:
    """One sentence or two for a chain of events (oldest first) that ended in a shutdown or in a useless handler."""
    first, last = chain[0], chain[-1]
    sentences = [_mistake(machine, first)]
    if len(chain) > 1:
        sentences.append(_why_deadly(machine, last))
    return " ".join(sentence for sentence in sentences if sentence)


def _mistake(machine, event) -> str:
    """Where to look for the cause of the first fault."""
    cause, cpu = event.cause, machine.cpu
    if cause == faults.CAUSE_PAGE_NOT_PRESENT:
        return _not_present(cpu, event)
    if cause == faults.CAUSE_PAGE_RESERVED:
        extra = "" if cpu.efer & EFER_NXE else " EFER.NXE is clear, so bit 63 (XD) is reserved, too."
        return "An entry has no bits above the physical address width, nor address bits below its page size." + extra
    if cause == faults.CAUSE_PAGE_NO_EXECUTE:
        return "Clear XD (bit 63) in every entry of the walk, or do not jump there."
    if cause == faults.CAUSE_SELECTOR_BEYOND_TABLE:
        base, limit = cpu.gdtr
        return (
            f"GDTR has base {base:X}h and limit {limit:X}h, which is {(limit + 1) // 8} descriptors: LGDT's limit "
            "is the table's size in bytes minus 1.")
    if cause == faults.CAUSE_UNDEFINED_OPCODE:
        return _too_old(machine, event) or (
            "Either the code there is not what was meant to run (data, or code for another size: this was run as "
            f"{cpu.code_bits}-bit code), or the instruction needs a processor that has it.")
    if cause == faults.CAUSE_CR0_RESERVED or cause == faults.CAUSE_CR4_RESERVED:
        return "Ask CPUID before setting a bit for a feature, and change single bits of what was read."
    return BY_CAUSE.get(cause, "")


def _too_old(machine, event) -> str:
    """Which processor has the instruction that this one has not; empty if none has."""
    form = decode(peek.code(machine, peek.event_address(machine, event)), bits=machine.cpu.code_bits).form
    missing = set(form.cpuid.split()) - machine.cpu.model.features if form is not None and form.cpuid else ()
    able = [name for name, model in MODELS.items() if missing and missing <= model.features]
    if not able:
        return ""
    return (f"{form.mnemonic.upper()} came with {' and '.join(sorted(missing))}, which the {machine.cpu.model.name} has not: "
            f"--cpu {able[0]} would do.")


def _not_present(cpu, event) -> str:
    address, pointer = event.address, cpu.rsp
    if event.error is not None and event.error & 16 or address == event.rip:
        if cpu.cr0 & CR0_PG and address == event.rip:
            return (
                "The code itself is not mapped: the page with the instruction that turns paging on (and its "
                "stack, GDT and IDT) must be mapped at its own address, or a jump went astray.")
        return (
            "A jump, call or return went to an address that is not mapped: look at the stack and at the last "
            "branches.")
    if address < NULL_PAGE:
        return "This looks like a null pointer."
    if abs(address - pointer) < STACK_REACH:
        return "The address is the stack's: it is not mapped, or it has grown out of its pages."
    return (
        "Map the page, or find out where the address comes from; the tables in use are those at CR3 = "
        f"{cpu.cr3:X}h.")


def _why_deadly(machine, last) -> str:
    """Why no handler got hold of the fault."""
    cpu = machine.cpu
    base, limit = cpu.idtr
    protected = cpu.cr0 & CR0_PE
    if protected and base == 0 and limit in REAL_MODE_LIMITS:
        return (
            f"It was deadly because IDTR still points to the real-mode vectors (base 0, limit {limit:X}h): build an "
            "IDT and LIDT it before anything can fault; until then every fault ends like this.")
    if last.cause == faults.CAUSE_IDT_LIMIT:
        return (
            f"It was deadly because the IDT (base {base:X}h, limit {limit:X}h) has no gate for it: LIDT comes "
            "before the first exception, with a limit of the table's size minus 1.")
    if last.cause in (faults.CAUSE_IDT_NOT_PRESENT, faults.CAUSE_IDT_TYPE):
        return (
            "It was deadly because its gate and that of #DF (08h) are not usable: fill them in, #DF's first of "
            "all.")
    if faults.CAUSE_IDT_TARGET_NULL <= last.cause <= faults.CAUSE_IDT_TARGET_OFFSET:
        return (
            "It was deadly because the gate leads nowhere: its selector must be that of a present code segment of "
            "the GDT in use.")
    if last.vector == faults.PF:
        return (
            "It was deadly because delivering it needs memory that is not mapped: the IDT, the GDT, the TSS or "
            "the handler's stack. A stack from the TSS (IST in long mode) for #DF survives a broken stack "
            "pointer.")
    if faults.CAUSE_TSS_LIMIT <= last.cause <= faults.CAUSE_TSS_STACK_NON_CANONICAL:
        return (
            "It was deadly because the TSS gives no stack for the handler: set its RSP0 (ESP0 and SS0) and load "
            "TR.")
    if last.vector == faults.SS:
        return (
            "It was deadly because the stack cannot take what is pushed for the handler: set the stack pointer "
            "first.")
    return ""
