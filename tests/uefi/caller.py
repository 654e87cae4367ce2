"""Calls services of the firmware one at a time, as a guest would, for tests that ask what happens in between.

    caller = Caller()
    caller.call("Stall", 1000)              # -> RAX
    caller.function(b"\\xC3")                # -> the address of code that a service can be given

The guest is an application that does nothing but to stop the machine. `call` makes it call a service: registers and stack as
the calling convention has them, and a return address at which it stops the machine again.
"""
import tempfile
from pathlib import Path

import boot
from boot.uefi.definitions import MemoryType
from boot.uefi.service import find
from x86 import Machine

from .efi_image import APPLICATION, image

STOPPER = b"\xE6\xF4\xEB\xFC"            # out 0F4h, al; jmp $ - 2


def pe(code: bytes = STOPPER, subsystem: int = APPLICATION, pointers=()) -> bytes:
    """A PE file with `code` at its entry point. pointers: offsets in it where addresses are, relative to the code."""
    data = bytearray(code)
    for offset in pointers:
        data[offset:offset + 8] = (int.from_bytes(data[offset:offset + 8], "little") + 0x1000).to_bytes(8, "little")
    return image([(0x1000, len(data), data, 7)], [0x1000 + offset for offset in pointers], 0x1000, subsystem)


class Caller:
    """A machine whose firmware has started the application. options: more for boot.uefi. stop: the last Stop."""

    def __init__(self, memory="64M", start=True, **options):
        self.machine = Machine(memory=memory)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "caller.efi")
            path.write_bytes(pe())
            self.uefi = boot.uefi(self.machine, application=path, **options)
        self.machine.no_reboot = True
        if start:
            self.stop = self.machine.run(10_000_000)
            assert self.stop.kind == "debug-exit", self.stop
            image, = self.uefi.images.loaded.values()
            self.image, self.stopper, self.stack = image.handle, image.entry, self.machine.cpu.rsp - 64
            self.room = self.block(4096)

    # ---- memory ------------------------------------------------------------------------------------------------------

    def block(self, size: int, data: bytes = b"") -> int:
        """Memory of the guest's own, with `data` in it."""
        address = self.uefi.allocate_pool(size, MemoryType.LoaderData)
        self.uefi.write(address, data.ljust(size, b"\0"))
        return address

    def function(self, code: bytes) -> int:
        """Code that can be called."""
        return self.block(len(code), code)

    def u64(self, address: int) -> int:
        return self.uefi.read_u64(address)

    # ---- calls -------------------------------------------------------------------------------------------------------

    def begin(self, service: str, *arguments: int) -> None:
        """Put the processor before the first instruction of a service, called with these arguments."""
        self.enter(self.uefi.stub(find("boot", service)), *arguments)

    def enter(self, address: int, *arguments: int) -> None:
        cpu, stack = self.machine.cpu, self.stack // 16 * 16 - 8 * max(4, len(arguments)) // 16 * 16 - 8
        for name, value in zip(("rcx", "rdx", "r8", "r9"), arguments):
            setattr(cpu, name, value)
        self.uefi.write_u64(stack, self.stopper)
        for index, value in enumerate(arguments[4:], 4):
            self.uefi.write_u64(stack + 8 + 8 * index, value)
        cpu.rip, cpu.rsp = address, stack

    def finish(self, most: int = 500_000_000) -> int:
        """Run until the service has returned; what it returned. AssertionError if it does not."""
        self.stop = self.machine.run(most)
        assert self.stop.kind == "debug-exit", self.stop
        return self.machine.cpu.rax

    def call(self, service: str, *arguments: int) -> int:
        self.begin(service, *arguments)
        return self.finish()

    def call_address(self, address: int, *arguments: int) -> int:
        """The same for any function: a protocol's, or the guest's own."""
        self.enter(address, *arguments)
        return self.finish()

    def spin(self, most: int):
        """Let the guest do nothing for so many ticks, or until something ends the run; the Stop."""
        self.enter(self.function(b"\xEB\xFE"))                  # jmp $
        self.stop = self.machine.run(most)
        return self.stop

    # ---- events ------------------------------------------------------------------------------------------------------

    def log(self) -> int:
        """The address of a notification function that appends the low byte of its context to a list: see `logged`."""
        self.list = self.block(4096)
        return self.function(b"\x48\xB8" + self.list.to_bytes(8, "little")      # mov rax, list
                             + b"\x4C\x8B\x00"                                  # mov r8, [rax]
                             + b"\x42\x88\x54\x00\x08"                          # mov [rax + r8 + 8], dl
                             + b"\x48\xFF\x00\xC3")                             # inc qword [rax]; ret

    @property
    def logged(self) -> bytes:
        return self.uefi.read(self.list + 8, self.u64(self.list))

    def event(self, type: int, tpl: int = 0, function: int = 0, context: int = 0) -> int:
        """CreateEvent."""
        assert self.call("CreateEvent", type, tpl, function, context, self.room) == 0
        return self.u64(self.room)
