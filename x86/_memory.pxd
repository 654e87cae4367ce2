# Physical memory. Guest-physical addresses become host pointers here and nowhere else.
#
#   arena   0            ram_low        ram_low + ram_high                 arena_size      capacity
#           | RAM from 0 | RAM from 4 GB | ROM and video memory, as mapped | reserved       | guard page
#
# A frame is one 4 KB page of the arena: frame index = (host - arena) >> 12. In C, sizes are in bits.
from libc.string cimport memcpy
from x86._state cimport (Memory as MemoryMap, Region, Frame, u8, u16, u32, u64, FRAME_DIRTY, REGION_MMIO, REGION_ROM,
                         likely)

cdef enum:
    PAGE = 4096,
    WINDOW_START = 0xA0000,                     # video memory and ROMs lie over RAM here, and only here
    WINDOW_END = 0x100000

cdef Region* region_for(MemoryMap* memory, u64 physical) noexcept nogil             # what is mapped there, or NULL
cdef u8* mapped_frame(MemoryMap* memory, u64 physical, bint write) noexcept nogil   # frame_for outside plain RAM
cdef u64 physical_read(MemoryMap* memory, u64 physical, int size) noexcept nogil    # RAM and ROM; else all ones
cdef void physical_write(MemoryMap* memory, u64 physical, u64 value, int size) noexcept nogil   # RAM; else nothing

# Host address of the byte at `physical`; NULL where MMIO or nothing is, and for writing to ROM. Good to the page's end.
cdef inline u8* frame_for(MemoryMap* memory, u64 physical, bint write) noexcept nogil:
    if likely(physical < memory.ram_low and (physical < WINDOW_START or physical >= WINDOW_END)):
        return memory.arena + physical
    if physical - (<u64>1 << 32) < memory.ram_high:
        return memory.arena + memory.ram_low + (physical - (<u64>1 << 32))
    return mapped_frame(memory, physical, write)

cdef inline u64 frame_index(MemoryMap* memory, u8* host) noexcept nogil:
    return <u64>(host - memory.arena) >> 12

# `count` bytes at `host`, all in one page, are about to change or just changed
cdef inline void touched(MemoryMap* memory, u8* host, u64 count) noexcept nogil:
    cdef u64 offset = <u64>(host - memory.arena)
    cdef Frame* frame = &memory.frames[offset >> 12]
    frame.flags |= FRAME_DIRTY
    if frame.code != 0 and memory.code_written != NULL:
        memory.code_written(memory.cache, offset >> 12, offset & 0xFFF, (offset & 0xFFF) + count - 1)

cdef class Memory:
    cdef MemoryMap map
    cdef u64 capacity                           # bytes of address space reserved for the arena, without the guard
    cdef u64 frames_size
    cdef bint random
    cdef u64 seed
    cdef list devices                           # [(name, read, write)], by Region.device
    cdef list names                             # of map.regions, same order
    cdef public object on_change                # called without arguments when the map changes: flush TLBs
    cdef readonly dict unclaimed                # {(page, "read" | "write"): accesses nobody answered}

    cdef Region* new_region(self, object start, object length, str name, u32 kind) except NULL
    cdef object add_storage(self, object start, object length, str name, u32 kind)
    cdef object check(self, object address, object length)
    cdef void fill_initial(self, u8* page, u64 frame) noexcept nogil
    cdef u64 frame_count(self) noexcept nogil
    cdef u8* frame_at(self, object index) except NULL
    cpdef u64 mmio_read(self, u64 physical, int size) except? 0xEEEEEEEE
    cpdef object mmio_write(self, u64 physical, u64 value, int size)
