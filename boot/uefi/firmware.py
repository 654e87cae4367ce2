"""The UEFI firmware as a device: its ports, its tables in guest memory, and the way from a stub to a Python function.

A loader calls a service through a table; the stub there does `out 0B6h, al` with the service's number in EAX. `_trap`
finds the row (service.py), takes the arguments from registers and stack, and calls the function. A service that needs
functions of the guest (an image's entry point, a notification) returns an Invoke; then a Frame is kept here and the
code in stubs.asm makes the call. So everything the firmware knows is plain data at every instruction.
"""
from __future__ import annotations

from boot.uefi import call_trace, events, exceptions, state, stubs, tables
from boot.uefi.database import DEVICE_PATH, Database, Handle
from boot.uefi.guest_memory import BadPointer, GuestMemory
from boot.uefi.memory_map import MemoryMap, NotAllocated, OutOfMemory, Pool
from boot.uefi.page_tables import PageTables
from boot.uefi.protocol import Protocol, no_such_interface
from boot.uefi.service import INTERNAL, PROTOCOL, RUNTIME, SERVICES, Call, Frame, Invoke, unsupported
from boot.uefi.definitions import PAGE, TPL_APPLICATION, TPL_HIGH_LEVEL, Guid, MemoryType, Status
from boot.uefi.variables import Variables
from x86.devices.device import Device
from x86.faults import MachineError

CARRY, INTERRUPT = 0x0001, 0x0200
SERVICE, NEXT, EXCEPTION = range(3)         # offsets from stubs.SERVICE_PORT
POWER_ON = 0xFFFFFFFF                       # in EAX: reset.asm asks for the tables
ROM = 0xFFFFF000
LEAST_MEMORY = 32 << 20
RECENT = 8                                  # calls that are remembered for the post-mortem

#: What a snapshot holds: everything below is data, and refers to the machine only through references that are found again.
STATE = ("map", "pool", "page_tables", "database", "interfaces", "frames", "stub_addresses", "labels", "tpl",
         "exited", "virtual", "complaints", "recent", "unimplemented", "strays", "table", "events", "images", "disks",
         "variables", "console", "input", "monotonic", "reset_notifications", "runtime_code", "virtual_map",
         "serial_port", "memory_attributes")


class Unwound:
    """What Exit() returns: the stack is not where the service was called."""


