# The page walker. It knows tables and permissions, nothing of instructions.
from x86._state cimport Memory as MemoryMap, Paging, Translation, u8, u32, u64

cdef enum: MAX_LEVELS = 5

cdef struct Entry:              # a page-table entry as it was read
    u64 address                 # physical
    u64 value
    u32 level                   # 5 PML5E, 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE

cdef struct Path:               # the entries between CR3 and the page, those of PAE's PDPTE registers excepted
    Entry entries[MAX_LEVELS]
    u32 count
    u64 set_in_all              # AND of the entries: R/W and U/S of the whole path
    u64 set_in_any              # OR of the entries: XD

# Translate `linear` for `access` (READ, WRITE, EXECUTE), made in user mode or not; `ac` is EFLAGS.AC for an explicit
# supervisor access (0 for accesses to descriptor tables and TSS, which SMAP always guards). Returns 0, or 14: #PF with
# the error code and its reason in `out`. Sets A and D bits. Canonical addresses are the caller's business.
cdef int walk(MemoryMap* memory, Paging* paging, u64 linear, int access, bint user, bint ac,
              Translation* out) noexcept nogil

# The same without the A and D bits: nothing changes
cdef int translate_only(MemoryMap* memory, Paging* paging, u64 linear, int access, bint user, bint ac, Path* path,
                        Translation* out) noexcept nogil

# PAE: read the four PDPTE registers through CR3. False (and nothing changes) if a present one has reserved bits: #GP(0)
cdef bint load_pdptes(MemoryMap* memory, Paging* paging) noexcept nogil
