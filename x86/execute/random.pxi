# RDRAND RDSEED. The numbers are SplitMix64's (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators): a new
# one each time, the same ones in every run, and a snapshot has the place in the sequence.

cdef inline u64 next_random(Cpu* cpu) noexcept nogil:
    cdef u64 z
    cpu.random += <u64>0x9E3779B97F4A7C15u
    z = cpu.random
    z = (z ^ (z >> 30)) * <u64>0xBF58476D1CE4E5B9u
    z = (z ^ (z >> 27)) * <u64>0x94D049BB133111EBu
    return z ^ (z >> 31)

cdef inline Op* rdrand(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, op.dst, next_random(cpu), size)
    set_arithmetic_flags(cpu, FLAG_CF)
    return proceed(cpu, op)
