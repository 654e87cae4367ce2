# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Physical memory: RAM, ROM, video memory and MMIO windows; which pages changed."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memmove, memset
from posix.mman cimport (MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, mmap,
                         mprotect, munmap)
from x86._state cimport FRAME_ROM, REGION_RAM

cdef enum: MAX_REGIONS = 64
cdef enum: MAX_UNCLAIMED = 1000                 # places where nobody answered, that are remembered

cdef u64 HIGH_START = <u64>1 << 32              # RAM that does not fit below the PCI hole continues at 4 GB
cdef u64 EXTRA = 64 << 20                       # address space for ROM and video memory
cdef u64 SPLIT_AT = 0xE0000000                  # from this size on, QEMU's pc moves RAM above 3 GB to 4 GB
cdef u64 SPLIT_TO = 0xC0000000
cdef u64 MAX_RAM = <u64>1 << 39                 # leaves RAM at 4 GB inside 40 physical bits
cdef u64 END = <u64>1 << 52                     # the architecture's last physical address, exclusive
KINDS = ("RAM", "ROM", "MMIO")

# ---- the C side ------------------------------------------------------------------------------------------------------

cdef Region* region_for(MemoryMap* memory, u64 physical) noexcept nogil:
    cdef u32 index
    for index in range(memory.region_count):
        if memory.regions[index].start <= physical < memory.regions[index].end:
            return &memory.regions[index]
    return NULL

cdef u8* mapped_frame(MemoryMap* memory, u64 physical, bint write) noexcept nogil:
    cdef Region* region = region_for(memory, physical)
    if region != NULL:
        if region.kind == REGION_MMIO or (write and region.kind == REGION_ROM):
            return NULL
        return memory.arena + region.offset + (physical - region.start)
    return memory.arena + physical if physical < memory.ram_low else NULL

cdef u64 physical_read(MemoryMap* memory, u64 physical, int size) noexcept nogil:
    cdef u8* host = frame_for(memory, physical, False)
    cdef u64 value = 0
    cdef u64 count = size // 8, part
    if (physical & (PAGE - 1)) + count > PAGE:          # two pages: byte by byte
        for part in range(count):
            value |= physical_read(memory, physical + part, 8) << (8 * part)
        return value
    if host == NULL:
        return ~<u64>0 >> (64 - size)
    memcpy(&value, host, count)
    return value

cdef void physical_write(MemoryMap* memory, u64 physical, u64 value, int size) noexcept nogil:
    cdef u8* host = frame_for(memory, physical, True)
    cdef u64 count = size // 8, part
    if (physical & (PAGE - 1)) + count > PAGE:
        for part in range(count):
            physical_write(memory, physical + part, value >> (8 * part), 8)
    elif host != NULL:
        memcpy(host, &value, count)
        touched(memory, host, count)

# SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators), one stream a page
cdef inline u64 mix(u64 z) noexcept nogil:
    z = (z ^ (z >> 30)) * <u64>0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <u64>0x94D049BB133111EB
    return z ^ (z >> 31)

cdef void fill_random(u64* page, u64 seed, u64 frame) noexcept nogil:
    cdef u64 state = mix(seed + mix(frame + 1)), word
    for word in range(<u64>PAGE // 8):
        state += <u64>0x9E3779B97F4A7C15
        page[word] = mix(state)

cdef u8* reserve(u64 size) except NULL:
    """Address space that costs nothing until it is touched, with an inaccessible page behind it."""
    cdef int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    cdef void* start = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, kind, -1, 0)
    if start == MAP_FAILED:
        raise MemoryError(f"the host refuses {size >> 20} MB of address space")
    mprotect(<u8*>start + size, PAGE, PROT_NONE)
    return <u8*>start

# ---- the Python side -------------------------------------------------------------------------------------------------

