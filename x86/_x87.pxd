# The x87's stack of registers, and what its instructions leave behind. SDM volume 1, chapter 8.
#
#     15  14  13 .. 11  10   9    8    7    6    5    4    3    2    1    0
#    +---+----+--------+----+----+----+----+----+----+----+----+----+----+----+
#    | B | C3 |  TOP   | C2 | C1 | C0 | ES | SF | PE | UE | OE | ZE | DE | IE |      FSW
#    +---+----+--------+----+----+----+----+----+----+----+----+----+----+----+
#
# A handler does the usual case inline: registers in use, numbers that are normal, FCW as FNINIT leaves it. What is left goes
# by a tail call to a function that asks _float80, tells `settle` what was raised, and stores if it may. FloatMode then lives in
# cpu.wide[1]: the address of a local would cost the tail call that follows.
#
# FIP is every instruction's but those for control. FOP, and FDP if there is an operand in memory, are only written with an
# exception that is not masked; FCS and FDS are 0: what CPUID calls FDP_EXCPTN_ONLY and the deprecation of FCS and FDS.
from x86._state cimport *
from x86._float80 cimport *
from x86._float_parts cimport leading_zeros

cdef enum:                      # FSW
    EXCEPTIONS = 0x3F, STACK_FAULT = 0x40, ERROR_SUMMARY = 0x80, BUSY = 0x8000,
    C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000, CONDITION = C0 | C2 | C3,
    TOP_OF_STACK = 0x3800

cdef inline u32 top_of_stack(Cpu* cpu) noexcept nogil: return (cpu.fpu.fsw >> 11) & 7

cdef inline Float80* st(Cpu* cpu, u32 i) noexcept nogil: return &cpu.fpu.fpr[(top_of_stack(cpu) + i) & 7]

cdef inline bint is_empty(Cpu* cpu, u32 i) noexcept nogil: return not cpu.fpu.ftw >> ((top_of_stack(cpu) + i) & 7) & 1

cdef inline void set_st(Cpu* cpu, u32 i, Float80 value) noexcept nogil:
    cdef u32 number = (top_of_stack(cpu) + i) & 7
    cpu.fpu.fpr[number] = value
    cpu.fpu.ftw |= <u8>(1 << number)

cdef inline void free_st(Cpu* cpu, u32 i) noexcept nogil:
    cpu.fpu.ftw &= <u8>~(1 << ((top_of_stack(cpu) + i) & 7))

cdef inline void move_top(Cpu* cpu, int by) noexcept nogil:
    cpu.fpu.fsw = (cpu.fpu.fsw & <u16>~TOP_OF_STACK) | <u16>(((top_of_stack(cpu) + by) & 7) << 11)

cdef inline bint has_room(Cpu* cpu) noexcept nogil: return is_empty(cpu, 7)     # a push would find an empty register

cdef inline void push_st(Cpu* cpu, Float80 value) noexcept nogil:
    move_top(cpu, -1)
    set_st(cpu, 0, value)

cdef inline void pop_st(Cpu* cpu) noexcept nogil:
    free_st(cpu, 0)
    move_top(cpu, 1)

# FCW: round to the nearest, 64 bits, P masked. Then normal operands with a normal result can raise nothing that matters
cdef inline bint usual_control(Cpu* cpu) noexcept nogil: return cpu.fpu.fcw & 0xF20 == 0x320

cdef inline FloatMode usual_mode() noexcept nogil: return mode_of_fcw(0x37F)

cdef inline void update_summary(Cpu* cpu) noexcept nogil:       # ES and B: an exception flag is set and not masked
    if cpu.fpu.fsw & ~cpu.fpu.fcw & EXCEPTIONS: cpu.fpu.fsw |= ERROR_SUMMARY | BUSY
    else:
        cpu.fpu.fsw &= <u16>~(ERROR_SUMMARY | BUSY)
        cpu.ignore_error = 0                            # with FERR# the board takes IGNNE# away

# What an instruction leaves that raised P at most, and that is masked. C1: rounded up
cdef inline void leave_usual(Cpu* cpu, Op* op, u32 raised, u32 up) noexcept nogil:
    cpu.fpu.fsw = (cpu.fpu.fsw & <u16>~C1) | <u16>(raised | up << 9)
    cpu.fpu.fip = op.rip

# The FloatMode of FCW, in cpu.wide[1]
cdef FloatMode* fcw_mode(Cpu* cpu) noexcept nogil

# What an instruction leaves: its exceptions in FSW, C1, the pointers. Returns those that are not masked
cdef u32 settle(Cpu* cpu, Op* op, u32 raised, u32 up) noexcept nogil

# An operand is in an empty register (c1 = 0), or a push finds none (c1 = 1). True if that is not masked; else the answer is
# the default NaN
cdef bint stack_fault(Cpu* cpu, Op* op, u32 c1) noexcept nogil

# Push what an instruction has loaded with these exceptions
cdef void load_st(Cpu* cpu, Op* op, Float80 value, u32 raised) noexcept nogil

# Alignment checks of 80 bits in memory ask for a multiple of 8. To be called before the access
cdef void check_extended(Cpu* cpu, Op* op, u64 where) noexcept nogil

# Ways for a handler to end. They are not in the handlers' modules, or gcc would make them part of the handlers
cdef Op* answer(Cpu* cpu, Op* op, Float80 result, FloatMode* mode) noexcept nogil       # ST(0) = result, if it may be stored
cdef Op* default_answer(Cpu* cpu, Op* op) noexcept nogil        # ... an operand is in an empty register
# A load without room; FLD ST(i) and FXCH with empty registers
cdef Op* push_slowly(Cpu* cpu, Op* op, Float80 value) noexcept nogil
cdef Op* load_empty(Cpu* cpu, Op* op) noexcept nogil
cdef Op* exchange_empty(Cpu* cpu, Op* op) noexcept nogil

# A number of binary32 or binary64 as it is: with an SNaN still signalling. To be an operand
cdef Float80 widened(u64 value, int size) noexcept nogil
cdef inline bint is_denormal_in_memory(u64 value, int size) noexcept nogil:
    return f64_is_denormal(value) if size == 64 else f32_is_denormal(<u32>value)

cdef inline Float80 integer_to_f80(i64 value) noexcept nogil:
    cdef u64 magnitude = <u64>value if value >= 0 else 0 - <u64>value
    if value == 0: return f80(0, 0)
    return f80(magnitude << leading_zeros(magnitude), (16383 + 63 - leading_zeros(magnitude)) | (0x8000 if value < 0 else 0))
