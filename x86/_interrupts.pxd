# Events: how an interrupt or an exception reaches its handler, and how IRET comes back (SDM volume 3, "Interrupt and
# Exception Handling"). `op` is the instruction that asked for it, NULL where none did (the run loop).
from x86._state cimport *

# Deliver the event `vector`. Cpu.rip is what will be pushed: the faulting instruction, or the next one. `kind` is
# EVENT_FAULT for exceptions, EVENT_INTERRUPT for interrupts and NMI, EVENT_DOUBLE for #DF. Why an exception came is
# taken from Cpu.fault. A fault on the way leaves by longjmp, with nothing changed but memory.
cdef void deliver(Cpu* cpu, int vector, u32 error, bint has_error, int kind) noexcept nogil
# The same for INT n, INT3 and INTO (whose gate's DPL must allow it) and ICEBP, from inside the handler of `op`, which
# is retired once nothing can go wrong any more.
cdef void deliver_software(Cpu* cpu, Op* op, int vector, u32 cause) noexcept nogil

# #DB for the conditions in `met`, as DR6 shows them: breakpoints, a single step, a task switch
cdef void deliver_debug(Cpu* cpu, u32 met) noexcept nogil

# What becomes of `second`, met while `first` was being delivered: itself, 8 for #DF, or -1: the processor shuts down
cdef int combine(int first, int second) noexcept nogil

# IRET, which retires itself as well
cdef void interrupt_return(Cpu* cpu, Op* op, int size) noexcept nogil
# The way back of RETF and IRET in protected mode, once offset and selector are popped. `depth`: bytes popped so far;
# `extra`: RETF's immediate; `with_stack`: RSP and SS are there even if the level stays (IRET in 64-bit mode).
cdef void return_to(Cpu* cpu, Op* op, int size, u64 rip, u16 selector, u32 depth, u32 extra,
                    bint with_stack) noexcept nogil

# RFLAGS = value where mask says so. Bits that do not exist stay 0.
cdef void set_flags(Cpu* cpu, u64 value, u64 mask) noexcept nogil

# The logs. log_mode notes a change of mode for the timeline, log_code the kind of code that a far transfer entered.
# `op` is the instruction that did it, not retired yet; NULL: time and place are Cpu's.
cdef enum:                      # Event.detail of an EVENT_MODE
    MODE_PE_SET = 1, MODE_PE_CLEARED = 2, MODE_PG_SET = 3, MODE_PG_CLEARED = 4, MODE_PAE_SET = 5, MODE_LME_SET = 6,
    MODE_LMA_SET = 7, MODE_CODE64 = 8, MODE_CODE32 = 9, MODE_CODE16 = 10, MODE_COMPATIBILITY = 13

cdef void log_mode(Cpu* cpu, Op* op, u32 what) noexcept nogil
cdef void log_code(Cpu* cpu, Op* op, u32 bits_before) noexcept nogil
