# Breakpoints of the debug registers: armed without a cost to code that meets none of them. Blocks end before an
# instruction that may have one, so that it runs alone; pages with a watched byte have no entry in the TLB.
from x86._state cimport *

# After DR0-DR3, DR7 or CR4.DE changed: what blocks and TLB took for granted
cdef void arm(Cpu* cpu) noexcept nogil
# The instruction breakpoints at rip that count now: bits for DR6
cdef u32 code_conditions(Cpu* cpu) noexcept nogil
# An access to a port is done: its breakpoints become pending
cdef void note_port(Cpu* cpu, u32 port, u32 bytes) noexcept nogil
