"""Processor: what Python sees of a Cpu. Registers by name, segments, the run loop, its state as plain data."""
from collections import namedtuple
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset
from posix.stdlib cimport posix_memalign
from x86._state cimport *
from x86._state cimport Memory as MemoryMap
from x86._flags cimport *
from x86._memory cimport Memory, frame_for
from x86._model cimport CR0_ET, CR4_LA57, FEATURE_1GB
from x86._breakpoints cimport arm
from x86._access cimport flush_tlb, forget_jumps, miss, set_context
from x86._blocks cimport (BlockCache, MOST_REFUSALS, code_written, empty_cache, free_cache, new_cache,
                          slow_handler)
from x86._execute cimport run as run_loop
from x86._fpu_registers cimport (fxsave_area, is_fpu_register, load_fxsave_area, read_fpu_register,
                                 write_fpu_register)
from x86._units cimport misaligned, refuse, to_guest, to_python, update_units
from x86._interrupts cimport log_mode

from x86 import models
from x86._decode import instruction_mask
from x86.registers import REGISTERS as GPR, SEGMENT_INDEX as SEGMENTS

EXITS = {EXIT_NONE: "none", EXIT_BUDGET: "budget", EXIT_HALT: "halt", EXIT_SHUTDOWN: "shutdown", EXIT_STOP: "stop",
         EXIT_BREAK: "break"}
EVENTS = {EVENT_FAULT: "fault", EVENT_INTERRUPT: "interrupt", EVENT_SOFTWARE: "software", EVENT_MODE: "mode",
          EVENT_DOUBLE: "double", EVENT_TRIPLE: "triple"}
# Properties that can be set
WRITABLE = ("halted", "intr", "ignore_error", "gdtr", "idtr", "general", "fxsave", "vectors", "integer_float")

ProcessorEvent = namedtuple("ProcessorEvent", "time kind vector error cause rip cs cpl address detail target")
Refusal = namedtuple("Refusal", "code bits count time cs rip")
SegmentView = namedtuple("SegmentView", "name selector base limit access")

FLAGS = {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "tf": 8, "if_": 9, "df": 10, "of": 11, "nt": 14, "rf": 16, "vm": 17,
         "ac": 18, "id": 21}

# ---- callbacks of the core: they take the GIL, call the bus, and keep what goes wrong for run() ---------------------------

cdef u64 port_in(Cpu* cpu, u32 port, int size) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        return processor.machine.bus.read(port, size)
    except BaseException as error:
        processor.failed(error)
        return ~<u64>0
    finally: to_guest(cpu)

cdef void port_out(Cpu* cpu, u32 port, u64 value, int size) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        processor.machine.bus.write(port, value, size)
    except BaseException as error:
        processor.failed(error)
    finally: to_guest(cpu)

cdef u64 mmio_read(Cpu* cpu, u64 physical, int size) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        return processor.memory.mmio_read(physical, size)
    except BaseException as error:
        processor.failed(error)
        return ~<u64>0
    finally: to_guest(cpu)

cdef void mmio_write(Cpu* cpu, u64 physical, u64 value, int size) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        processor.memory.mmio_write(physical, value, size)
    except BaseException as error:
        processor.failed(error)
    finally: to_guest(cpu)

cdef int acknowledge(Cpu* cpu) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        return processor.machine.acknowledge()
    except BaseException as error:
        processor.failed(error)
        return -1
    finally: to_guest(cpu)

cdef void apic_changed(Cpu* cpu) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        processor.machine.apic_changed()
    except BaseException as error:
        processor.failed(error)
    finally: to_guest(cpu)

cdef void ferr(Cpu* cpu) noexcept with gil:
    cdef Processor processor = <Processor>cpu.python
    to_python(cpu)
    try:
        processor.machine.devices["coprocessor"].error()
    except BaseException as error:
        processor.failed(error)
    finally: to_guest(cpu)

cdef event_view(Event* e):
    return ProcessorEvent(e.time, EVENTS.get(e.kind, "?"), e.vector, e.error if e.has_error else None, e.cause, e.rip, e.cs,
                          e.cpl, e.address, e.detail, e.target)


