# CPUID
from x86._model cimport *

cdef const char* VENDOR = "GenuineIntel"                # in the order EBX, EDX, ECX
cdef const char* BRAND = "x86 threaded-code interpreter\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

cdef enum: AVX_OFFSET = 576, AVX_BYTES = 256           # in an XSAVE area

cdef inline u32 text(const char* at) noexcept nogil:
    return (<const u32*>at)[0]

cdef inline void give(Cpu* cpu, u32 eax, u32 ebx, u32 ecx, u32 edx) noexcept nogil:
    cpu.gpr[RAX], cpu.gpr[RBX], cpu.gpr[RCX], cpu.gpr[RDX] = eax, ebx, ecx, edx

# Leaf 4: one cache.  EAX 4..0 type (1 data, 2 code, 3 both), 7..5 level, 8 self-initializing;
# EBX 11..0 line size - 1, 31..22 ways - 1;  ECX sets - 1
cdef inline void give_cache(Cpu* cpu, u32 type, u32 level, u32 ways, u32 sets) noexcept nogil:
    give(cpu, type | level << 5 | 1 << 8, 63 | (ways - 1) << 22, sets - 1, 0)

# Leaf 0Dh: what XCR0 can have, and how long an area for XSAVE has to be; see xsave.pxi
cdef inline void give_state(Cpu* cpu, u32 subleaf) noexcept nogil:
    cdef bint avx = cpu.model.leaf1_ecx & FEATURE_AVX != 0
    cdef u32 now = AVX_OFFSET + AVX_BYTES if cpu.fpu.xcr0 & 4 else AVX_OFFSET
    if subleaf == 0: give(cpu, 7 if avx else 3, now, AVX_OFFSET + (AVX_BYTES if avx else 0), 0)
    elif subleaf == 1: give(cpu, cpu.model.leaf13_eax, now if cpu.model.leaf13_eax & FEATURE_XSAVEC else 0, 0, 0)
    elif subleaf == 2 and avx: give(cpu, AVX_BYTES, AVX_OFFSET, 0, 0)
    else: give(cpu, 0, 0, 0, 0)

cdef void describe(Cpu* cpu, u32 leaf, u32 subleaf) noexcept nogil:
    cdef const Model* model = &cpu.model
    cdef const char* brand
    cdef u32 highest = model.highest_leaf, extended = model.extended_edx
    if cpu.misc_enable & LIMIT_CPUID and highest > 2: highest = 2
    if cpu.misc_enable & XD_DISABLE: extended &= ~<u32>FEATURE_NX
    if leaf > (model.highest_extended if leaf >> 31 else highest): leaf = highest     # as Intel's do
    if leaf >> 31 == 0:
        if leaf == 0: give(cpu, highest, text(VENDOR), text(VENDOR + 8), text(VENDOR + 4))
        elif leaf == 1:                                                                     # one core, lines of 8 * 8 bytes
            give(cpu, model.signature, 1 << 16 | 8 << 8, model.leaf1_ecx | (OSXSAVE if cpu.paging.cr4 & CR4_OSXSAVE else 0),
                 model.leaf1_edx & ~<u32>(0 if cpu.apic_base & APIC_ENABLED else FEATURE_APIC))
        elif leaf == 2: give(cpu, 0x00FF0001, 0, 0, 0)                                      # caches: see leaf 4
        elif leaf == 4:
            if subleaf == 0: give_cache(cpu, 1, 1, 8, 64)           # 32 KB
            elif subleaf == 1: give_cache(cpu, 2, 1, 8, 64)
            elif subleaf == 2: give_cache(cpu, 3, 2, 16, 1024)      # 1 MB
            else: give(cpu, 0, 0, 0, 0)
        elif leaf == 13 and model.leaf1_ecx & FEATURE_XSAVE: give_state(cpu, subleaf)
        elif leaf == 7 and subleaf == 0: give(cpu, 0, model.leaf7_ebx, model.leaf7_ecx, model.leaf7_edx)
        else: give(cpu, 0, 0, 0, 0)
        return
    leaf &= 0x7FFFFFFF
    if leaf == 0: give(cpu, model.highest_extended, 0, 0, 0)
    elif leaf == 1:                                     # SYSCALL is there in 64-bit code only
        give(cpu, 0, 0, model.extended_ecx, extended & (~<u32>0 if cpu.code_bits == 64 else ~<u32>FEATURE_SYSCALL))
    elif leaf >= 2 and leaf <= 4:
        brand = BRAND + 16 * (leaf - 2)
        give(cpu, text(brand), text(brand + 4), text(brand + 8), text(brand + 12))
    elif leaf == 6: give(cpu, 0, 0, 1024 << 16 | 8 << 12 | 64, 0)                           # L2: KB, 16 ways, line size
    elif leaf == 7: give(cpu, 0, 0, 0, 1 << 8)                                              # the TSC never changes its pace
    elif leaf == 8: give(cpu, model.linear_bits << 8 | model.physical_bits, 0, 0, 0)
    else: give(cpu, 0, 0, 0, 0)

cdef inline Op* cpuid(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    describe(cpu, <u32>cpu.gpr[RAX], <u32>cpu.gpr[RCX])
    return proceed(cpu, op)
