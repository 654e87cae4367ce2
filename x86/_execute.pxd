# The run loop: blocks, one after the other, until something has to be decided outside.
from x86._state cimport *

cdef void run(Cpu* cpu) noexcept nogil                  # until Cpu.exit is not EXIT_NONE
