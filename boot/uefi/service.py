"""What a UEFI service is: a Python function behind a trap stub, known by its prototype.

    @boot_service("Stall(IN UINTN Microseconds)")
    def stall(uefi, call, microseconds):
        ...
        return Status.SUCCESS

A service gets the firmware, the Call (for what lies beyond its arguments) and one number an argument. It returns what
the caller finds in RAX, or an Invoke: then the guest's function runs first, and `then` goes on with what that returned.

    return Invoke(entry, (handle, table), then=returned, state=(handle,))
    def returned(uefi, call, value, handle): ...

`then` is a function of a module (or a bound method of picklable data) and `state` is plain data, so that a snapshot can
be taken while the guest's function runs. Nothing of a service may wait in Python.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from boot.uefi import prototypes
from boot.uefi.prototypes import Prototype
from boot.uefi.definitions import Status

BOOT, RUNTIME, PROTOCOL, INTERNAL = "boot", "runtime", "protocol", "internal"


@dataclass(frozen=True)
class Service:
    """One row: kind (BOOT, RUNTIME, PROTOCOL, INTERNAL), owner (of a protocol: its class), implementation or None."""
    number: int
    kind: str
    owner: Any
    prototype: Prototype
    implementation: Callable | None

    @property
    def name(self) -> str:
        """`AllocatePages`, `SimpleTextOutput.OutputString`: for people."""
        return f"{self.owner.__name__}.{self.prototype.name}" if self.owner else self.prototype.name


SERVICES: list[Service] = []                    # by number; the number is what a stub has in EAX


def register(kind: str, owner, prototype: Prototype, implementation: Callable | None) -> Service:
    """Give a service its number."""
    service = Service(len(SERVICES), kind, owner, prototype, implementation)
    SERVICES.append(service)
    return service


def _registrar(kind):
    def with_prototype(text):
        prototype = prototypes.parse(text)
        if any(service.kind == kind and service.prototype.name == prototype.name for service in SERVICES):
            raise ValueError(f"{prototype.name} has two implementations")

        def decorate(implementation):
            register(kind, None, prototype, implementation)
            return implementation
        return decorate
    return with_prototype


boot_service = _registrar(BOOT)                 # @boot_service("RaiseTPL(IN EFI_TPL NewTpl)")
runtime_service = _registrar(RUNTIME)
internal_service = _registrar(INTERNAL)         # called by the firmware's own code (stubs.asm), not from a table


def find(kind: str, name: str) -> Service | None:
    """The service of that kind and name, if it exists."""
    return next((each for each in SERVICES if each.kind == kind and each.prototype.name == name), None)


@dataclass
class Invoke:
    """Run the guest's function at `address` with `arguments` (at most 16), then `then(uefi, call, RAX, *state)`."""
    address: int
    arguments: tuple[int, ...]
    then: Callable
    state: tuple = ()
    image: int = 0                              # the handle of the image whose entry point this is


@dataclass
class Frame:
    """A service that waits for a function of the guest. rsp, rbp: the stack of the code that calls it (stubs.asm)."""
    service: int
    arguments: tuple[int, ...]
    invoke: Invoke
    caller: int                                 # the address the service returns to
    entered: bool = False                       # the guest's function has been called
    rsp: int = 0
    rbp: int = 0


class Call:
    """One call as its service sees it.

    service      the row
    arguments    as the prototype has them, without This
    caller       the address it returns to
    frame        the Frame, once it has waited for the guest, else None
    note         words for the trace, where the service has something to say beside its arguments
    shown        its arguments in words, as they were at the call, where somebody traces
    entry        what Uefi.recent has of it
    """

    __slots__ = ("uefi", "service", "arguments", "caller", "stack", "frame", "note", "shown", "entry")

    def __init__(self, uefi, service, arguments, caller, stack, frame=None):
        self.uefi = uefi
        self.service = service
        self.arguments = arguments
        self.caller = caller
        self.stack = stack                      # RSP at the first instruction of the stub
        self.frame = frame
        self.note = ""
        self.shown: list | None = None
        self.entry: list | None = None

    def more(self, index: int) -> int:
        """Argument `index` (from 0, This included) of the call, beyond the prototype: for variadic services."""
        if index < 4:
            return getattr(self.uefi.machine.cpu, ("rcx", "rdx", "r8", "r9")[index])
        return self.uefi.read_u64(self.stack + 8 + 8 * index)


def unsupported(uefi, call, *arguments):
    """What answers for a service that the specification has and nobody implemented."""
    uefi.count_unimplemented(call.service.name)
    return Status.UNSUPPORTED
