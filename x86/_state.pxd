# Every C struct of the core. Declarations only: bodies live in _flags.pxd, _tlb.pxd, _operands.pxd and the .pyx files.
from libc.setjmp cimport jmp_buf
from libc.stdint cimport (int8_t as i8, int16_t as i16, int32_t as i32, int64_t as i64,
                          uint8_t as u8, uint16_t as u16, uint32_t as u32, uint64_t as u64)

cdef extern from *:
    """
    typedef unsigned __int128 u128;
    typedef __int128 i128;
    """
    ctypedef unsigned long long u128        # really 128 bits wide; Cython only needs to know that it is an integer
    ctypedef long long i128

cdef extern from "_dispatch.h":
    bint likely "likely_"(bint) nogil
    bint unlikely "unlikely_"(bint) nogil
    Op* go "X86_GO"(Cpu*, Op*) nogil        # continue at this operation
    # A flat memory operand is in the TLB, or the handler ends here. A statement of its own, before anything changes.
    int reach "X86_REACH"(Cpu*, Op*, u64 linear, int kind, int size, int access) nogil
    int require "X86_REQUIRE"(Cpu*, Op*, int kind, int unit) nogil          # the same: the unit may be used, or the handler ends
    int aligned "X86_ALIGNED"(Cpu*, Op*, u64 linear, int kind, int bits, int aligned) nogil
    enum: THREADED "X86_THREADED"

# ---- names for numbers -----------------------------------------------------------------------------------------

cdef enum:                      # gpr[] in encoding order; NONE is an extra slot that always holds 0
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NONE

cdef enum:                      # segment[]; the first six in encoding order
    ES, CS, SS, DS, FS, GS, LDTR, TR

cdef enum:                      # operand kinds: a handler's `kind` is (destination, source), constant in each instantiation
    #        destination         source
    #        R register          R register
    #        M flat memory       M flat memory (64-bit code, no FS/GS, 64-bit addresses: linear = offset)
    #        S segmented memory  S segmented memory (everything else: limits, bases, wrap-around)
    #                            I immediate   C the CL register
    DST_M = 1, DST_S = 2, SRC_M = 4, SRC_S = 8, SRC_I = 16, SRC_C = 32,
    RR = 0, RM = SRC_M, RS = SRC_S, RI = SRC_I, RC = SRC_C,
    MR = DST_M, MI = DST_M | SRC_I, MC = DST_M | SRC_C,
    SR = DST_S, SI = DST_S | SRC_I, SC = DST_S | SRC_C,

cdef enum: READ = 0, WRITE = 1, EXECUTE = 2         # what an access wants

cdef enum:                      # Cpu.exit: why the run loop's caller has to act
    EXIT_NONE = 0,
    EXIT_BUDGET,                # the budget is used up
    EXIT_HALT,                  # HLT, waiting for an interrupt
    EXIT_SHUTDOWN,              # triple fault: the machine stops until reset
    EXIT_STOP,                  # a device or a Python callback asked to stop
    EXIT_BREAK                  # a breakpoint lies at rip

cdef enum:                      # Cpu.unwind_reason: why a handler was left by longjmp
    UNWIND_FAULT = 1,           # deliver Cpu.fault at unwind_op
    UNWIND_SINGLE               # restart this one instruction outside its block: MMIO, or a write into code

cdef enum: SHADOW_STI = 1, SHADOW_STACK = 2             # STI: interrupts wait; MOV SS, POP SS: debug traps do as well

cdef enum: X87 = 1, MMX = 2, SSE = 4, VEX = 8, PENDING = 16    # units, as bits of Cpu.barred; PENDING: an x87 exception waits

cdef enum:                      # Op.repeat
    REPEAT_NONE = 0, REPEAT_E = 1, REPEAT_NE = 2,   # F3 and F2
    FUSED = 4                   # no repetition: two instructions in one Op

# ---- operations ----------------------------------------------------------------------------------------------------

ctypedef Op* (*Handler)(Cpu*, Op*) noexcept nogil

