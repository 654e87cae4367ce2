# V86 mode with CR4.VME and an IOPL below 3: VIF stands for IF in the flags that 16-bit code pushes and pops (SDM volume 3,
# "Interrupt and Exception Handling in Virtual-8086 Mode").
from x86._state cimport *
from x86._flags cimport *
from x86._access cimport raise_error
from x86._causes cimport CAUSE_V86_IOPL, CAUSE_VIRTUAL_INTERRUPT
from x86._model cimport CR4_PVI, CR4_VME

# Is it so for PUSHF, POPF, IRET of this size? #GP where IOPL forbids them. Outside V86 mode, and with IOPL 3: no.
cdef inline bint is_virtual(Cpu* cpu, Op* op, int size) noexcept nogil:
    if likely(not cpu.rflags & FLAG_VM or cpu.rflags & FLAG_IOPL == FLAG_IOPL): return False
    if size != 16 or not cpu.paging.cr4 & CR4_VME: raise_error(cpu, op, 13, 0, CAUSE_V86_IOPL, 0)
    return True

# What is pushed: IF shows VIF, and IOPL is 3
cdef inline u64 virtual_flags(u64 flags) noexcept nogil:
    return (flags & ~<u64>FLAG_IF) | FLAG_IOPL | (FLAG_IF if flags & FLAG_VIF else 0)

# What was popped, with VIF where IF is. TF is refused, and so is IF while an interrupt is pending for the V86 task.
cdef inline u64 real_flags(Cpu* cpu, Op* op, u64 flags) noexcept nogil:
    if flags & FLAG_TF or (flags & FLAG_IF and cpu.rflags & FLAG_VIP):
        raise_error(cpu, op, 13, 0, CAUSE_VIRTUAL_INTERRUPT, 0)
    return (flags & ~<u64>FLAG_VIF) | (FLAG_VIF if flags & FLAG_IF else 0)

# VIF and VIP both set: #GP before the next instruction, where VIF is in use (V86 mode with CR4.VME, CPL 3 with CR4.PVI)
cdef inline void check_virtual_interrupt(Cpu* cpu) noexcept nogil:
    if cpu.cpl == 3 and cpu.rflags & FLAG_IOPL != FLAG_IOPL and cpu.paging.cr4 & (CR4_VME if cpu.rflags & FLAG_VM else CR4_PVI):
        raise_error(cpu, NULL, 13, 0, CAUSE_VIRTUAL_INTERRUPT, 0)
