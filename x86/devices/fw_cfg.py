"""QEMU's firmware configuration device: how firmware asks the machine what it has, and takes files from it.

    510h  word, written: which item       511h  byte, read: the item's next byte, 0 behind its end

Source: QEMU, docs/specs/fw_cfg ("QEMU Firmware Configuration (fw_cfg) Device"). Without the DMA interface, which the
item ID says.
"""
from __future__ import annotations

import struct

from x86.devices.device import Device

SIGNATURE, ID, RAM_SIZE, CPUS, BOOT_MENU, MAX_CPUS, FILE_DIRECTORY, FIRST_FILE = 0, 1, 3, 5, 0x0E, 0x0F, 0x19, 0x20
ITEM_MASK = 0x3FFF                      # of the selector; bit 14 selects for writing, bit 15 what is the architecture's
RAM, FOUR_GB = 1, 1 << 32


class FwCfg(Device):
    """The device. `files` is what the host offers, {name: bytes}; `add_file` adds to it.

    The file "etc/e820" lists the RAM: entries of address and length (8 bytes each) and type (4), little endian.
    """

    name = "fw_cfg"
    STATE = ("selected", "place")

    def __init__(self, machine):
        super().__init__(machine)
        memory = machine.memory
        self.items = {
            SIGNATURE: b"QEMU",
            ID: struct.pack("<I", 1),                           # bit 0: these ports; bit 1 would be DMA
            RAM_SIZE: struct.pack("<Q", memory.size),
            CPUS: struct.pack("<H", 1),
            BOOT_MENU: struct.pack("<H", 0),
            MAX_CPUS: struct.pack("<H", 1),
        }
        self.files: dict[str, bytes] = {}
        table = struct.pack("<QQI", 0, memory.ram_low, RAM)
        if memory.ram_high:
            table += struct.pack("<QQI", FOUR_GB, memory.ram_high, RAM)
        self.add_file("etc/e820", table)
        self.reset()
        machine.bus.add(self.name, 0x510, 2, read=self._read, write=self._write, widths=(1, 2))

    def reset(self) -> None:
        self.selected = SIGNATURE
        self.place = 0

    def add_file(self, name: str, data: bytes) -> None:
        """Offer a file to firmware. name: at most 55 characters, such as "opt/me/config". ValueError if it is longer."""
        if len(name.encode("ascii")) > 55:
            raise ValueError(f"{name!r}: a name in fw_cfg has at most 55 characters")
        self.files[name] = bytes(data)
        directory = struct.pack(">I", len(self.files))
        for key, (each, content) in enumerate(sorted(self.files.items()), FIRST_FILE):
            self.items[key] = content
            directory += struct.pack(">IHH56s", len(content), key, 0, each.encode("ascii"))
        self.items[FILE_DIRECTORY] = directory

    def _write(self, offset, value, size):
        if size == 2:
            self.selected, self.place = value & ITEM_MASK, 0

    def _read(self, offset, size):
        if size != 1 or offset != 1:
            return (1 << 8 * size) - 1
        item = self.items.get(self.selected, b"")
        place, self.place = self.place, self.place + 1
        return item[place] if place < len(item) else 0