cdef struct Op:                 # one pre-decoded instruction (or fused pair): 64 bytes, a cache line
    Handler run
    i64 imm                     # immediate, sign-extended; the target RIP of a direct branch
    i64 disp                    # displacement; RIP-relative addresses are already absolute here
    u8 dst                      # register: gpr[] index; for 8-bit operands the byte offset in gpr[] (AH is 1)
    u8 src                      # likewise. For one-operand forms the register is in dst
    u8 base                     # gpr[] index or NONE
    u8 index                    # gpr[] index or NONE
    u8 scale                    # 0..3
    u8 segment                  # of the memory operand
    u8 size                     # operand size, as its place in the table of handlers (size_index in _blocks.pyx)
    u8 address                  # address size: 16, 32, 64
    Op* target                  # a direct branch inside the page: the first Op of the block there, or NULL
    u64 rip                     # of this instruction
    u8 length                   # in bytes
    u8 position                 # instructions of this block retired once this Op is done
    u8 total                    # first Op of a block: the most instructions a pass through it retires
    u8 repeat                   # REPEAT_*
    u16 form                    # row in the table of forms
    u16 imm2                    # second immediate: ENTER's level, a far pointer's selector; the register in VEX.vvvv, or
    #                             what stands for it in an older vector instruction: the destination is the first source;
    #                             of x87 instructions what FOP would be
    Block* block

cdef struct Block:              # straight-line code from one physical page, ready to run
    u64 physical                # key: where the bytes are,
    u64 rip                     #      where they believe to be,
    u32 cs_limit                #      what CS allows,
    u16 mode                    #      and 16, 32 or 64: the code size
    u16 length                  # in bytes
    u16 count                   # Ops
    bint dead                   # its bytes were written
    Block* next_in_table
    Block* next_in_page
    Op* first

# ---- memory ----------------------------------------------------------------------------------------------------------

cdef struct TlbEntry:           # 32 bytes
    u64 read_page               # linear page (low 12 bits 0) that may be read by plain loads; ~0 = none
    u64 write_page              # the same for stores
    u64 to_host                 # linear address + to_host = host address
    u64 info                    # physical page | TLB_* bits

cdef enum:
    TLB_SIZE = 1024,
    TLB_GLOBAL = 1,
    FETCH_SIZE = 256,
    JUMP_SIZE = 4096,
    NO_PAGE = -1

cdef struct FetchEntry:         # instruction side of the TLB
    u64 page                    # linear page | 0; ~0 = none
    u64 info                    # physical page | TLB_GLOBAL

cdef struct JumpEntry:          # where an indirect branch goes: a cache over the block table
    u64 tag                     # rip ^ Cpu.context
    Op* first

cdef enum: FRAME_DIRTY = 1, FRAME_ROM = 2

cdef struct Frame:              # one 4 KB page of host memory: RAM, ROM or video memory
    u64 code                    # bit i: bytes 64*i .. 64*i+63 were decoded into a block
    Block* blocks
    u64 flags                   # FRAME_*

cdef enum: REGION_RAM = 0, REGION_ROM = 1, REGION_MMIO = 2

cdef struct Region:             # what lies over RAM, or outside it; later ones win
    u64 start, end              # physical, end exclusive, multiples of 4 KB
    u64 offset                  # in the arena (RAM, ROM)
    u32 kind                    # REGION_*
    u32 device                  # MMIO: index for the callback

cdef struct Memory:
    u8* arena                   # RAM, then ROM and video memory
    u64 arena_size
    u64 ram_low                 # RAM from 0 up to here
    u64 ram_high                # size of the RAM at 4 GB (its bytes follow the low RAM in the arena)
    Frame* frames               # arena_size / 4096 of them
    Region regions[64]
    u32 region_count
    void* python                # the Memory object, for MMIO callbacks
    void* cache                 # the block cache, or NULL: whom code_written belongs to
    # Bytes first..last of a frame that holds decoded code were written, not by a plain store of the guest
    void (*code_written)(void* cache, u64 frame, u64 first, u64 last) noexcept nogil

# ---- the processor -----------------------------------------------------------------------------------------------------

cdef struct Segment:            # a segment register with its hidden part
    u64 base
    u32 limit                   # in bytes, G already applied
    u16 selector
    u16 access                  # descriptor bits 55..40 without the limit bits: G D/B L AVL 0 0 0 0 P DPL S TYPE
    #                             15 G  14 D/B  13 L  12 AVL  7 P  6..5 DPL  4 S  3..0 TYPE. 0 = null, unusable

cdef struct Table:              # GDTR, IDTR
    u64 base
    u32 limit

cdef struct Fault:
    u8 vector
    bint has_error
    u32 error
    u32 cause                   # CAUSE_* in faults.py: the words for it
    u64 address                 # page fault: CR2
    u64 detail                  # selector, linear address, whatever the cause speaks of

