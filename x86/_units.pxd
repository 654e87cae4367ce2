# The x87, MMX, SSE and AVX units: whether an instruction may use one, and where MXCSR is.
#
# On a host with SSE, guest arithmetic is the host's. While the run loop runs, the host's MXCSR is the guest's with all
# exceptions masked, so the flags gather there by themselves; to_python and to_guest change it for the time of a callback.
# With an unmasked exception, or on another host, arithmetic is done in integers (_float.pyx), and nothing gathers.
#
#    15   14 13   12 ... 7    6     5  4  3  2  1  0
#   +----+------+-----------+-----+--+--+--+--+--+--+
#   | FZ |  RC  | masks     | DAZ |PE|UE|OE|ZE|DE|IE|
#   +----+------+-----------+-----+--+--+--+--+--+--+
from x86._state cimport *

cdef extern from "_host.h":
    enum: HOST_SSE "X86_HOST_SSE"
    u32 host_mxcsr() noexcept nogil
    void set_host_mxcsr(u32 value) noexcept nogil

cdef enum: MXCSR_FLAGS = 0x3F, MXCSR_DAZ = 1 << 6, MXCSR_MASKS = 0x1F80, MXCSR_FZ = 1 << 15

cdef void update_units(Cpu* cpu) noexcept nogil                 # after CR0, CR4 or XCR0 changed: what is barred
cdef Op* refuse(Cpu* cpu, Op* op, int unit) noexcept nogil      # Cpu.refuse: the fault of a barred unit, or what was pending
cdef Op* misaligned(Cpu* cpu, Op* op, u64 linear) noexcept nogil                # Cpu.misaligned

# In handlers that are no leaves; X86_REQUIRE asks the same, and for pending exceptions of the x87
cdef inline void check_unit(Cpu* cpu, Op* op, int unit) noexcept nogil:
    if unlikely(cpu.barred & unit): refuse(cpu, op, unit)

cdef u32 read_mxcsr(Cpu* cpu) noexcept nogil                    # inside the run loop
cdef void write_mxcsr(Cpu* cpu, u32 value) noexcept nogil
cdef void to_guest(Cpu* cpu) noexcept nogil                     # the run loop begins, or a callback is over
cdef void to_python(Cpu* cpu) noexcept nogil                    # the run loop is left, for a callback or for good
