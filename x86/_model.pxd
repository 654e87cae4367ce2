# The bits that CPUID shows and the control registers have. Which of them a processor has is in Cpu.model, from the
# lines of x86/models.py.
from x86._state cimport *

cdef enum:                      # leaf 1 EDX
    FEATURE_FPU = 1 << 0, FEATURE_VME = 1 << 1, FEATURE_DE = 1 << 2, FEATURE_PSE = 1 << 3, FEATURE_TSC = 1 << 4,
    FEATURE_MSR = 1 << 5, FEATURE_PAE = 1 << 6, FEATURE_CX8 = 1 << 8, FEATURE_APIC = 1 << 9, FEATURE_SEP = 1 << 11, FEATURE_MTRR = 1 << 12,
    FEATURE_PGE = 1 << 13, FEATURE_CMOV = 1 << 15, FEATURE_PAT = 1 << 16, FEATURE_PSE36 = 1 << 17, FEATURE_CLFSH = 1 << 19,
    FEATURE_MMX = 1 << 23, FEATURE_FXSR = 1 << 24, FEATURE_SSE = 1 << 25, FEATURE_SSE2 = 1 << 26

cdef enum:                      # leaf 1 ECX
    FEATURE_SSE3 = 1 << 0, FEATURE_PCLMULQDQ = 1 << 1, FEATURE_SSSE3 = 1 << 9, FEATURE_FMA = 1 << 12, FEATURE_CX16 = 1 << 13,
    FEATURE_PCID = 1 << 17, FEATURE_SSE4_1 = 1 << 19, FEATURE_SSE4_2 = 1 << 20, FEATURE_MOVBE = 1 << 22,
    FEATURE_POPCNT = 1 << 23, FEATURE_AES = 1 << 25, FEATURE_XSAVE = 1 << 26, OSXSAVE = 1 << 27, FEATURE_AVX = 1 << 28,
    FEATURE_F16C = 1 << 29, FEATURE_RDRAND = 1 << 30            # OSXSAVE: what CR4.OSXSAVE says

cdef enum:                      # leaf 7 EBX
    FEATURE_FSGSBASE = 1 << 0, FEATURE_BMI1 = 1 << 3, FEATURE_AVX2 = 1 << 5, FEATURE_SMEP = 1 << 7, FEATURE_BMI2 = 1 << 8,
    FEATURE_INVPCID = 1 << 10, FEATURE_RDSEED = 1 << 18, FEATURE_ADX = 1 << 19, FEATURE_SMAP = 1 << 20,
    FEATURE_CLFLUSHOPT = 1 << 23, FEATURE_CLWB = 1 << 24, FEATURE_SHA = 1 << 29

cdef enum:                      # leaf 7 ECX
    FEATURE_UMIP = 1 << 2, FEATURE_GFNI = 1 << 8, FEATURE_VAES = 1 << 9, FEATURE_VPCLMULQDQ = 1 << 10, FEATURE_LA57 = 1 << 16, FEATURE_RDPID = 1 << 22

cdef enum:                      # leaf 80000001 EDX
    FEATURE_SYSCALL = 1 << 11, FEATURE_NX = 1 << 20, FEATURE_1GB = 1 << 26, FEATURE_RDTSCP = 1 << 27, FEATURE_LM = 1 << 29

cdef enum:                      # leaf 80000001 ECX
    FEATURE_LAHF64 = 1 << 0, FEATURE_LZCNT = 1 << 5, FEATURE_PREFETCHW = 1 << 8

cdef enum: FEATURE_XSAVEOPT = 1 << 0, FEATURE_XSAVEC = 1 << 1, FEATURE_XGETBV1 = 1 << 2    # leaf 0Dh, sub-leaf 1, EAX

cdef enum: APIC_ENABLED = 1 << 11                                        # of IA32_APIC_BASE

cdef enum: LIMIT_CPUID = 1 << 22, XD_DISABLE = 0x400000000             # bits 22 and 34 of IA32_MISC_ENABLE

cdef enum:                      # bits of control registers
    CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_ET = 1 << 4, CR0_NE = 1 << 5, CR0_WP = 1 << 16,
    CR0_AM = 1 << 18, CR0_NW = 1 << 29, CR0_CD = 1 << 30,
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5,
    CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11,
    CR4_LA57 = 1 << 12, CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17, CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
    EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11

cdef inline bint paging_on(const Paging* paging) noexcept nogil:                # CR0.PG
    return (paging.cr0 >> 31) & 1
