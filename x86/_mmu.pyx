# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The page walker (SDM Vol. 3, chapter "Paging"): from a linear address to a physical one, or to a page fault.

A walk has three acts, and they come in this order for every paging mode:
  follow   reads one entry a level until a page is found; stops at an entry that is not present or has reserved bits
  permit   combines the rights of all entries and asks whether this access may use them
  mark     sets A in every entry that was used, and D in the last one if the access is a write
So a walk that faults changes nothing: the manual has A set "whenever the processor uses a paging-structure entry as
part of linear-address translation", and leaves open whether a translation that fails has used its upper entries.
x86/paging.py says the same in plain Python.

An entry, 64 bits wide (PAE, 4-level, 5-level); one of 32-bit paging is its lower half:

     63  62    52 51      M M-1                   12 11  9   8   7   6   5   4   3   2   1   0
    +---+--------+---------+-------------------------+-----+---+---+---+---+---+---+---+---+---+
    |XD |  free  | 0: RSVD | table or page           | free| G |PS | D | A |PCD|PWT|U/S|R/W| P |
    +---+--------+---------+-------------------------+-----+---+---+---+---+---+---+---+---+---+
      XD   no code here; reserved while EFER.NXE = 0            PS   levels 2 and 3: a page, not a table
      M    MAXPHYADDR; PAE has 62..M reserved                        (in a PTE and, at bit 12, in a large page: PAT)
