"""Breakpoints of the debug registers: arming them, and the questions of the run loop. x86/_debug.pxd draws DR7."""
from x86._state cimport *
from x86._flags cimport FLAG_RF
from x86._access cimport flush_tlb
from x86._blocks cimport BlockCache, empty_cache
from x86._debug cimport *
from x86._model cimport CR4_DE

cdef void arm(Cpu* cpu) noexcept nogil:
    cdef u32 kinds = 0, kind
    cdef int number
    for number in range(4):
        kind = kind_of_break(cpu.dr[7], number)
        if is_enabled(cpu.dr[7], number) and (kind != BREAK_PORT or cpu.paging.cr4 & CR4_DE): kinds |= 1 << kind
    if (kinds | cpu.armed) & 1 << BREAK_CODE: empty_cache(<BlockCache*>cpu.blocks)
    if (kinds | cpu.armed) & (1 << BREAK_WRITE | 1 << BREAK_ACCESS): flush_tlb(cpu, True)
    cpu.armed = <u8>kinds

cdef u32 code_conditions(Cpu* cpu) noexcept nogil:
    cdef u64 linear = cpu.rip
    if cpu.rflags & FLAG_RF or cpu.midway or cpu.shadow == SHADOW_STACK: return 0
    if cpu.code_bits != 64: linear = <u32>(linear + cpu.segment[CS].base)
    return conditions_met(cpu, linear, 1, 1 << BREAK_CODE)

cdef void note_port(Cpu* cpu, u32 port, u32 bytes) noexcept nogil:
    if cpu.armed & 1 << BREAK_PORT: cpu.debug_pending |= conditions_met(cpu, port, bytes, 1 << BREAK_PORT)
