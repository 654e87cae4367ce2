# CBW CWDE CDQE CWD CDQ CQO LAHF SAHF

cdef inline Op* cbw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, RAX, <u64>sign_extend(cpu.gpr[RAX], size // 2), size)
    return proceed(cpu, op)

cdef inline Op* cwd(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, RDX, <u64>(sign_extend(cpu.gpr[RAX], size) >> 63), size)
    return proceed(cpu, op)

cdef inline Op* lahf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    (<u8*>cpu.gpr)[1] = <u8>((arithmetic_flags(cpu) & 0xFF) | 2)
    return proceed(cpu, op)

cdef inline Op* sahf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    set_arithmetic_flags(cpu, ((<u8*>cpu.gpr)[1] & 0xD5) | (of(cpu) << 11))
    return proceed(cpu, op)
