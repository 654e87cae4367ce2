"""Memory as the caller of a service addresses it: through the firmware's identity map, or an operating system's tables.

A pointer to nowhere is a BadPointer: on a PC the firmware would fault, so the machine stops, in words.
"""
from __future__ import annotations

from boot.uefi.definitions import PAGE, Guid, Status

STRING_LIMIT = 1 << 20                  # bytes: what is longer without an end is no string
DEVICE_PATH_LIMIT = 1 << 16             # bytes, the same for device paths
END, END_ENTIRE = 0x7F, b"\x7F\xFF"     # type of an end node; type and subtype of the last
CANONICAL = 0xFFFF_FFFF_FFFF_FFFF


class BadPointer(Exception):
    """An address from the guest at which there is no memory."""


class GuestMemory:
    """What Uefi knows of memory: self.machine and self.page_tables are there."""

    def physical(self, address: int) -> int | None:
        """The physical address of a linear one, by the tables in use; None where nothing is mapped."""
        if self._identity():
            return address
        return self.machine.walk(address, user=False).physical

    def _identity(self):
        tables = self.page_tables
        cpu = self.machine.cpu
        return tables is not None and cpu.cr3 & ~0xFFF == tables.root or not cpu.cr0 >> 31

    def _pieces(self, address, length):
        """(physical address, start, end) of every stretch that is contiguous."""
        if self._identity():
            yield address, 0, length
            return
        start = 0
        while start < length:
            linear = address + start & CANONICAL
            end = min(length, start + PAGE - linear % PAGE)
            physical = self.machine.walk(linear, user=False).physical
            if physical is None:
                raise BadPointer(f"a service was given the address {linear:X}h, which the page tables in use do not map")
            yield physical, start, end
            start = end

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes at a linear address. BadPointer."""
        try:
            return b"".join(self.machine.memory.read(at, end - start) for at, start, end in self._pieces(address, length))
        except IndexError:
            raise BadPointer(f"a service was told to read {length} bytes at {address:X}h, where no memory is") from None

    def write(self, address: int, data: bytes) -> None:
        """Write to a linear address. BadPointer."""
        try:
            for at, start, end in self._pieces(address, len(data)):
                self.machine.memory.write(at, data[start:end])
        except IndexError:
            raise BadPointer(f"a service was told to write {len(data)} bytes to {address:X}h, where no memory is") from None

    def read_u8(self, address: int) -> int:
        return self.read(address, 1)[0]

    def read_u16(self, address: int) -> int:
        return int.from_bytes(self.read(address, 2), "little")

    def read_u32(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def read_u64(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def write_u8(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(1, "little"))

    def write_u16(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(2, "little"))

    def write_u32(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "little"))

    def write_u64(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(8, "little"))

    def offer(self, data: bytes, size_pointer: int, buffer: int) -> Status:
        """Data of which the caller has to ask the size: *size_pointer says how much room `buffer` has, and is told how
        much it takes. BUFFER_TOO_SMALL, INVALID_PARAMETER (room, and no buffer), or SUCCESS and the data is written."""
        room = self.read_u64(size_pointer)
        self.write_u64(size_pointer, len(data))
        if room < len(data):
            return Status.BUFFER_TOO_SMALL
        if not buffer:
            return Status.INVALID_PARAMETER
        self.write(buffer, data)
        return Status.SUCCESS

    def read_guid(self, address: int) -> Guid:
        """An EFI_GUID."""
        return Guid(self.read(address, 16))

    def _string(self, address, width):
        """The bytes of a string of characters of `width` bytes, without its end. Read by pages, as far as it goes."""
        found = bytearray()
        while len(found) < STRING_LIMIT:
            at = address + len(found)
            piece = self.read(at, max(width, (PAGE - at % PAGE) // width * width))
            for place in range(0, len(piece), width):
                if not any(piece[place:place + width]):
                    return bytes(found + piece[:place])
            found += piece
        raise BadPointer(f"a service was given a string at {address:X}h that does not end")

    def read_string(self, address: int) -> str:
        """A CHAR16 string up to its NUL. A surrogate that has no partner stays what it is."""
        return self._string(address, 2).decode("utf-16-le", "surrogatepass")

    def read_ascii(self, address: int) -> str:
        """A CHAR8 string up to its NUL."""
        return self._string(address, 1).decode("latin-1")

    def read_device_path(self, address: int) -> bytes:
        """A device path with its end node; b"" for what is none: a node shorter than its header, no end in sight."""
        found = bytearray()
        while len(found) < DEVICE_PATH_LIMIT:
            header = self.read(address + len(found), 4)
            length = int.from_bytes(header[2:], "little")
            if length < 4:
                return b""
            found += self.read(address + len(found), length)
            if header[:2] == END_ENTIRE:
                return bytes(found)
        return b""


def utf16(text: str) -> bytes:
    """A CHAR16 string with its NUL."""
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"