cdef class Memory:
    """The physical address space of a machine.

    size   bytes of RAM, a multiple of 4096. Up to 3.5 GB it lies at 0; of more, what exceeds 3 GB lies at 4 GB, as on
           QEMU's pc, and leaves the PCI hole between.
    fill   what RAM holds at power-on: "zero", or "random:SEED" (an integer; the same seed gives the same bytes).

    `memory[a:b]` reads and writes bytes by physical address: RAM, ROM (writable from here) and MMIO (a byte at a
    time, with the side effects that has). IndexError where nothing is mapped.
    """

    def __cinit__(self, size, fill="zero"):
        if size <= 0 or size % PAGE:
            raise ValueError(f"RAM of {size} bytes: must be a positive multiple of {PAGE}")
        if size > MAX_RAM:
            raise ValueError(f"RAM of {size} bytes: at most {MAX_RAM >> 30} GB")
        self.random, self.seed = parse_fill(fill)
        self.map.ram_low = SPLIT_TO if size >= SPLIT_AT else size
        self.map.ram_high = size - self.map.ram_low
        self.map.arena_size = size
        self.map.python = <void*>self
        self.capacity = size + EXTRA
        self.frames_size = (self.capacity // PAGE * sizeof(Frame) + PAGE - 1) & ~<u64>(PAGE - 1)
        self.map.arena = reserve(self.capacity)
        self.map.frames = <Frame*>reserve(self.frames_size)
        self.devices, self.names, self.unclaimed = [], [], {}
        cdef u64 frame
        if self.random:
            with nogil:
                for frame in range(self.frame_count()):
                    self.fill_initial(self.map.arena + frame * PAGE, frame)

    def __dealloc__(self):
        if self.map.arena != NULL:
            munmap(self.map.arena, self.capacity + PAGE)
        if self.map.frames != NULL:
            munmap(self.map.frames, self.frames_size + PAGE)

    @property
    def size(self):
        """Bytes of RAM."""
        return self.map.ram_low + self.map.ram_high

    @property
    def ram_low(self):
        """Bytes of RAM from address 0."""
        return self.map.ram_low

    @property
    def ram_high(self):
        """Bytes of RAM from 4 GB."""
        return self.map.ram_high

    @property
    def regions(self):
        """[(start, end, kind, name)] by address, end exclusive, kind "RAM", "ROM" or "MMIO". Regions hide RAM.

        Of MMIO that lies under an alias only what is left on both sides is there."""
        found = [(0, self.map.ram_low, "RAM", "RAM")]
        if self.map.ram_high:
            found.append((HIGH_START, HIGH_START + self.map.ram_high, "RAM", "RAM at 4 GB"))
        for index in range(self.map.region_count):
            region = self.map.regions[index]
            pieces = [(region.start, region.end)]
            for above in range(index):
                other = self.map.regions[above]
                pieces = [piece for start, end in pieces for piece in (
                    ((start, min(end, other.start)), (max(start, other.end), end))
                    if start < other.end and other.start < end else ((start, end),))]
            found += [(start, end, KINDS[region.kind], self.names[index]) for start, end in pieces if start < end]
        return sorted(found)

    # ---- the map ----

    cdef Region* new_region(self, object start, object length, str name, u32 kind) except NULL:
        """A new region, checked. The caller has nothing left that can fail."""
        what = f"{name} at {start:#x}-{start + length - 1:#x}"
        if start < 0 or length <= 0 or start + length > END or start % PAGE or length % PAGE:
            raise ValueError(f"{what}: start and length must be multiples of {PAGE}, inside 52 bits of address")
        in_window = start >= WINDOW_START and start + length <= WINDOW_END
        for ram_start, ram_end in ((0, self.map.ram_low), (HIGH_START, HIGH_START + self.map.ram_high)):
            if start < ram_end and ram_start < start + length and not in_window:
                raise ValueError(f"{what} would hide RAM outside {WINDOW_START:#x}-{WINDOW_END - 1:#x}")
        for index in range(self.map.region_count):
            other = self.map.regions[index]
            if start < other.end and other.start < start + length:
                raise ValueError(f"{what} overlaps {self.names[index]} at {other.start:#x}-{other.end - 1:#x}")
        if self.map.region_count == MAX_REGIONS:
            raise ValueError(f"{what}: there are {MAX_REGIONS} regions already")
        if kind != REGION_MMIO and self.map.arena_size + <u64>length > self.capacity:
            raise ValueError(f"{what}: more than {EXTRA >> 20} MB of ROM and video memory")
        cdef Region* region = &self.map.regions[self.map.region_count]
        region.start, region.end, region.kind = start, start + length, kind
        region.offset, region.device = 0, 0
        self.map.region_count += 1
        self.names.append(name)
        return region

    cdef object add_storage(self, object start, object length, str name, u32 kind):
        cdef Region* region = self.new_region(start, length, name, kind)
        region.offset = self.map.arena_size
        self.map.arena_size += <u64>length
        self.changed()

    def changed(self):
        if self.on_change is not None:
            self.on_change()

    def map_rom(self, start, data, name):
        """Map `data` (bytes; filled up with FFh to a whole page) read-only at `start`. ValueError on an overlap."""
        cdef u64 frame, at = self.map.arena_size
        data = bytes(data)
        data += b"\xFF" * ((PAGE - len(data) % PAGE) % PAGE)
        self.add_storage(start, len(data), name, REGION_ROM)
        memcpy(self.map.arena + at, PyBytes_AS_STRING(data), len(data))
        for frame in range(at // PAGE, self.frame_count()):
            self.map.frames[frame].flags |= FRAME_ROM | FRAME_DIRTY

    def map_ram(self, start, length, name):
        """Map `length` bytes of zeroed memory at `start` (video memory). ValueError on an overlap."""
        self.add_storage(start, length, name, REGION_RAM)

    def map_mmio(self, start, length, name, read, write):
        """Map registers: read(offset, size) -> int and write(offset, value, size), sizes in bytes (1, 2, 4, 8).

        ValueError on an overlap."""
        cdef Region* region = self.new_region(start, length, name, REGION_MMIO)
        region.device = len(self.devices)
        self.devices.append((name, read, write))
        self.changed()

    def map_alias(self, start, length, name, target):
        """Show the RAM that is mapped at `target` at `start`, too, over the MMIO that may be mapped there.

        An alias with this name moves: what it had hidden is seen again. `length` 0 shows it nowhere.
        ValueError if it would hide anything but MMIO, or if there is no such RAM."""
        cdef u32 index, place = 0
        cdef Region* region
        cdef u64 offset = 0, page
        cdef u8* host
        what = f"{name} at {start:#x}-{start + length - 1:#x}"
        if length < 0 or start < 0 or start % PAGE or length % PAGE or target % PAGE or start + length > END:
            raise ValueError(f"{what}: start, length and target must be multiples of {PAGE}, inside 52 bits of address")
        for index in range(self.map.region_count if length else 0):
            region = &self.map.regions[index]
            if region.kind != REGION_MMIO and self.names[index] != name and start < region.end and region.start < start + length:
                raise ValueError(f"{what} overlaps {self.names[index]} at {region.start:#x}-{region.end - 1:#x}")
            if region.kind == REGION_RAM and region.start <= target and target + length <= region.end:
                offset = region.offset + (<u64>target - region.start)
        if length and not offset:
            raise ValueError(f"{what}: no RAM is mapped at {target:#x}-{target + length - 1:#x}")
        for ram_start, ram_end in ((0, self.map.ram_low), (HIGH_START, HIGH_START + self.map.ram_high)):
            if start < ram_end and ram_start < start + length and not (start >= WINDOW_START and start + length <= WINDOW_END):
                raise ValueError(f"{what} would hide RAM outside {WINDOW_START:#x}-{WINDOW_END - 1:#x}")
        if name in self.names:
            place = self.names.index(name)
            region = &self.map.regions[place]
            for page in range(region.start, region.end, PAGE):      # code was decoded by its old address
                host = frame_for(&self.map, page, False)
                if self.map.frames[frame_index(&self.map, host)].code and self.map.code_written != NULL:
                    self.map.code_written(self.map.cache, frame_index(&self.map, host), 0, PAGE - 1)
        elif self.map.region_count == MAX_REGIONS:
            raise ValueError(f"{what}: there are {MAX_REGIONS} regions already")
        else:                                                       # in front: the first that fits is found
            memmove(&self.map.regions[1], &self.map.regions[0], self.map.region_count * sizeof(Region))
            self.map.region_count += 1
            self.names.insert(0, name)
        region = &self.map.regions[place]
        region.start, region.end, region.offset = start, start + length, offset
        region.kind, region.device = REGION_RAM, 0
        self.changed()

    cpdef u64 mmio_read(self, u64 physical, int size) except? 0xEEEEEEEE:
        """Ask the device at `physical` for `size` bytes. Nobody there: all ones, counted in `unclaimed`."""
        cdef Region* region = region_for(&self.map, physical)
        if region == NULL or region.kind != REGION_MMIO:
            nobody(self, physical, "read")
            return ~<u64>0 >> (64 - 8 * size)
        return self.devices[region.device][1](physical - region.start, size) & (~<u64>0 >> (64 - 8 * size))

    cpdef object mmio_write(self, u64 physical, u64 value, int size):
        """Hand `size` bytes to the device at `physical`. Nobody there: counted in `unclaimed`. ROM ignores it."""
        cdef Region* region = region_for(&self.map, physical)
        if region == NULL:
            nobody(self, physical, "write")
        elif region.kind == REGION_MMIO:
            self.devices[region.device][2](physical - region.start, value & (~<u64>0 >> (64 - 8 * size)), size)

    # ---- bytes ----

    cdef object check(self, object address, object length):
        """IndexError unless every byte of the range is mapped."""
        if length < 0:
            raise ValueError(f"length {length} is negative")
        if address < 0 or address + length > END:
            raise IndexError(f"physical address {address:#x}: outside 52 bits")
        cdef u64 page = address & ~(PAGE - 1), end = address + length
        while page < end:
            if frame_for(&self.map, page, False) == NULL and region_for(&self.map, page) == NULL:
                raise IndexError(f"physical {address:#x}-{address + length - 1:#x}: nothing is mapped at {page:#x} "
                                 f"(RAM is {self.size:#x} bytes)")
            page += PAGE

    def read(self, address, length):
        """`length` bytes at physical `address`."""
        self.check(address, length)
        cdef u64 at = address, left = length, count
        cdef bytes data = PyBytes_FromStringAndSize(NULL, length)
        cdef u8* to = <u8*>PyBytes_AS_STRING(data)
        cdef u8* host
        while left:
            host = frame_for(&self.map, at, False)
            count = 1 if host == NULL else min(left, PAGE - (at & (PAGE - 1)))
            if host == NULL:
                to[0] = <u8>self.mmio_read(at, 1)
            else:
                memcpy(to, host, count)
            to, at, left = to + count, at + count, left - count
        return data

    def write(self, address, data):
        """Write `data` (any bytes-like object) to physical `address`, ROM included. All or nothing is mapped."""
        cdef bytes source = bytes(data)
        self.check(address, len(source))
        cdef u64 at = address, left = len(source), count
        cdef u8* origin = <u8*>PyBytes_AS_STRING(source)
        cdef u8* host
        while left:
            host = frame_for(&self.map, at, False)
            count = 1 if host == NULL else min(left, PAGE - (at & (PAGE - 1)))
            if host == NULL:
                self.mmio_write(at, origin[0], 1)
            else:
                memcpy(host, origin, count)
                touched(&self.map, host, count)
            origin, at, left = origin + count, at + count, left - count

    def __getitem__(self, key):
        if isinstance(key, slice):
            start, length = span(key)
            return self.read(start, length)
        return self.read(key, 1)[0]

    def __setitem__(self, key, value):
        if not isinstance(key, slice):
            self.write(key, bytes((value,)))
            return
        start, length = span(key)
        if len(value) != length:
            raise ValueError(f"{len(value)} bytes for a slice of {length}")
        self.write(start, value)

    def read_number(self, address, size):
        """A little-endian number of `size` bytes; MMIO sees one access of that size."""
        cdef u8* host = plain(self, address, size)
        cdef u64 number = 0
        if host != NULL:
            memcpy(&number, host, <u64>size)
            return number
        self.check(address, size)
        if frame_for(&self.map, address, False) == NULL:
            return self.mmio_read(address, size)
        return int.from_bytes(self.read(address, size), "little")

    def write_number(self, address, value, size):
        """Write a little-endian number of `size` bytes; OverflowError if it does not fit."""
        cdef u8* host = plain(self, address, size)
        cdef u64 number
        if host != NULL and 0 <= value < 1 << 8 * size:
            number = value
            memcpy(host, &number, <u64>size)
            touched(&self.map, host, size)
            return
        data = (value & ((1 << 8 * size) - 1) if value < 0 else value).to_bytes(size, "little")
        self.check(address, size)
        if frame_for(&self.map, address, False) == NULL:
            self.mmio_write(address, int.from_bytes(data, "little"), size)
        else:
            self.write(address, data)

    def read_u8(self, address): return self.read_number(address, 1)
    def read_u16(self, address): return self.read_number(address, 2)
    def read_u32(self, address): return self.read_number(address, 4)
    def read_u64(self, address): return self.read_number(address, 8)
    def write_u8(self, address, value): self.write_number(address, value, 1)
    def write_u16(self, address, value): self.write_number(address, value, 2)
    def write_u32(self, address, value): self.write_number(address, value, 4)
    def write_u64(self, address, value): self.write_number(address, value, 8)

    # ---- frames: what snapshots are made of ----

    cdef u64 frame_count(self) noexcept nogil:
        return self.map.arena_size // PAGE

    cdef void fill_initial(self, u8* page, u64 frame) noexcept nogil:
        if self.random and frame < (self.map.ram_low + self.map.ram_high) // PAGE:
            fill_random(<u64*>page, self.seed, frame)
        else:
            memset(page, 0, PAGE)

    cdef u8* frame_at(self, object index) except NULL:
        if not 0 <= index < self.frame_count():
            raise IndexError(f"frame {index}: there are {self.frame_count()}")
        return self.map.arena + <u64>index * PAGE

    def dirty_frames(self):
        """Indices of the frames written since power-on or clear_dirty(), in order. ROM counts as written."""
        cdef u64 frame
        return [frame for frame in range(self.frame_count()) if self.map.frames[frame].flags & FRAME_DIRTY]

    def clear_dirty(self):
        """Forget which frames were written. The processors' TLBs must be flushed: they write without asking."""
        cdef u64 frame
        for frame in range(self.frame_count()):
            self.map.frames[frame].flags &= ~<u64>FRAME_DIRTY

    def frame_bytes(self, index):
        """The 4096 bytes of a frame."""
        return PyBytes_FromStringAndSize(<char*>self.frame_at(index), PAGE)

    def set_frame(self, index, data):
        """Replace the 4096 bytes of a frame; it becomes dirty, and code decoded from it dies."""
        cdef bytes source = bytes(data)
        if len(source) != PAGE:
            raise ValueError(f"a frame has {PAGE} bytes, not {len(source)}")
        cdef u8* host = self.frame_at(index)
        memcpy(host, PyBytes_AS_STRING(source), PAGE)
        touched(&self.map, host, PAGE)

    def initial_frame(self, index):
        """What a frame of RAM held at power-on; zeros for ROM and video memory."""
        self.frame_at(index)
        cdef bytes data = PyBytes_FromStringAndSize(NULL, PAGE)
        self.fill_initial(<u8*>PyBytes_AS_STRING(data), index)
        return data


cdef object nobody(Memory memory, u64 physical, str what):
    """Count an access that nobody answered."""
    key = (physical & ~<u64>(PAGE - 1), what)
    if key in memory.unclaimed or len(memory.unclaimed) < MAX_UNCLAIMED:
        memory.unclaimed[key] = memory.unclaimed.get(key, 0) + 1


cdef u8* plain(Memory memory, object address, int size):
    """Where `size` bytes are, if they lie in one page of RAM or ROM; else NULL."""
    cdef u64 at
    if not 0 <= address < END or not 0 < size <= 8: return NULL
    at = address
    return NULL if (at & (PAGE - 1)) + <u64>size > PAGE else frame_for(&memory.map, at, False)


def parse_fill(fill):
    """(random, seed) of "zero" or "random:SEED"."""
    if fill == "zero":
        return False, 0
    kind, _, seed = fill.partition(":")
    try:
        if kind != "random":
            raise ValueError
        return True, int(seed, 0) & 0xFFFFFFFFFFFFFFFF
    except ValueError:
        raise ValueError(f"memory fill {fill!r}: must be 'zero' or 'random:SEED' with an integer seed") from None


def span(key):
    """(start, length) of a slice of physical memory."""
    start = 0 if key.start is None else key.start
    if key.step is not None or key.stop is None:
        raise ValueError("a slice of physical memory needs an end and no step")
    return start, max(0, key.stop - start)