cdef class Processor:
    """One x86-64 processor. Every register is an attribute by its name, of any width: rax, eax, ax, ah, r8d, rip, cs,
    cr0, efer, dr7, rflags, cf, zf, xmm0, ymm15, mm0, st0 (80 bits), mxcsr, fsw, ftw (as FXSAVE has it: a bit for each
    register in use). Segment registers read as selectors; setting one loads it as real mode would
    (base = selector * 16); `segment(name)` and `set_segment(...)` show and set the hidden part."""

    cdef Cpu* cpu
    cdef BlockCache* cache
    cdef readonly Memory memory
    cdef readonly object machine
    cdef readonly object model              # of x86.models
    cdef object error

    def __cinit__(self, machine, Memory memory, model=models.model(models.DEFAULT)):
        if posix_memalign(<void**>&self.cpu, 64, sizeof(Cpu)) != 0: raise MemoryError()
        memset(self.cpu, 0, sizeof(Cpu))
        memset(self.cpu.banks, 0xFF, sizeof(self.cpu.banks))    # NO_PAGE everywhere
        forget_jumps(self.cpu)
        self.machine, self.memory = machine, memory
        self.cache = new_cache(&memory.map)
        self.cache.cpus[0] = self.cpu
        self.cache.cpu_count = 1
        self._wire()
        self._set_model(model)
        self.cpu.random = memory.seed
        self.reset()

    def __dealloc__(self):
        if self.cache != NULL: free_cache(self.cache)
        free(self.cpu)

    cdef _wire(self):
        cdef Cpu* cpu = self.cpu
        cpu.memory = &self.memory.map
        cpu.memory.cache = self.cache
        cpu.memory.code_written = code_written
        cpu.blocks = self.cache
        cpu.python = <void*>self
        cpu.miss = miss
        cpu.slow_handler = slow_handler
        cpu.refuse, cpu.misaligned = refuse, misaligned
        cpu.code_written = code_written
        cpu.port_in, cpu.port_out = port_in, port_out
        cpu.mmio_read, cpu.mmio_write = mmio_read, mmio_write
        cpu.acknowledge, cpu.apic_changed, cpu.ferr = acknowledge, apic_changed, ferr

    cdef _set_model(self, model):
        cdef Model* m = &self.cpu.model
        self.model = model
        m.instructions = instruction_mask(model.features)
        m.cr0_bits, m.cr4_bits, m.efer_bits, m.flags_bits = model.cr0_bits, model.cr4_bits, model.efer_bits, model.flags_bits
        m.signature, m.highest_leaf, m.highest_extended = model.signature, model.highest_leaf, model.highest_extended
        m.physical_bits, m.linear_bits = model.physical_bits, model.linear_bits
        m.leaf1_edx, m.leaf1_ecx = model.word("leaf1_edx"), model.word("leaf1_ecx")
        m.leaf7_ebx, m.leaf7_ecx, m.leaf7_edx = model.word("leaf7_ebx"), model.word("leaf7_ecx"), model.word("leaf7_edx")
        m.extended_edx, m.extended_ecx = model.word("extended_edx"), model.word("extended_ecx")
        m.leaf13_eax = model.word("leaf13_eax")

    cdef failed(self, error):
        if self.error is None: self.error = error
        self.cpu.exit = EXIT_STOP

    # ---- power-on state: SDM Vol. 3, "Processor State After Reset" -------------------------------------------------------

    def reset(self):
        """The state after RESET#. Time goes on, memory and devices are not the processor's."""
        cdef Cpu* cpu = self.cpu
        cdef int i
        cdef u64 mask = cpu.paging.address_mask & (1 << 20)
        memset(cpu.gpr, 0, sizeof(cpu.gpr))
        cpu.gpr[RDX] = cpu.model.signature                  # family, model, stepping, as CPUID leaf 1 says
        cpu.ignore_error = 0
        cpu.rip = 0xFFF0
        cpu.rflags = 2
        cpu.result, cpu.carries = 1, 0
        set_arithmetic_flags(cpu, 0)
        for i in range(6):
            cpu.segment[i].selector, cpu.segment[i].base = 0, 0
            cpu.segment[i].limit, cpu.segment[i].access = 0xFFFF, 0x93
        cpu.segment[CS].selector, cpu.segment[CS].base, cpu.segment[CS].access = 0xF000, 0xFFFF0000, 0x9B
        cpu.segment[LDTR].selector = cpu.segment[TR].selector = 0
        cpu.segment[LDTR].base = cpu.segment[TR].base = 0
        cpu.segment[LDTR].limit = cpu.segment[TR].limit = 0xFFFF
        cpu.segment[LDTR].access, cpu.segment[TR].access = 0x82, 0x8B
        cpu.gdtr.base = cpu.idtr.base = 0
        cpu.gdtr.limit = cpu.idtr.limit = 0xFFFF
        cpu.paging.cr0 = (0x60000000 & cpu.model.cr0_bits) | CR0_ET             # CD and NW
        cpu.paging.cr3 = cpu.paging.cr4 = cpu.paging.efer = 0
        cpu.paging.physical_bits = cpu.model.physical_bits
        cpu.paging.gigabyte_pages = (cpu.model.extended_edx & FEATURE_1GB) != 0
        cpu.paging.address_mask = ((<u64>1 << cpu.model.physical_bits) - 1) & ~<u64>(1 << 20)
        cpu.paging.address_mask |= mask if self.machine is not None else 1 << 20
        memset(cpu.paging.pdpte, 0, sizeof(cpu.paging.pdpte))
        cpu.cr2 = cpu.cr8 = 0
        memset(cpu.dr, 0, sizeof(cpu.dr))
        cpu.dr[6], cpu.dr[7] = 0xFFFF0FF0, 0x400
        cpu.star = cpu.lstar = cpu.cstar = cpu.fmask = cpu.kernel_gs_base = 0
        cpu.sysenter_cs = cpu.sysenter_esp = cpu.sysenter_eip = 0
        cpu.pat, cpu.apic_base, cpu.tsc_aux, cpu.misc_enable = 0x0007040600070406, 0xFEE00900, 0, 0x1801
        cpu.tsc_offset = -(cpu.limit - cpu.budget)
        memset(cpu.mtrr_fixed, 0, sizeof(cpu.mtrr_fixed))
        memset(cpu.mtrr_variable, 0, sizeof(cpu.mtrr_variable))
        cpu.mtrr_default = 0
        memset(&cpu.fpu, 0, sizeof(cpu.fpu))
        cpu.fpu.fcw, cpu.fpu.mxcsr, cpu.fpu.xcr0 = 0x40, 0x1F80, 1
        cpu.withheld = 0
        cpu.shadow = cpu.halted = cpu.nmi_blocked = cpu.nmi_pending = cpu.single = cpu.delivering = cpu.external = 0
        cpu.midway = cpu.trap = 0
        cpu.debug_met = cpu.debug_pending = 0
        cpu.debugctl = 0
        arm(cpu)
        self._mode_changed()

    cdef _mode_changed(self):
        """Everything that is worked out from CR0, EFER, CS and SS; nothing the TLB or a jump cache said holds."""
        cdef Cpu* cpu = self.cpu
        cdef bint big = cpu.segment[CS].access & 0x4000 != 0
        if cpu.paging.efer & 0x400 and cpu.segment[CS].access & 0x2000: cpu.code_bits = 64
        else: cpu.code_bits = 32 if big and cpu.paging.cr0 & 1 or big and cpu.code_bits == 32 else 16
        if not cpu.paging.cr0 & 1: cpu.cpl = 0
        elif cpu.rflags & FLAG_VM: cpu.cpl = 3
        else: cpu.cpl = (cpu.segment[SS].access >> 5) & 3
        if cpu.code_bits == 64: cpu.stack_mask = ~<u64>0
        else: cpu.stack_mask = 0xFFFFFFFFu if cpu.segment[SS].access & 0x4000 else 0xFFFF
        cpu.canonical_shift = 64 - (57 if cpu.paging.cr4 & CR4_LA57 else 48)
        cpu.link = NULL
        update_units(cpu)
        flush_tlb(cpu, True)

    # ---- running ------------------------------------------------------------------------------------------------------------

    @property
    def time(self):
        """Ticks since power-on: retired instructions, and the time slept in HLT."""
        return self.cpu.limit - self.cpu.budget

    def sleep_until(self, i64 time):
        """Let time pass without instructions (HLT): now becomes `time`."""
        self.cpu.limit += time - (self.cpu.limit - self.cpu.budget)

    def run(self, i64 ticks):
        """Run for at most `ticks` instructions. Returns why it stopped: budget, halt, shutdown or stop."""
        cdef Cpu* cpu = self.cpu
        cpu.limit += ticks - cpu.budget
        cpu.budget = ticks
        with nogil:
            run_loop(cpu)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return EXITS[cpu.exit]

    def shorten(self, i64 time):
        """Something is due at `time`, perhaps before the present budget ends."""
        if time < self.cpu.limit + self.cpu.withheld and self.cpu.withheld > 0:
            self.cpu.withheld = time - self.cpu.limit if time > self.cpu.limit else 0
        elif time < self.cpu.limit:
            self.cpu.budget -= self.cpu.limit - time
            self.cpu.limit = time

    def stop(self):
        """Leave run() after the present instruction."""
        self.cpu.exit = EXIT_STOP

    @property
    def intr(self): return bool(self.cpu.intr)

    @intr.setter
    def intr(self, on): self.cpu.intr = bool(on)

    @property
    def ignore_error(self):
        """The IGNNE# line: x87 instructions do not wait for exceptions that are pending, although CR0.NE = 0."""
        return bool(self.cpu.ignore_error)

    @ignore_error.setter
    def ignore_error(self, on): self.cpu.ignore_error = bool(on)

    def nmi(self): self.cpu.nmi_pending = 1

    @property
    def halted(self): return bool(self.cpu.halted)

    @halted.setter
    def halted(self, on): self.cpu.halted = bool(on)

    @property
    def integer_float(self):
        """Whether SSE arithmetic is done in integers even where the host's would do. The results are the same."""
        return bool(self.cpu.integer_float)

    @integer_float.setter
    def integer_float(self, on): self.cpu.integer_float = bool(on)

    def set_a20(self, on):
        """Physical address bit 20: passed on, or forced to 0."""
        cdef u64 mask = self.cpu.paging.address_mask
        mask = mask | (1 << 20) if on else mask & ~<u64>(1 << 20)
        if mask != self.cpu.paging.address_mask:
            self.cpu.paging.address_mask = mask
            log_mode(self.cpu, NULL, 11 if on else 12)
            flush_tlb(self.cpu, True)

    @property
    def a20(self): return bool(self.cpu.paging.address_mask & (1 << 20))

    def flush(self):
        """Forget every translation (the physical map has changed)."""
        flush_tlb(self.cpu, True)

    # ---- registers by name ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name):
        cdef Cpu* cpu = self.cpu
        cdef str key = name
        if key in GPR:
            number, bits, shift = GPR[key]
            return (cpu.gpr[<int>number] >> <int>shift) & ((1 << bits) - 1)
        if key in SEGMENTS: return cpu.segment[<int>SEGMENTS[key]].selector
        if key in ("rflags", "eflags", "flags"): return read_rflags(cpu)
        if key in FLAGS: return (read_rflags(cpu) >> <int>FLAGS[key]) & 1
        if key in ("rip", "eip", "ip"): return cpu.rip if key == "rip" else cpu.rip & (0xFFFFFFFF if key == "eip" else 0xFFFF)
        if key == "cr0": return cpu.paging.cr0
        if key == "cr2": return cpu.cr2
        if key == "cr3": return cpu.paging.cr3
        if key == "cr4": return cpu.paging.cr4
        if key == "cr8": return cpu.cr8
        if key == "efer": return cpu.paging.efer
        if key == "apic_base": return cpu.apic_base
        if len(key) == 3 and key[:2] == "dr" and key[2] in "01234567": return cpu.dr[int(key[2])]
        if is_fpu_register(key): return read_fpu_register(cpu, key)
        raise AttributeError(f"a processor has no register {key!r}")

    def __setattr__(self, name, value):
        cdef Cpu* cpu = self.cpu
        cdef str key = name
        cdef u64 mask, number64
        if key in GPR:
            number, bits, shift = GPR[key]
            mask = ((1 << bits) - 1) << shift
            number64 = (<object>value << shift) & mask
            if bits == 32: mask = ~<u64>0                   # as the processor does it
            cpu.gpr[<int>number] = (cpu.gpr[<int>number] & ~mask) | number64
        elif key in SEGMENTS: self.set_segment(key, value, value << 4)
        elif key in ("rflags", "eflags", "flags"):
            number64 = value
            set_arithmetic_flags(cpu, number64)
            cpu.rflags = (number64 & cpu.model.flags_bits) | 2
        elif key in FLAGS:
            bit = 1 << FLAGS[key]
            self.rflags = (read_rflags(cpu) & ~bit) | (bit if value else 0)
        elif key in ("rip", "eip", "ip"): cpu.rip = value
        elif key == "cr0":
            cpu.paging.cr0 = value
            self._mode_changed()
        elif key == "cr2": cpu.cr2 = value
        elif key == "cr3":
            cpu.paging.cr3 = value
            flush_tlb(cpu, False)
        elif key == "cr4":
            cpu.paging.cr4 = value
            self._mode_changed()
        elif key == "cr8": cpu.cr8 = value
        elif key == "efer":
            cpu.paging.efer = value
            self._mode_changed()
        elif len(key) == 3 and key[:2] == "dr" and key[2] in "01234567":
            cpu.dr[int(key[2])] = value
            arm(cpu)
        elif is_fpu_register(key): write_fpu_register(cpu, key, value)
        elif key in WRITABLE: getattr(Processor, key).__set__(self, value)
        else: raise AttributeError(f"a processor has no register {key!r}")

    @property
    def general(self):
        """The general registers at once: 128 bytes, rax rcx rdx rbx rsp rbp rsi rdi r8 to r15, little-endian."""
        return (<char*>self.cpu.gpr)[:128]

    @general.setter
    def general(self, bytes value):
        if len(value) != 128: raise ValueError(f"{len(value)} bytes are not sixteen registers")
        memcpy(self.cpu.gpr, <char*>value, 128)

    def segment(self, str name):
        """The whole segment register: SegmentView(name, selector, base, limit, access). access is laid out as
        descriptor bits 55..40: G D/B L AVL 0000 P DPL S TYPE."""
        cdef Segment* s = &self.cpu.segment[<int>SEGMENTS[name]]
        return SegmentView(name, s.selector, s.base, s.limit, s.access)

    def set_segment(self, str name, selector, base, limit=None, access=None):
        """Set a segment register with its hidden part; limit and access stay as they are where None."""
        cdef int number = SEGMENTS[name]
        cdef Segment* s = &self.cpu.segment[number]
        s.selector, s.base = selector, base
        if limit is not None: s.limit = limit
        if access is not None: s.access = access
        if access is not None and (number == CS or number == SS):
            if number == CS: self.cpu.code_bits = 32 if access & 0x4000 else 16
            self._mode_changed()
        else: self.cpu.link = NULL

    @property
    def segments(self):
        """es cs ss ds fs gs with their hidden parts at once: 16 bytes each, base (8), limit (4), selector (2), access (2)."""
        return (<char*>self.cpu.segment)[:6 * sizeof(Segment)]

    @property
    def fxsave(self):
        """x87, MMX and SSE registers at once, as FXSAVE64 stores them: 512 bytes (SDM volume 1, "FXSAVE Area").

        Setting it leaves the upper halves of YMM0 to YMM15 as they are."""
        return fxsave_area(self.cpu)

    @fxsave.setter
    def fxsave(self, bytes area): load_fxsave_area(self.cpu, area)

    @property
    def vectors(self):
        """YMM0 to YMM15 at once: 512 bytes, 32 each, the lowest byte first. Their lower halves are XMM0 to XMM15."""
        return (<char*>self.cpu.fpu.ymm)[:512]

    @vectors.setter
    def vectors(self, bytes value):
        if len(value) != 512: raise ValueError(f"{len(value)} bytes are not sixteen vector registers")
        memcpy(self.cpu.fpu.ymm, <char*>value, 512)

    @property
    def gdtr(self): return self.cpu.gdtr.base, self.cpu.gdtr.limit

    @gdtr.setter
    def gdtr(self, value): self.cpu.gdtr.base, self.cpu.gdtr.limit = value

    @property
    def idtr(self): return self.cpu.idtr.base, self.cpu.idtr.limit

    @idtr.setter
    def idtr(self, value): self.cpu.idtr.base, self.cpu.idtr.limit = value

    @property
    def code_bits(self):
        """16, 32 or 64: how the next instruction is decoded."""
        return self.cpu.code_bits

    @property
    def cpl(self): return self.cpu.cpl

    @property
    def mode(self):
        """real, v86, protected, compatibility or long."""
        cdef Cpu* cpu = self.cpu
        if not cpu.paging.cr0 & 1: return "real"
        if cpu.rflags & FLAG_VM: return "v86"
        if cpu.paging.efer & 0x400: return "long" if cpu.code_bits == 64 else "compatibility"
        return "protected"

    def linear(self, str segment, u64 offset):
        """Linear address of segment:offset, without any check."""
        cdef int number = SEGMENTS[segment]
        if self.cpu.code_bits == 64:
            return (offset + (self.cpu.segment[number].base if number >= FS else 0)) & 0xFFFFFFFFFFFFFFFF
        return (self.cpu.segment[number].base + offset) & 0xFFFFFFFF

    # ---- what happened ----------------------------------------------------------------------------------------------------------

    @property
    def events(self):
        """The last interrupts, exceptions and mode changes, oldest first: a list of ProcessorEvent."""
        cdef u64 count = self.cpu.event_count
        return [event_view(&self.cpu.events[i % EVENT_LOG]) for i in range(count - EVENT_LOG if count > EVENT_LOG else 0, count)]

    def event(self, u64 number):
        """The event of that number since power-on, or None: it has not happened yet, or the log has lost it."""
        cdef u64 count = self.cpu.event_count
        return event_view(&self.cpu.events[number % EVENT_LOG]) if number < count and count - number <= EVENT_LOG else None

    @property
    def event_count(self):
        """How many events there were since power-on."""
        return self.cpu.event_count

    def mode_events(self, u64 seen=0):
        """The mode changes after the first `seen` ones, as far as the log still has them."""
        cdef u64 count = self.cpu.mode_count, first = count - MODE_LOG if count > MODE_LOG else 0
        return [event_view(&self.cpu.modes[i % MODE_LOG]) for i in range(seen if seen > first else first, count)]

    @property
    def statistics(self):
        """{blocks built, killed by writes into code, times the cache was emptied}"""
        return {"blocks": self.cache.built, "killed": self.cache.killed, "emptied": self.cache.emptied}

    @property
    def refusals(self):
        """What raised #UD because it is no instruction of this processor, and how often, since this object was made:
        a list of Refusal in the order of the first times. Not among them: UD2, and what a mode or privilege forbids.
        One with no code stands for those that came when the list was full."""
        found = [Refusal(r.code[:15], r.code[15], r.count, r.time, r.cs, r.rip)
                 for r in self.cache.refusals[:MOST_REFUSALS] if r.count]
        found.sort(key=lambda refusal: refusal.time)
        return found + ([Refusal(b"", 0, self.cache.unlisted, 0, 0, 0)] if self.cache.unlisted else [])

    @property
    def paging(self):
        """What a page walk needs: dict of cr0, cr3, cr4, efer, pdpte, address_mask, physical_bits, gigabyte_pages."""
        cdef Paging* p = &self.cpu.paging
        return {"cr0": p.cr0, "cr3": p.cr3, "cr4": p.cr4, "efer": p.efer, "pdpte": tuple(p.pdpte[i] for i in range(4)),
                "address_mask": p.address_mask, "physical_bits": p.physical_bits, "gigabyte_pages": bool(p.gigabyte_pages)}

    def track_writes(self):
        """The first store into each page has to take the slow way again, where it marks the page dirty."""
        cdef int bank
        cdef u64 i
        for bank in range(2):
            for i in range(self.cpu.filled[bank]): self.cpu.banks[bank][self.cpu.filled_list[bank][i]].write_page = <u64>NO_PAGE

    # ---- state as plain data --------------------------------------------------------------------------------------------------------

    def snapshot(self):
        """(architectural state as bytes, the TLB of data, that of code): picklable; equal states give equal values."""
        cdef Cpu* copy = <Cpu*>calloc(1, sizeof(Cpu))
        cdef u64 size = <u64>&copy.scratch[0] - <u64>copy
        cdef TlbEntry* entry
        cdef u64 i
        cdef int bank
        try:
            memcpy(copy, self.cpu, size)
            copy.gpr[NONE] = 0
            copy.limit -= copy.budget                       # only now = limit - budget counts
            copy.budget = 0
            (<u64*>&copy.gdtr.limit)[0], (<u64*>&copy.idtr.limit)[0] = self.cpu.gdtr.limit, self.cpu.idtr.limit
            memset(&copy.found, 0, sizeof(copy.found))
            copy.tlb, copy.context, copy.generation = NULL, 0, 0
            copy.unwind_op, copy.unwind_reason, copy.link, copy.exit = NULL, 0, NULL, 0
            memset(&copy.unwind, 0, sizeof(copy.unwind))
            copy.memory, copy.python, copy.miss, copy.slow_handler, copy.code_written = NULL, NULL, NULL, NULL, NULL
            copy.port_in, copy.port_out, copy.acknowledge, copy.apic_changed, copy.ferr = NULL, NULL, NULL, NULL, NULL
            copy.mmio_read, copy.mmio_write, copy.blocks, copy.refuse, copy.misaligned = NULL, NULL, NULL, NULL, NULL
            copy.host_float = 0
            memset(copy.wide, 0, sizeof(copy.wide))
            for i in range(8): memset(<u8*>&copy.fpu.fpr[i] + 10, 0, 6)                    # what the compiler leaves behind them
            state = (<char*>copy)[:size]
        finally:
            free(copy)
        tlb = []
        for bank in range(2):
            for i in range(self.cpu.filled[bank]):
                entry = &self.cpu.banks[bank][self.cpu.filled_list[bank][i]]
                if entry.read_page != <u64>NO_PAGE:
                    tlb.append((bank, entry.read_page, entry.info))
        fetch = [(bank, self.cpu.fetch[bank][i].page, self.cpu.fetch[bank][i].info) for bank in range(2)
                 for i in range(FETCH_SIZE) if self.cpu.fetch[bank][i].page != <u64>NO_PAGE]
        return state, tuple(sorted(tlb)), tuple(fetch)

    def restore(self, snapshot):
        """Bring back what snapshot() gave; decoded code is dropped."""
        cdef Cpu* cpu = self.cpu
        cdef bytes state = snapshot[0]
        cdef u64 size = <u64>&cpu.scratch[0] - <u64>cpu
        cdef TlbEntry* entry
        cdef int bank
        cdef u64 page, info, index
        cdef u8* host
        if len(state) != size: raise ValueError(f"a snapshot of {len(state)} bytes, this build has {size}")
        if memcmp(&(<Cpu*><char*>state).model, &cpu.model, sizeof(Model)) != 0:
            raise ValueError("the snapshot is of another model of processor")
        generation = cpu.generation
        memcpy(cpu, <char*>state, size)
        cpu.generation = generation
        self._wire()
        large = cpu.large_pages
        flush_tlb(cpu, True)
        cpu.large_pages = large
        empty_cache(self.cache)
        for bank, page, info in snapshot[1]:
            index = (page >> 12) & (TLB_SIZE - 1)
            entry = &cpu.banks[bank][index]
            host = frame_for(cpu.memory, info & ~<u64>0xFFF, False)
            if host == NULL: continue
            entry.read_page, entry.info, entry.to_host = page, info, <u64>host - page
            entry.write_page = <u64>NO_PAGE
            cpu.filled_list[bank][cpu.filled[bank]] = <u16>index
            cpu.filled[bank] += 1
        for bank, page, info in snapshot[2]:
            index = (page >> 12) & (FETCH_SIZE - 1)
            cpu.fetch[bank][index].page, cpu.fetch[bank][index].info = page, info
