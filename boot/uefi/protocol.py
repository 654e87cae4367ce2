"""What a protocol is: a class whose instances are tables in guest memory, and Python objects that answer for them.

    class SimpleTextInput(Protocol):
        guid = Guid("387477c1-69c7-11d2-8e39-00a0c969723b")
        members = "Reset ReadKeyStroke WaitForKey:EFI_EVENT"

        @method("Reset(IN BOOLEAN ExtendedVerification)")
        def reset(self, call, extended_verification):
            ...
            return Status.SUCCESS

`members` is the structure of the specification in its order; NAME:TYPE is a field, a NAME alone a function. A function
without a method answers EFI_UNSUPPORTED and is counted. A class without members has functions that several protocols
share, and is their base (device_memory.py). An instance is made with what it works on, then installed:

    uefi.install(handle, SimpleTextInput(uefi))         # allocates and writes the table

All that an instance keeps must pickle; the firmware itself is kept as a reference and found again (self.uefi).
"""
from __future__ import annotations

from boot.uefi import prototypes, service
from boot.uefi.definitions import Guid, MemoryType, Status

#: Bytes of a field, by its type; what is not here is a pointer, a handle or an event: 8.
FIELD_SIZES = {"UINT8": 1, "BOOLEAN": 1, "CHAR8": 1, "UINT16": 2, "CHAR16": 2, "UINT32": 4, "INT32": 4, "EFI_MEMORY_TYPE": 4}

PROTOCOLS: list[type[Protocol]] = []            # every class, in the order of their definition


def method(text: str):
    """Mark the method that answers for a function of the protocol: its prototype, without This."""
    prototype = prototypes.parse(text)

    def mark(function):
        function.prototype = prototype
        return function
    return mark


class Protocol:
    """A protocol interface. Subclasses say guid, members, and which functions they have.

    this       whether its functions are called with This as their first argument (nearly all are)
    address    of the table in guest memory, once it is installed
    fields     name -> (offset, size) of the members that are data; functions are in it with size 8
    """

    guid: Guid
    members = ""
    this = True
    memory_type = MemoryType.BootServicesData
    fields: dict[str, tuple[int, int]]
    functions: dict[str, service.Service]
    size: int

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if not cls.__dict__.get("members"):
            return                              # a protocol that is only a mark, or a variant of its base
        found = {}
        shared = (base for base in cls.__mro__[1:] if not vars(base).get("members"))
        for value in (value for base in (*shared, cls) for value in vars(base).values()):
            prototype = getattr(value, "prototype", None)
            if prototype is not None:
                found[prototype.name] = (prototype, value)
        cls.fields, cls.functions, offset = {}, {}, 0
        for member in cls.members.split():
            name, _, kind = member.partition(":")
            size = FIELD_SIZES.get(kind, 8) if kind else 8
            offset = (offset + size - 1) // size * size
            cls.fields[name] = (offset, size)
            offset += size
            if not kind:
                prototype, implementation = found.pop(name, (prototypes.parse(f"{name}()"), None))
                cls.functions[name] = service.register(service.PROTOCOL, cls, prototype, implementation)
        cls.size = (offset + 7) // 8 * 8
        if found:
            raise ValueError(f"{cls.__name__} has no member {', '.join(found)}")
        PROTOCOLS.append(cls)

    def __init__(self, uefi):
        self.uefi = uefi
        self.address = 0

    def write_table(self) -> int:
        """Allocate the table and write its functions and fields; its address. `initial` has the fields' values."""
        uefi = self.uefi
        self.address = uefi.allocate_pool(max(self.size, 8), self.memory_type)
        uefi.write(self.address, bytes(max(self.size, 8)))
        for name, row in self.functions.items():
            uefi.write_u64(self.address + self.fields[name][0], uefi.stub(row))
        for name, value in self.initial().items():
            self.set_field(name, value)
        uefi.interfaces[self.address] = self
        return self.address

    def initial(self) -> dict[str, int]:
        """Field -> value when the table is written; what is not named is 0."""
        return {}

    def field(self, name: str) -> int:
        """A field as it is in guest memory now: callers may have written it."""
        offset, size = self.fields[name]
        return int.from_bytes(self.uefi.read(self.address + offset, size), "little")

    def set_field(self, name: str, value: int) -> None:
        """Write a field of the table."""
        offset, size = self.fields[name]
        self.uefi.write(self.address + offset, value.to_bytes(size, "little"))


def no_such_interface(uefi, call, this):
    """A function of a protocol was called with a This that is none of the firmware's."""
    uefi.complain(f"{call.service.name} was called with This = {this:X}h, which is no such protocol", call)
    return Status.INVALID_PARAMETER