cdef struct Translation:        # what a page walk found
    u64 physical                # address of the byte asked for
    u64 page_size               # 4096, 2 MB, 4 MB, 1 GB
    bint writable               # for the asking privilege, now, without setting D first
    bint user                   # U/S of the whole path
    bint is_global
    u32 error                   # page-fault error code of a walk that failed
    u32 cause                   # CAUSE_PAGE_*
    u32 level                   # level of the entry that refused: 4 PML4E .. 1 PTE
    u64 entry_address           # physical address of that entry
    u64 entry                   # its value

cdef struct Paging:             # what the page walker has to know
    u64 cr0, cr3, cr4, efer
    u64 pdpte[4]                # PAE: loaded with CR3
    u64 address_mask            # physical addresses: MAXPHYADDR, and bit 20 for A20
    u32 physical_bits           # MAXPHYADDR
    u32 gigabyte_pages          # a level-3 entry may be a page

cdef struct Float80:            # a value of the x87, and its register
    u64 significand             # bit 63 is the integer bit; MM0 to MM7 are these words of R0 to R7
    u16 sign_exponent           # 15 sign, 14..0 exponent + 16383

cdef union Vector:              # a vector register, or as much of it as an instruction uses: bytes, words, doublewords, quadwords
    u8 b[32]
    u16 w[16]
    u32 d[8]
    u64 q[4]
    i8 sb[32]
    i16 sw[16]
    i32 sd[8]
    i64 sq[4]

cdef struct Fpu:                # x87, MMX, SSE, AVX
    u16 fcw, fsw, fop           # FSW 13..11 is TOP: ST(i) is fpr[(TOP + i) & 7]
    u8 ftw                      # abridged: bit i = physical register i is not empty
    u64 fip, fdp                # FCS and FDS are 0, as on all processors since 2013
    u32 mxcsr                   # while the processor runs, _units.pxd says where MXCSR really is
    u64 xcr0
    Float80 fpr[8]              # physical registers R0 to R7
    Vector ymm[16]              # XMM0 to XMM15 are the lower halves

cdef struct Model:              # what processor this is: x86/models.py says it, _processor.pyx fills it in. No padding
    u64 instructions            # the rows of the table that it has: a bit for each name they ask for, see _decode.pyx
    u64 cr0_bits, cr4_bits, efer_bits       # that exist
    u64 flags_bits              # the same of RFLAGS, without CF PF AF ZF SF OF
    u32 signature               # CPUID leaf 1 EAX, EDX after reset
    u32 highest_leaf, highest_extended      # of CPUID; the latter 0: there are no extended leaves
    u32 physical_bits, linear_bits
    u32 leaf1_edx, leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx, extended_edx, extended_ecx, leaf13_eax, unused      # FEATURE_* of _model.pxd

cdef struct Event:              # one delivered interrupt or exception, for the post-mortem
    u64 time, rip, target, detail, address
    u32 error, cause
    u16 cs
    u8 vector, kind             # EVENT_*
    u8 has_error, cpl

cdef enum: EVENT_LOG = 64, MODE_LOG = 1024
cdef enum: EVENT_FAULT = 1, EVENT_INTERRUPT = 2, EVENT_SOFTWARE = 3, EVENT_MODE = 4, EVENT_DOUBLE = 5, EVENT_TRIPLE = 6

