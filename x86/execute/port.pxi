# IN OUT INS OUTS (SDM volume 1, "Input/Output"). A device may change anything, so the instruction is retired and rip
# set before it is asked, and the run loop looks around afterwards.
from x86._access cimport read_system, run_alone
from x86._breakpoints cimport note_port
from x86._causes cimport CAUSE_IO_PERMISSION
from x86._segments cimport NOT_SYSTEM, TSS32, TSS32_BUSY, TYPE, VECTOR_GP

cdef bint permitted(Cpu* cpu, Op* op, u32 port, u32 bytes) noexcept nogil:
    # The I/O permission map of a 32- or 64-bit TSS: one bit a port, 0 allows. Two bytes are always read.
    cdef Segment* tr = &cpu.segment[TR]
    cdef u32 type = tr.access & (NOT_SYSTEM | TYPE), at
    if type != TSS32 and type != TSS32_BUSY or tr.limit < 103: return False
    at = <u32>read_system(cpu, op, tr.base + 102, 16) + (port >> 3)
    if at + 1 > tr.limit: return False
    return (read_system(cpu, op, tr.base + at, 16) >> (port & 7)) & ((1 << bytes) - 1) == 0

cdef inline void check_port(Cpu* cpu, Op* op, u32 port, const int size) noexcept nogil:
    if likely(cpu.cpl <= (cpu.rflags >> 12) & 3 and not cpu.rflags & FLAG_VM): return
    if not permitted(cpu, op, port, size // 8): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_IO_PERMISSION, port)

cdef inline u32 port_of(Cpu* cpu, Op* op, const int in_dx) noexcept nogil:
    return <u16>cpu.gpr[RDX] if in_dx else <u8>op.imm

cdef inline Op* in_(Cpu* cpu, Op* op, const int kind, const int size, const int in_dx) noexcept nogil:
    cdef u32 port = port_of(cpu, op, in_dx)
    check_port(cpu, op, port, size)
    finish(cpu, op)
    write_register(cpu, RAX, cpu.port_in(cpu, port, size // 8), size)
    note_port(cpu, port, size // 8)
    return NULL

cdef inline Op* out(Cpu* cpu, Op* op, const int kind, const int size, const int in_dx) noexcept nogil:
    cdef u32 port = port_of(cpu, op, in_dx)
    check_port(cpu, op, port, size)
    finish(cpu, op)
    cpu.port_out(cpu, port, read_register(cpu, RAX, size), size // 8)
    note_port(cpu, port, size // 8)
    return NULL

# ---- strings: registers as wide as an address; with REP, each iteration is one instruction ------------------------------

cdef inline u64 narrow(Op* op, u64 value) noexcept nogil:
    if op.address == 64: return value
    return <u32>value if op.address == 32 else <u16>value

cdef inline void set_narrow(Cpu* cpu, Op* op, u8 number, u64 value) noexcept nogil:
    if op.address == 64: cpu.gpr[number] = value
    elif op.address == 32: cpu.gpr[number] = <u32>value
    else: write_register(cpu, number, value, 16)

cdef inline void advance(Cpu* cpu, Op* op, u8 number, const int size) noexcept nogil:
    set_narrow(cpu, op, number, cpu.gpr[number] + (0 - <u64>(size // 8) if cpu.rflags & FLAG_DF else <u64>(size // 8)))

cdef inline void count_iteration(Cpu* cpu, Op* op) noexcept nogil:
    # This iteration is done, as far as time and RIP go; false RIP would be seen by the device
    cpu.budget -= 1
    if op.repeat: set_narrow(cpu, op, RCX, cpu.gpr[RCX] - 1)
    cpu.midway = op.repeat and narrow(op, cpu.gpr[RCX]) != 0
    cpu.rip = op.rip if cpu.midway else next_rip(cpu, op)

cdef inline bint goes_on(Cpu* cpu, Op* op) noexcept nogil:
    # The next iteration may follow at once: nothing that the run loop would have to look at
    return cpu.midway and cpu.rip == op.rip and cpu.budget > 0 and not cpu.exit and not cpu.debug_pending \
        and not cpu.debug_met and not cpu.rflags & FLAG_TF and not (cpu.intr and cpu.rflags & FLAG_IF) and not cpu.nmi_pending

cdef void ins_once(Cpu* cpu, Op* op, u32 port, const int size) noexcept nogil:
    # Memory is known to take the value before the device gives it: it is not asked twice
    cdef u64 where = segmented(cpu, op, narrow(op, cpu.gpr[RDI]), ES, size // 8, WRITE)
    probe(cpu, op, where, size // 8, WRITE, ES)
    count_iteration(cpu, op)
    store(cpu, op, where, cpu.port_in(cpu, port, size // 8), size, ES)
    advance(cpu, op, RDI, size)

cdef void outs_once(Cpu* cpu, Op* op, u32 port, const int size) noexcept nogil:
    cdef u64 where = segmented(cpu, op, narrow(op, cpu.gpr[RSI]), op.segment, size // 8, READ)
    cdef u64 value = load(cpu, op, where, size, op.segment)
    advance(cpu, op, RSI, size)
    count_iteration(cpu, op)
    cpu.port_out(cpu, port, value, size // 8)

cdef inline Op* transfer(Cpu* cpu, Op* op, const int size, const int inward) noexcept nogil:
    cdef u32 port = <u16>cpu.gpr[RDX]
    check_port(cpu, op, port, size)
    if op.repeat and narrow(op, cpu.gpr[RCX]) == 0: return finish(cpu, op)
    run_alone(cpu, op)                                  # nothing may make it start over once the device was asked
    retire_before(cpu, op)
    while True:
        if inward: ins_once(cpu, op, port, size)
        else: outs_once(cpu, op, port, size)
        note_port(cpu, port, size // 8)
        if not goes_on(cpu, op): break
    cpu.retired = 0
    return NULL

cdef inline Op* ins(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return transfer(cpu, op, size, True)

cdef inline Op* outs(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return transfer(cpu, op, size, False)