class Uefi(GuestMemory, Device):
    """The firmware of one machine; machine.devices["uefi"].

    media          the disks it finds, in order
    trace          callables that get a line of text for every call, or an empty list
    complaints     what callers did wrong and a PC might have forgiven, in words
    unimplemented  name of a service nobody implemented -> how often it was called
    map, pool      pages and small allocations (memory_map.py)
    database       handles (database.py); interfaces: address of a table -> the Protocol that answers
    frames         services that wait for a function of the guest, the innermost last
    events         events and timers (events.py)
    recent         the last calls: [number of the service, arguments, return address, result or None]
    tpl            the present task priority level
    exited         ExitBootServices has succeeded
    virtual        SetVirtualAddressMap has been called; virtual_map: [(start, end, virtual address)] while it goes on
    runtime_code   (start, end) of the pages with the stubs of the runtime services
    monotonic      what GetNextMonotonicCount returns next
    """

    name = "uefi"

    def __init__(self, machine, media=(), options=None):
        super().__init__(machine)
        self.media = list(media)
        self.options = options or tables.Options()
        self.trace: list = []
        self.clear()
        self.variables = Variables()
        machine.memory.map_rom(ROM, stubs.reset_rom(), "UEFI reset vector")
        machine.bus.add(self.name, stubs.SERVICE_PORT, 3, write=self._trap)

    def clear(self) -> None:
        """Power-on: nothing is known, the reset vector comes next."""
        for name in STATE:
            setattr(self, name, None)
        self.exited = self.virtual = False
        self.frames: list[Frame] = []
        self.stub_addresses: dict[int, int] = {}
        self.interfaces: dict[int, Protocol] = {}
        self.database = Database()
        self.complaints: list[str] = []
        self.unimplemented: dict[str, int] = {}
        self.strays: dict[str, int] = {}
        self.recent: list[list] = []
        self.tpl = TPL_APPLICATION
        self.monotonic = 0

    # ---- a device ----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The reset button: tables are built anew when the ROM asks for them. Variables that last are kept."""
        lasting = self.variables
        self.machine.clock.cancel(self.name)
        self.clear()
        self.variables = lasting

    def snapshot(self) -> dict:
        """Everything in STATE, pickled with references to the machine left open, and what was written to the media."""
        values = {name: getattr(self, name) for name in STATE}
        return {"firmware": state.freeze(values, self._reference), "media": [disk.snapshot() for disk in self.media]}

    def restore(self, snapshot: dict) -> None:
        path = self.variables.path
        for name, value in state.thaw(snapshot["firmware"], self._referred).items():
            setattr(self, name, value)
        self.variables.path = path
        for disk, overlay in zip(self.media, snapshot["media"]):
            disk.restore(overlay)
        if self.console is not None:
            self.console.attach()

    def flush(self) -> None:
        """Write to the host's files what the guest has written to the media."""
        for disk in self.media:
            disk.flush()

    @property
    def warnings(self) -> list[str]:
        """One line for each oddity of a medium."""
        return [line for disk in self.media for line in disk.warnings]

    def _reference(self, value):
        if value is self:
            return "uefi"
        if value is self.machine:
            return "machine"
        if value is self.machine.memory:
            return "memory"
        return next((f"media {index}" for index, disk in enumerate(self.media) if disk is value), None)

    def _referred(self, name):
        if name.startswith("media "):
            return self.media[int(name[6:])]
        return {"uefi": self, "machine": self.machine, "memory": self.machine.memory}[name]

    # ---- power-on ----------------------------------------------------------------------------------------------------

    def _power_on(self):
        """reset.asm asks for the tables: RAX page tables, RBX descriptor tables, RSI stack, RDI where to go on."""
        machine, cpu = self.machine, self.machine.cpu
        self.map = MemoryMap()
        self.pool = Pool(self.map)
        tables.add_memory(self.map, machine.memory)
        top = (1 << 32) + machine.memory.ram_high
        self.page_tables = PageTables(machine.memory, self.table_pages, top)
        self.page_tables.protect(0, PAGE, executable=False)
        self._write_code()
        cpu.rax = self.page_tables.root
        cpu.rbx = tables.descriptor_tables(self)
        cpu.rsi = self.allocate_pages(tables.STACK_PAGES) + tables.STACK_PAGES * PAGE - 16
        cpu.rdi = self.labels["start"]
        tables.start_timer(machine)
        tables.build(self)

    def _write_code(self):
        """The routines and the stubs of all services, boot and runtime each in pages of their type."""
        size = len(stubs.boot_code(0)[0])
        address = self.allocate_pages(-(-size // PAGE), MemoryType.BootServicesCode)
        code, self.labels, self.stub_addresses = stubs.boot_code(address)
        self.write(address, code)
        size = len(stubs.runtime_code(0)[0])
        address = self.allocate_pages(-(-size // PAGE), MemoryType.RuntimeServicesCode)
        code, labels, runtime = stubs.runtime_code(address)
        self.write(address, code)
        self.runtime_code = address, address + -(-size // PAGE) * PAGE
        self.labels |= labels
        self.stub_addresses |= runtime

    def table_pages(self, pages: int) -> int:
        """Zeroed pages for page tables."""
        address = self.allocate_pages(pages)
        self.write(address, bytes(pages * PAGE))
        return address

    def allocate_pages(self, pages: int, type: int = MemoryType.BootServicesData) -> int:
        """Pages for the firmware itself. MachineError where the machine has none left."""
        try:
            return self.map.allocate(pages, type, highest=0xFFFFFFFF)
        except Exception as error:
            raise MachineError("the machine has too little memory for a UEFI firmware") from error

    def allocate_pool(self, size: int, type: int = MemoryType.BootServicesData) -> int:
        """A block for the firmware itself. OutOfMemory."""
        return self.pool.allocate(size, type)

    def free_pool(self, address: int) -> None:
        """Give back a block that the firmware allocated; nothing happens where a guest has freed it already."""
        try:
            self.pool.release(address)
        except NotAllocated:
            pass

    def stub(self, service) -> int:
        """The address that the guest calls for a service."""
        return self.stub_addresses[service.number]

    def protect(self, start: int, size: int, **permissions) -> None:
        """Change what pages permit (page_tables.protect), for the processor at once."""
        self.page_tables.protect(start, size, **permissions)
        self.machine.cpu.flush()

    # ---- handles and protocols ---------------------------------------------------------------------------------------

    def new_handle(self) -> int:
        """A handle without protocols. Its value is an address, as on a PC, of a few bytes that belong to it."""
        address = self.allocate_pool(16)
        self.write(address, b"hndl" + bytes(12))
        self.database.handles[address] = Handle(address)
        return address

    def new_device(self, path: bytes) -> int:
        """A handle with a device path."""
        address = self.allocate_pool(len(path))
        self.write(address, path)
        return self.install(0, DEVICE_PATH, address)

    def install(self, handle: int, protocol: Protocol | Guid, address: int = 0) -> int:
        """Put a protocol on a handle (0: on a new one); the handle. A Guid comes with the address of its structure.

        Nobody is notified: that is for services (boot_services/interfaces.py: install)."""
        handle = handle or self.new_handle()
        guid = protocol if isinstance(protocol, Guid) else protocol.guid
        if isinstance(protocol, Protocol):
            address = protocol.address or protocol.write_table()
        self.database.add(handle, guid, address)
        return handle

    def uninstall(self, handle: int, guid: Guid) -> None:
        """Take a protocol from a handle; with the last one the handle goes. The structure stays: it is its owner's."""
        self.database.remove(handle, guid)
        if not self.database.handles[handle].interfaces:
            del self.database.handles[handle]
            self.free_pool(handle)

    def protocol(self, handle: int, kind: type[Protocol]) -> Protocol | None:
        """The firmware's own object behind a protocol of a handle; None where it is missing or a guest's."""
        interface = self.database.interface(handle, kind.guid)
        found = self.interfaces.get(interface.address) if interface else None
        return found if isinstance(found, kind) else None

    # ---- traps -------------------------------------------------------------------------------------------------------

    def _trap(self, offset, value, size):
        cpu = self.machine.cpu
        where = self.physical(cpu.rip - 2)              # of the OUT
        try:
            if offset == SERVICE and cpu.eax == POWER_ON and where is not None and where >= ROM:
                self._power_on()
            elif offset == SERVICE and where is not None and self.stub_addresses.get(cpu.eax) == where - 5:
                self._serve(SERVICES[cpu.eax])
            elif offset == NEXT and self.labels and where in (self.labels["next"], self.labels["runtime_next"]):
                self._next()
            elif offset == EXCEPTION and self.labels and where is not None and where >= self.labels["exceptions"]:
                exceptions.report(self, (where - self.labels["exceptions"]) // stubs.EXCEPTION_SIZE)
            else:
                place = f"{cpu.cs:04X}:{cpu.rip:X}"
                self.strays[place] = self.strays.get(place, 0) + 1
        except BadPointer as error:
            self.die(str(error))

    def _carry(self, on):
        cpu = self.machine.cpu
        cpu.rflags = cpu.rflags & ~CARRY | (CARRY if on else 0)

    def _serve(self, service):
        cpu = self.machine.cpu
        stack = cpu.rsp
        caller = self.read_u64(stack)
        first = 0 if service.kind != PROTOCOL or not service.owner.this else 1
        registers = (cpu.rcx, cpu.rdx, cpu.r8, cpu.r9)
        arguments = []
        for index, parameter in enumerate(service.prototype.parameters, first):
            number = registers[index] if index < 4 else self.read_u64(stack + 8 + 8 * index)
            arguments.append(number & parameter.mask)
        call = Call(self, service, tuple(arguments), caller, stack)
        self.remember(call)
        if self.exited and service.kind != RUNTIME:
            self.die(f"{service.name} was called after ExitBootServices{self.from_(call)}: boot services and their "
                     f"protocols are gone then, and on a PC their memory is, too")
            return
        self._check_convention(call)
        if self.trace:
            call.shown = call_trace.before(self, call)
        implementation = service.implementation or unsupported
        if service.kind == PROTOCOL:
            target = self.interfaces.get(cpu.rcx) if first else self._only(service.owner)
            if not isinstance(target, service.owner):
                result = no_such_interface(self, call, cpu.rcx)
            elif service.implementation is None:
                result = unsupported(self, call, *arguments)
            else:
                result = self._ask(implementation, target, call, *arguments)
        else:
            result = self._ask(implementation, self, call, *arguments)
        self._finish(call, result)

    def _ask(self, function, *arguments):
        """What a service, or what comes behind an Invoke, answers; out of memory, it need not say so itself."""
        try:
            return function(*arguments)
        except OutOfMemory:
            return Status.OUT_OF_RESOURCES

    def _only(self, owner):
        """The interface of a protocol whose functions have no This: there is one."""
        return next((each for each in self.interfaces.values() if isinstance(each, owner)), None)

    def _check_convention(self, call):
        """What the specification asks of a caller, and real firmware only sometimes survives."""
        cpu = self.machine.cpu
        if call.stack % 16 != 8:
            self.complain(f"{call.service.name} was called with a misaligned stack: RSP = {call.stack + 8:X}h before the CALL "
                          f"is no multiple of 16, and firmware that saves XMM registers there faults", call)
        if cpu.rflags & 0x400:
            self.complain(f"{call.service.name} was called with the direction flag set", call)

    def _finish(self, call, result):
        """Give the caller its result, or have the guest's functions called first."""
        if result is Unwound:
            self._carry(False)
            return
        if not isinstance(result, Invoke) and call.service.kind != RUNTIME:
            result = self._notification(result)
        if isinstance(result, Invoke):
            self.note(call, None)
            self.frames.append(Frame(call.service.number, call.arguments, result, call.caller))
            self._carry(True)
            return
        self.machine.cpu.rax = int(result) & 0xFFFFFFFFFFFFFFFF
        self.note(call, result)
        self._carry(False)

    def _next(self):
        """stubs.asm asks what to call: at first, and each time a function of the guest has returned."""
        if not self.frames:
            self.die("an image has returned to the firmware after ExitBootServices: there is nothing left to return to")
            return
        cpu, frame = self.machine.cpu, self.frames[-1]
        if not frame.entered:
            frame.entered, frame.rsp, frame.rbp = True, cpu.rsp, cpu.rbp
            self._enter(frame)
            return
        call = Call(self, SERVICES[frame.service], frame.arguments, frame.caller, 0, frame)
        result = self._ask(frame.invoke.then, self, call, cpu.rax, *frame.invoke.state)
        if result is Unwound:
            self._carry(False)
            return
        if not isinstance(result, Invoke):
            result = self._notification(result)
        if isinstance(result, Invoke):
            frame.invoke = result
            self._enter(frame)
            return
        self.frames.remove(frame)
        cpu.rax = int(result) & 0xFFFFFFFFFFFFFFFF
        self.note(call, result)
        self._carry(False)

    def _enter(self, frame):
        """Put the arguments of frame.invoke where the calling convention has them."""
        cpu, invoke = self.machine.cpu, frame.invoke
        for name, number in zip(("rcx", "rdx", "r8", "r9"), invoke.arguments):
            setattr(cpu, name, number)
        for index, number in enumerate(invoke.arguments[4:], 4):
            self.write_u64(frame.rsp + 8 * index, number)
        cpu.rax = invoke.address
        self._carry(True)

    def unwind(self, frame: Frame, value: int) -> type[Unwound]:
        """Make the function that `frame` called return `value` now, whatever it is in the middle of (Exit)."""
        del self.frames[self.frames.index(frame) + 1:]
        cpu = self.machine.cpu
        cpu.rbp, cpu.rsp, cpu.rax = frame.rbp, frame.rsp - 8, value
        self.write_u64(frame.rsp - 8, self.labels["next"])      # where the stub's RET goes
        return Unwound

    # ---- events ------------------------------------------------------------------------------------------------------

    def _notification(self, result):
        """`result`, or an Invoke of the notification function that is due first; its `then` ends with `result`."""
        return events.due(self, result) if self.events is not None and not self.exited else result

    def timer_expired(self) -> None:
        """Clock event: a timer of events.py expires now. IRQ 0 tells the processor, as if it were a tick."""
        self.machine.devices["pic"].pulse(0)

    def watchdog_expired(self, words: str) -> None:
        """Clock event: nobody re-armed the watchdog, or switched it off."""
        self.machine.request_reset(words)

    def set_tpl(self, level: int) -> None:
        """Change the task priority level; at HIGH_LEVEL interrupts are off."""
        cpu = self.machine.cpu
        if (level >= TPL_HIGH_LEVEL) != (self.tpl >= TPL_HIGH_LEVEL):
            cpu.rflags = cpu.rflags & ~INTERRUPT | (0 if level >= TPL_HIGH_LEVEL else INTERRUPT)
        self.tpl = level

    # ---- words -------------------------------------------------------------------------------------------------------

    def note(self, call: Call, result) -> None:
        """A line of the trace: the call with its arguments, and what it returned (None: the guest goes on first)."""
        if call.entry is None:
            self.remember(call)
        if result is not None:
            call.entry[-1] = int(result)
        if not self.trace:
            return
        line = call_trace.line(self, call, result)
        if line is not None:
            for listener in self.trace:
                listener(line)

    def remember(self, call: Call) -> None:
        """Keep a call for the post-mortem; its result follows when it has one."""
        call.entry = [call.service.number, call.arguments, call.caller, None]
        if call.service.kind != INTERNAL and not self.own(call.caller):
            self.recent.append(call.entry)
            del self.recent[:-RECENT]

    def complain(self, text: str, call: Call | None = None) -> None:
        """Remember what a caller did wrong; each once."""
        text += self.from_(call) if call is not None else ""
        if text not in self.complaints and len(self.complaints) < 100:
            self.complaints.append(text)

    def count_unimplemented(self, name: str) -> None:
        """A service that nobody implemented was called."""
        self.unimplemented[name] = self.unimplemented.get(name, 0) + 1

    def from_(self, call: Call) -> str:
        """`, from BOOTX64.EFI .text+12Ah`: where a call came from."""
        return f", from {self.place(call.caller)}"

    def own(self, address: int) -> bool:
        """Whether an address lies in the firmware's own code, which calls protocols, too (LoadImage)."""
        return self.labels is not None and self.labels["call_out"] <= address < self.labels["manage"]

    def place(self, address: int) -> str:
        """An address in words: the image and section it lies in, or the number."""
        if self.own(address):
            return "the firmware"
        return self.images.place(address) if self.images is not None else f"{address:X}h"

    def die(self, message: str) -> None:
        """Stop the machine: the guest did what no firmware survives."""
        self.machine.stop("firmware", message=message)

    def advise(self, event) -> str:
        """What to look at after an exception that nobody handled, for the post-mortem."""
        return exceptions.advice(self, event)

    def last_calls(self) -> list[str]:
        """The last calls of the firmware in words, the newest last; a call that is still going on has no status."""
        lines = []
        for number, arguments, caller, result in self.recent:
            call = Call(self, SERVICES[number], arguments, caller, 0)
            call.shown = call_trace.before(self, call)
            lines.append(f"{call_trace.line(self, call, result).strip()}{self.from_(call)}")
        return lines