cdef struct Cpu:
    u64 gpr[17]                 # [NONE] is always 0
    i64 result                  # lazy flags, see _flags.pxd
    u64 carries
    i64 budget                  # instructions left until the loop has to be left
    TlbEntry* tlb               # the bank of the current privilege
    u64 context                 # jump-cache tag: (generation << 2 | CPL) << 48
    u64 rip                     # valid outside handlers only; inside it is op.rip
    u64 stack_mask              # of SP: FFFF, FFFFFFFF or all ones
    u32 code_bits               # 16, 32, 64
    u32 cpl
    u64 rflags                  # all but CF PF AF ZF SF OF; bit 1 is set
    Segment segment[8]
    Paging paging               # CR0, CR3, CR4, EFER live here
    u64 cr2
    u64 cr8
    u64 dr[8]
    Table gdtr, idtr
    u64 star, lstar, cstar, fmask, kernel_gs_base
    u64 sysenter_cs, sysenter_esp, sysenter_eip
    u64 pat, apic_base, tsc_aux, misc_enable, debugctl
    i64 tsc_offset
    u64 mtrr_fixed[11]
    u64 mtrr_variable[16]
    u64 mtrr_default
    Fpu fpu
    Model model
    Vector wide[3]              # operands of handlers that call something: the address of a local would cost the tail call
    u64 random                  # where RDRAND and RDSEED are in their sequence
    # -- execution --
    u8 shadow                   # SHADOW_*: what has to wait until the next instruction is done
    u8 halted
    u8 nmi_blocked
    u8 nmi_pending
    u8 intr                     # the interrupt controller's INTR line
    u8 single                   # this instruction runs alone: MMIO and writes into code are allowed
    u8 exit                     # EXIT_*
    u8 delivering               # vector + 1 of the event being delivered, for the #DF decision
    u8 external                 # that event came from outside: EXT in error codes
    u8 retired                  # the instructions before unwind_op are counted already (REP counts as it goes)
    u8 aligned_only             # alignment checks (CR0.AM, AC, CPL 3) or SMAP's AC were like this when the TLB was filled
    u8 armed                    # breakpoints of the debug registers: bit t, one of the kind R/W = t is enabled
    u8 midway                   # a REP has been left between two iterations: it is no new instruction at rip
    u8 trap                     # TF was set when this instruction began
    u8 canonical_shift          # 64 - bits of a linear address: 16, or 7 with CR4.LA57
    u8 large_pages              # the TLB holds pieces of large pages: INVLPG has to drop them all
    u8 barred                   # units that the control registers switch off
    u8 ignore_error             # IGNNE#: x87 exceptions do not wait
    u8 host_float               # SSE arithmetic may be left to the host's: no exception is unmasked
    u32 debug_met               # DR6 bits of data breakpoints that the present instruction has met,
    u32 debug_pending           # and of all that wait for the end of an instruction
    i64 withheld                # budget kept back while one instruction runs alone: a REP does one iteration then
    u32 streak                  # faults delivered without an instruction retired between them,
    i64 streak_time             # and when that was
    i64 limit                   # time at which the budget is 0: now = limit - budget
    Fault fault
    Op* unwind_op               # where the fault happened, NULL outside instructions
    int unwind_reason
    jmp_buf unwind
    Translation found           # of the last TLB miss: no local, since its address would cost the tail call
    Op* link                    # the direct branch that missed its target block
    u64 generation              # of the translations
    Memory* memory
    void* python                # the Processor object, for callbacks
    Op* (*miss)(Cpu*, Op*, u64 linear, int size, int access) noexcept nogil     # see X86_REACH
    Op* (*refuse)(Cpu*, Op*, int unit) noexcept nogil                           # see X86_REQUIRE
    Op* (*misaligned)(Cpu*, Op*, u64 linear) noexcept nogil
    Handler (*slow_handler)(Op*) noexcept nogil                                 # the segmented instantiation, or NULL
    void (*code_written)(void* blocks, u64 frame, u64 first, u64 last) noexcept nogil
    u64 (*port_in)(Cpu*, u32 port, int size) noexcept nogil
    void (*port_out)(Cpu*, u32 port, u64 value, int size) noexcept nogil
    int (*acknowledge)(Cpu*) noexcept nogil                     # an interrupt is taken: its vector, from the local APIC or the 8259s
    void (*apic_changed)(Cpu*) noexcept nogil                   # CR8 or IA32_APIC_BASE was written
    void (*ferr)(Cpu*) noexcept nogil                           # FERR#: an x87 exception waits, and CR0.NE = 0
    u64 (*mmio_read)(Cpu*, u64 physical, int size) noexcept nogil
    void (*mmio_write)(Cpu*, u64 physical, u64 value, int size) noexcept nogil
    void* blocks                # the block cache (BlockCache in _blocks.pxd)
    Event events[EVENT_LOG]     # rings: the last ones stay
    u64 event_count
    Event modes[MODE_LOG]       # EVENT_MODE only, so that interrupts do not push them out
    u64 mode_count
    Op scratch[4]               # the instruction that runs alone
    Block scratch_block
    u8 integer_float            # host_float stays 0, whatever MXCSR says: arithmetic in integers, for tests
    u64 filled[2]               # how many entries of each list below are in use
    u16 filled_list[2][TLB_SIZE]
    JumpEntry jumps[JUMP_SIZE]
    FetchEntry fetch[2][FETCH_SIZE]
    TlbEntry banks[2][TLB_SIZE] # supervisor, user
