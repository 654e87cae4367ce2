# Memory accesses that the TLB cannot answer at once, segment checks, and the way out of a handler: the cold side.
from x86._state cimport *

# Leave the handler: deliver `vector` at `op`. Does not return (longjmp).
cdef void raise_fault(Cpu* cpu, Op* op, int vector, u32 cause, u64 detail) noexcept nogil               # no error code
cdef void raise_error(Cpu* cpu, Op* op, int vector, u32 error, u32 cause, u64 detail) noexcept nogil    # with one

# TLB misses: page walk, MMIO, page crossing, canonical check (`segment` decides #SS or #GP). Sizes in bits.
# Only an instruction outside any block may go on; inside one, this leaves and runs `op` again by itself
cdef void run_alone(Cpu* cpu, Op* op) noexcept nogil
# An access of this size meets data breakpoints, perhaps: their trap comes when the instruction, or the delivery, is done
cdef void watch(Cpu* cpu, Op* op, u64 linear, int size, int access) noexcept nogil
cdef u64 read_miss(Cpu* cpu, Op* op, u64 linear, int size, int segment) noexcept nogil
cdef void write_miss(Cpu* cpu, Op* op, u64 linear, u64 value, int size, int segment) noexcept nogil
cdef u64 read_modify_miss(Cpu* cpu, Op* op, u64 linear, int size, int segment) noexcept nogil
# Operands of up to 64 bytes: they fault as a whole before any of them is written
cdef void read_wide(Cpu* cpu, Op* op, u64 linear, void* to, u32 bytes, int segment) noexcept nogil
cdef void write_wide(Cpu* cpu, Op* op, u64 linear, const void* value, u32 bytes, int segment) noexcept nogil
# Fault now if `bytes` at `linear` could not be written (or read) by the current privilege; else nothing happens.
cdef void probe(Cpu* cpu, Op* op, u64 linear, u32 bytes, int access, int segment) noexcept nogil

# Accesses of the processor itself to descriptor tables and TSS: supervisor's, whatever the CPL.
cdef u64 read_system(Cpu* cpu, Op* op, u64 linear, int size) noexcept nogil
cdef void write_system(Cpu* cpu, Op* op, u64 linear, u64 value, int size) noexcept nogil

# Segment limit, type and canonical checks; the linear address. `bytes` long, access READ or WRITE.
cdef u64 segmented(Cpu* cpu, Op* op, u64 offset, int segment, u32 bytes, int access) noexcept nogil
# The stack outside 64-bit operands: SS base, limit and B; 16- and 32-bit pushes, and all of them in 64-bit mode.
cdef void push_slow(Cpu* cpu, Op* op, u64 value, int size) noexcept nogil
cdef u64 top_slow(Cpu* cpu, Op* op, int size, u32 depth) noexcept nogil         # value `depth` bytes above SP

# Physical address of `linear` for an access by user or supervisor; raises #PF where there is none.
cdef u64 translate(Cpu* cpu, Op* op, u64 linear, int access, bint user) noexcept nogil

cdef void flush_tlb(Cpu* cpu, bint globals_too) noexcept nogil
cdef void flush_page(Cpu* cpu, u64 linear) noexcept nogil
cdef void set_context(Cpu* cpu) noexcept nogil          # after CPL changed: choose the bank, the jump-cache tag

# For the run loop and the block builder
cdef Op* miss(Cpu* cpu, Op* op, u64 linear, int size, int access) noexcept nogil       # Cpu.miss
cdef u64 fetch_translate(Cpu* cpu, u64 linear) noexcept nogil                           # physical address of code
cdef void forget_jumps(Cpu* cpu) noexcept nogil
cdef void write_protect(Cpu* cpu, u64 frame) noexcept nogil