A 4 MB page of 32-bit paging (PSE-36) has address bits 39..32 in its bits 20..13; bit 21 is reserved.
"""
from libc.string cimport memset
from x86._causes cimport (CAUSE_PAGE_NO_EXECUTE, CAUSE_PAGE_NOT_PRESENT, CAUSE_PAGE_READ_ONLY, CAUSE_PAGE_RESERVED,
                          CAUSE_PAGE_SMAP, CAUSE_PAGE_SMEP, CAUSE_PAGE_SUPERVISOR)
from x86._memory cimport Memory, physical_read, physical_write
from x86._state cimport EXECUTE, READ, WRITE, likely

from x86.paging import Step, Walk, entry_name

cdef enum: PRESENT = 1, RW = 2, US = 4, ACCESSED = 0x20, DIRTY = 0x40, PS = 0x80, GLOBAL = 0x100
cdef enum: CR4_PSE = 0x10, CR4_PAE = 0x20, CR4_PGE = 0x80, CR4_LA57 = 0x1000, CR4_SMEP = 0x100000, CR4_SMAP = 0x200000
cdef enum: CR0_WP = 0x10000, EFER_LMA = 0x400, EFER_NXE = 0x800
cdef enum: ERROR_P = 1, ERROR_W = 2, ERROR_U = 4, ERROR_RSVD = 8, ERROR_I = 16
cdef enum: PAGE_FAULT = 14

cdef u64 CR0_PG = 0x80000000
cdef u64 XD = <u64>1 << 63
cdef u64 ADDRESS = 0x000FFFFFFFFFF000           # of a table or page in an entry
cdef u64 PAE_PDPTE_RESERVED = 0x1E6             # bits 8..5, 2..1

cdef inline u64 bits(u32 high, u32 low) noexcept nogil:
    """The mask of bits high..low; 0 if high < low."""
    return (<u64>2 << high) - (<u64>1 << low) if high >= low else 0

# ---- what the mode says ----------------------------------------------------------------------------------------------

cdef inline bint long_paging(Paging* paging) noexcept nogil:        # 4 or 5 levels
    return (paging.efer & EFER_LMA) != 0

cdef inline u32 top_level(Paging* paging) noexcept nogil:
    if not long_paging(paging): return 2
    return 5 if paging.cr4 & CR4_LA57 else 4

cdef inline bint wide(Paging* paging) noexcept nogil:              # 64-bit entries, nine index bits a level
    return (paging.cr4 & CR4_PAE) != 0 or long_paging(paging)

cdef inline bint is_page(Paging* paging, u32 level, u64 entry) noexcept nogil:
    if level == 1: return True
    if not entry & PS: return False
    if level == 2: return wide(paging) or (paging.cr4 & CR4_PSE) != 0
    return level == 3 and paging.gigabyte_pages

cdef u64 reserved_bits(Paging* paging, u32 level, bint page) noexcept nogil:
    cdef u32 width = paging.physical_bits
    if not wide(paging):
        if not page or level == 1: return 0
        return bits(21, 21) | bits(20, max(width, 32) - 19)         # the PSE-36 bits beyond MAXPHYADDR
    cdef u64 mask = bits(51, width) if long_paging(paging) else bits(62, width)
    if not paging.efer & EFER_NXE: mask |= XD
    if level == 3 and not paging.gigabyte_pages: mask |= PS
    if page and level > 1: mask |= bits(9 * level + 2, 13)          # 12 is PAT, 13 .. below the page's number
    if level >= 4: mask |= PS
    return mask

cdef u64 page_address(Paging* paging, u32 level, u64 entry) noexcept nogil:
    if wide(paging): return entry & ADDRESS & ~bits(9 * level + 2, 12)
    if level == 1: return entry & bits(31, 12)
    return (entry & bits(31, 22)) | ((entry & bits(20, 13)) << 19)

# ---- the three acts --------------------------------------------------------------------------------------------------

cdef inline int refuse(Translation* out, u32 error, u32 cause, u32 level, u64 address, u64 entry) noexcept nogil:
    out.error, out.cause, out.level, out.entry_address, out.entry = error, cause, level, address, entry
    return PAGE_FAULT

cdef int follow(MemoryMap* memory, Paging* paging, u64 linear, Path* path, Translation* out) noexcept nogil:
    cdef u32 size = 64 if wide(paging) else 32, index_bits = 9 if size == 64 else 10
    cdef u32 level = top_level(paging), shift, index
    cdef u64 table = paging.cr3, address, value
    cdef Entry* entry
    path.count, path.set_in_all, path.set_in_any = 0, ~<u64>0, 0
    if size == 64 and level == 2:                                   # PAE: level 3 was read when CR3 was loaded
        table = paging.pdpte[(linear >> 30) & 3]
        if not table & PRESENT:
            address = (paging.cr3 & bits(31, 5)) + 8 * ((linear >> 30) & 3)
            return refuse(out, 0, CAUSE_PAGE_NOT_PRESENT, 3, address, table)
    while True:
        shift = 12 + index_bits * (level - 1)
        index = (linear >> shift) & ((1 << index_bits) - 1)
        address = ((table & (ADDRESS if size == 64 else bits(31, 12))) + index * (size // 8)) & paging.address_mask
        value = physical_read(memory, address, size)
        if not value & PRESENT:
            return refuse(out, 0, CAUSE_PAGE_NOT_PRESENT, level, address, value)
        if value & reserved_bits(paging, level, is_page(paging, level, value)):
            return refuse(out, ERROR_P | ERROR_RSVD, CAUSE_PAGE_RESERVED, level, address, value)
        entry = &path.entries[path.count]
        entry.address, entry.value, entry.level = address, value, level
        path.count += 1
        path.set_in_all &= value
        path.set_in_any |= value
        if is_page(paging, level, value): break
        table = value
        level -= 1
    out.page_size = <u64>1 << shift
    out.physical = (page_address(paging, level, value) | (linear & (out.page_size - 1))) & paging.address_mask
    out.is_global = (value & GLOBAL) != 0 and (paging.cr4 & CR4_PGE) != 0
    return 0

cdef u32 forbidden(Paging* paging, int access, bint user, bint ac, Path* path) noexcept nogil:
    """Why the rights of the path refuse the access: a CAUSE_, or 0."""
    cdef bint user_page = (path.set_in_all & US) != 0
    if user and not user_page: return CAUSE_PAGE_SUPERVISOR
    if access == EXECUTE:
        if path.set_in_any & XD and wide(paging): return CAUSE_PAGE_NO_EXECUTE      # without NXE it was reserved
        return CAUSE_PAGE_SMEP if user_page and not user and paging.cr4 & CR4_SMEP else 0
    if user_page and not user and paging.cr4 & CR4_SMAP and not ac: return CAUSE_PAGE_SMAP
    if access == WRITE and not path.set_in_all & RW and (user or paging.cr0 & CR0_WP): return CAUSE_PAGE_READ_ONLY
    return 0

cdef int permit(Paging* paging, int access, bint user, bint ac, Path* path, Translation* out) noexcept nogil:
    cdef u32 cause = forbidden(paging, access, user, ac, path), index
    cdef Entry* last = &path.entries[path.count - 1]
    cdef Entry* entry = last
    out.user = (path.set_in_all & US) != 0
    out.writable = ((path.set_in_all & RW) != 0 or (not user and not paging.cr0 & CR0_WP)) and \
        (access == WRITE or (last.value & DIRTY) != 0)
    if likely(cause == 0): return 0
    for index in range(path.count):                                 # the uppermost entry that refuses
        entry = &path.entries[index]
        if cause == CAUSE_PAGE_SUPERVISOR and not entry.value & US: break
        if cause == CAUSE_PAGE_NO_EXECUTE and entry.value & XD: break
        if cause == CAUSE_PAGE_READ_ONLY and not entry.value & RW: break
        if entry == last: break                                     # SMEP and SMAP: all agree that it is a user page
    return refuse(out, ERROR_P, cause, entry.level, entry.address, entry.value)

cdef void mark(MemoryMap* memory, Paging* paging, int access, Path* path) noexcept nogil:
    cdef u32 index
    cdef u64 value
    for index in range(path.count):
        value = path.entries[index].value | ACCESSED
        if access == WRITE and index == path.count - 1: value |= DIRTY
        if value != path.entries[index].value:
            physical_write(memory, path.entries[index].address, value, 64 if wide(paging) else 32)

# ---- the walk --------------------------------------------------------------------------------------------------------

cdef int translate_only(MemoryMap* memory, Paging* paging, u64 linear, int access, bint user, bint ac, Path* path,
                        Translation* out) noexcept nogil:
    cdef int vector
    memset(out, 0, sizeof(Translation))
    if not long_paging(paging): linear &= <u64>0xFFFFFFFF
    if not paging.cr0 & CR0_PG:
        path.count = 0
        out.physical, out.page_size, out.writable, out.user = linear & paging.address_mask, 4096, True, True
        return 0
    vector = follow(memory, paging, linear, path, out)
    if vector == 0: vector = permit(paging, access, user, ac, path, out)
    if vector != 0:
        out.physical, out.page_size, out.writable, out.user, out.is_global = 0, 0, False, False, False
        if access == WRITE: out.error |= ERROR_W
        if user: out.error |= ERROR_U
        if access == EXECUTE and (paging.cr4 & CR4_SMEP or (wide(paging) and paging.efer & EFER_NXE)):
            out.error |= ERROR_I
    return vector

cdef int walk(MemoryMap* memory, Paging* paging, u64 linear, int access, bint user, bint ac,
              Translation* out) noexcept nogil:
    cdef Path path
    cdef int vector = translate_only(memory, paging, linear, access, user, ac, &path, out)
    if vector == 0: mark(memory, paging, access, &path)
    return vector

cdef bint load_pdptes(MemoryMap* memory, Paging* paging) noexcept nogil:
    cdef u64 entries[4]
    cdef u64 reserved = PAE_PDPTE_RESERVED | bits(63, paging.physical_bits)
    cdef u32 index
    for index in range(4):
        entries[index] = physical_read(memory, ((paging.cr3 & bits(31, 5)) + 8 * index) & paging.address_mask, 64)
        if entries[index] & PRESENT and entries[index] & reserved: return False
    for index in range(4): paging.pdpte[index] = entries[index]
    return True

# ---- for Python ------------------------------------------------------------------------------------------------------

ACCESSES = {"read": READ, "write": WRITE, "execute": EXECUTE}

cdef class Walker:
    """Page walks through a Memory, for tools and tests. The processor's own state is not involved.

    registers   x86.paging.Registers
    """
    cdef Memory memory
    cdef Paging paging
    cdef object registers

    def __init__(self, Memory memory, registers):
        self.memory, self.registers = memory, registers
        self.paging.cr0, self.paging.cr3, self.paging.cr4 = registers.cr0, registers.cr3, registers.cr4
        self.paging.efer, self.paging.physical_bits = registers.efer, registers.physical_bits
        self.paging.gigabyte_pages = registers.gigabyte_pages
        self.paging.address_mask = registers.address_mask
        for index, entry in enumerate(registers.pdpte):
            self.paging.pdpte[index] = entry

    def load_pdptes(self):
        """PAE's PDPTE registers as loading CR3 reads them from memory: a tuple of four, or None if that is #GP(0)."""
        if not load_pdptes(&self.memory.map, &self.paging): return None
        return tuple(self.paging.pdpte[index] for index in range(4))

    def walk(self, u64 linear, str access="read", bint user=False, bint ac=False, bint mark_entries=False):
        """Walk for `access` ("read", "write", "execute"): an x86.paging.Walk. Sets A and D only if `mark_entries`."""
        cdef Path path
        cdef Translation found
        cdef Entry entry
        cdef int kind = ACCESSES[access]
        cdef int vector
        if not long_paging(&self.paging): linear &= <u64>0xFFFFFFFF
        vector = translate_only(&self.memory.map, &self.paging, linear, kind, user, ac, &path, &found)
        steps = []
        paged = self.paging.cr0 & CR0_PG
        if paged and wide(&self.paging) and not long_paging(&self.paging):
            index = (linear >> 30) & 3
            steps.append(Step(3, entry_name(3), (self.paging.cr3 & bits(31, 5)) + 8 * index, self.paging.pdpte[index]))
        for index in range(path.count):
            entry = path.entries[index]
            steps.append(Step(entry.level, entry_name(entry.level), entry.address, entry.value))
        if vector != 0 and all(step.address != found.entry_address or step.level != found.level for step in steps):
            steps.append(Step(found.level, entry_name(found.level), found.entry_address, found.entry))
        if mark_entries:
            vector = walk(&self.memory.map, &self.paging, linear, kind, user, ac, &found)
        return Walk(linear, access, user, tuple(steps), found.physical if vector == 0 else None, found.page_size,
                    found.writable, found.user, found.is_global, found.error if vector else None, found.cause,
                    found.level)
