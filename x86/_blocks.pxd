# The block cache: decoded code, keyed by where the bytes are, where they believe to be, and the mode.
from x86._state cimport *

cdef enum: TABLE_SIZE = 1 << 16, MOST_REFUSALS = 1024, MOST_OPS = 1 << 18, MOST_BLOCKS = 1 << 16, LONGEST = 48

cdef struct Refusal:            # bytes that raised #UD because they are no instruction of this processor
    u8 code[16]                 # fifteen of them, then the code size; all 0: a free slot
    u64 count
    u64 time, rip               # of the first time
    u16 cs

cdef struct BlockCache:
    Memory* memory
    Cpu* cpus[64]               # whose jump caches point here
    u32 cpu_count
    u64 op_count
    u64 block_count
    u64 built                   # statistics: blocks decoded, killed by writes, times the cache was emptied
    u64 killed
    u64 emptied
    Refusal refusals[MOST_REFUSALS]     # a hash table by code
    u64 unlisted                # #UDs that found it full
    Block** table
    Op* ops
    Block* blocks

cdef BlockCache* new_cache(Memory* memory) except NULL
cdef void free_cache(BlockCache* cache) noexcept nogil
cdef void empty_cache(BlockCache* cache) noexcept nogil
cdef Op* lookup(Cpu* cpu) noexcept nogil                # the block at rip, built if need be; chained to Cpu.link
cdef Op* single(Cpu* cpu) noexcept nogil                # the one instruction at rip, in Cpu.scratch
cdef void code_written(void* cache, u64 frame, u64 first, u64 last) noexcept nogil     # Cpu.code_written
cdef Handler slow_handler(Op* op) noexcept nogil        # Cpu.slow_handler
