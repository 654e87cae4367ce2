"""The part of a device that a volume lies on, as bytes.

A device has `read(lba, count)` -> bytes, `write(lba, data)` and `sectors`; it may have `sector_size`, the bytes that these
count in (512 if not), `read_only`, `name`, and `generation`, a number that is another one after every change, whoever made it.
"""
from __future__ import annotations

from boot.fat.errors import Corrupt, ReadOnly
from x86.faults import ImageError


class Medium:
    """`sectors` blocks of `device` from block `first` on; all that follow if `sectors` is None."""

    def __init__(self, device, first: int = 0, sectors: int | None = None, name: str | None = None):
        self.device = device
        self.block = getattr(device, "sector_size", 512)
        self.first = first
        self.name = name or getattr(device, "name", "volume")
        room = device.sectors - first
        if first < 0 or room <= 0:
            raise ImageError(f"{self.name}: begins at sector {first} of a device of {device.sectors}")
        self.size = (room if sectors is None else min(sectors, room)) * self.block

    @property
    def generation(self) -> int | None:
        """The device's, or None: then nothing that was read may be taken for true later."""
        return getattr(self.device, "generation", None)

    @property
    def read_only(self) -> bool:
        return bool(getattr(self.device, "read_only", False))

    def read(self, position: int, size: int) -> bytes:
        """`size` bytes from `position` on, in one access to the device. Corrupt if the medium ends before them."""
        block, skip = self._place(position, size)
        if not size:
            return b""
        data = self.device.read(block, -(-(skip + size) // self.block))
        return data if skip == 0 and len(data) == size else data[skip:skip + size]

    def write(self, position: int, data: bytes) -> None:
        """Put bytes at `position`; of blocks written in part the rest stays. Corrupt as read(), ReadOnly."""
        block, skip = self._place(position, len(data))
        if not data:
            return
        count = -(-(skip + len(data)) // self.block)
        if skip or len(data) % self.block:
            whole = bytearray(self.device.read(block, count))
            whole[skip:skip + len(data)] = data
            data = bytes(whole)
        try:
            self.device.write(block, data)
        except PermissionError:
            raise ReadOnly(f"{self.name} is write-protected") from None

    def _place(self, position, size):
        """(block, byte in it) of `position`."""
        if position < 0 or position + size > self.size:
            raise Corrupt(f"{self.name}: bytes {position:X}h to {position + size - 1:X}h lie behind its end "
                          f"at {self.size:X}h")
        block, skip = divmod(position, self.block)
        return self.first + block, skip
