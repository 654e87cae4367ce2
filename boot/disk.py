"""Disk images: what a drive holds, and what shape the BIOS says it has.

A Disk is an array of 512-byte sectors over a file or over bytes. By default what the guest writes stays in an overlay
beside it, so the file never changes; mode "write" writes through, "readonly" is a write-protected medium.

Source: the partition table is that of the IBM PC DOS 3.3 fixed disk: four entries of 16 bytes at 1BEh,

    00  80h active, 00h not     04  type, 00h none          08  first sector (LBA), dword
    01  first sector (CHS)      05  last sector (CHS)       0C  number of sectors, dword
"""
from __future__ import annotations

import mmap
import os
import stat
import struct
from typing import NamedTuple

from boot.geometry import FLOPPIES, SECTOR, Floppy, floppy_of_image, hard_disk_geometry
from boot.image_formats import sectors_end
from x86.faults import ImageError

CD_BLOCK = 2048
MODES = ("overlay", "readonly", "write")


class Partition(NamedTuple):
    """One used entry of an MBR's partition table."""
    number: int                     # 1 to 4
    active: bool
    type: int
    start: int                      # first sector
    count: int                      # number of sectors
    last_chs: tuple[int, int, int]  # cylinder, head, sector of the last one, as the table says
    first_chs: tuple[int, int, int]

    @property
    def end(self) -> int:
        """The sector after the last."""
        return self.start + self.count


class Disk:
    """An image as sectors.

    source: path of a raw image, or its bytes. mode: "overlay" keeps what is written apart, "readonly" refuses it,
    "write" puts it into the file (or into a copy of the bytes). floppy: the image is a diskette. cd: it is a CD, which
    nobody writes to.

    is_cd: firmware shows it in blocks of 2048 bytes, as removable; read() and write() count sectors of 512 all the same.

    Errors: ImageError for what cannot be a disk: no file, a directory, nothing in it, less than a sector, unreadable, a
    container (image_formats.py). Oddities that do not prevent its use are lines in `warnings`."""

    is_cd = False

    def __init__(self, source, mode: str = "overlay", floppy: bool = False, name: str | None = None, cd: bool = False):
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, not one of {', '.join(MODES)}")
        self.mode = "readonly" if cd else mode
        self.is_cd = cd
        self.floppy: Floppy | None = None
        self.warnings: list[str] = []
        self.overlay: dict[int, bytes] = {}         # sector number -> its 512 bytes
        self.generation = 0                         # another number after every change: who caches compares it
        self._file = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = name or "image"
            self.data = bytearray(source) if mode == "write" else bytes(source)
        else:
            self.name = name or os.fspath(source)
            self.data = self._map(os.fspath(source))
        self.size = sectors_end(self.data, self.name)
        if self.size == 0:
            raise ImageError(f"{self.name}: the file is empty")
        if self.size < SECTOR:
            raise ImageError(f"{self.name}: {self.size} bytes are less than one sector of {SECTOR}")
        unit = CD_BLOCK if cd else SECTOR
        self.sectors = -(-self.size // unit) * unit // SECTOR
        if self.size % unit:
            self.warnings.append(f"{self.name}: {self.size} bytes are no multiple of {unit}; "
                                 f"the last {'block' if cd else 'sector'} is padded with zeros")
        if floppy:
            self._insert_as_floppy()
        else:
            partitions = self.partitions()
            self.geometry = hard_disk_geometry(self.sectors, partitions, self.read(0, 1))
            if not cd:
                self._check_partitions()
        if mode == "write" and self.sectors * SECTOR > self.size:
            self.warnings.append(f"{self.name}: what is written behind its {self.size} bytes is not kept")

    @classmethod
    def open(cls, source, mode: str = "overlay", floppy: bool = False, cd: bool = False) -> Disk:
        """`source` itself if it is a Disk already, else Disk(source, ...)."""
        if not isinstance(source, Disk):
            return cls(source, mode, floppy, cd=cd)
        source.is_cd = source.is_cd or cd
        return source

    # ---- the file ----------------------------------------------------------------------------------------------------

    def _map(self, path):
        """The file as a mapping, which reads only what is asked for."""
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise ImageError(f"{path}: is a directory, not a disk image")
            if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):       # to open a pipe would be to wait for who writes to it
                raise ImageError(f"{path}: is a {'pipe' if stat.S_ISFIFO(mode) else 'device'}, not a disk image")
            self._file = open(path, "r+b" if self.mode == "write" else "rb")
            if os.fstat(self._file.fileno()).st_size == 0:
                return b""
            access = mmap.ACCESS_WRITE if self.mode == "write" else mmap.ACCESS_READ
            return mmap.mmap(self._file.fileno(), 0, access=access)
        except FileNotFoundError:
            raise ImageError(f"{path}: no such file") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ImageError(f"{path}: cannot be opened: {reason}") from None

    def flush(self) -> None:
        """Mode "write": have the file on the host up to date."""
        if isinstance(self.data, mmap.mmap) and self.mode == "write":
            self.data.flush()

    def close(self) -> None:
        """Let go of the file. The disk cannot be read afterwards."""
        self.flush()
        if isinstance(self.data, mmap.mmap):
            self.data.close()
        if self._file:
            self._file.close()
        self.data = b""

    # ---- sectors -----------------------------------------------------------------------------------------------------

    def read(self, lba: int, count: int) -> bytes:
        """`count` sectors from number `lba`. IndexError if they are not all on the disk."""
        if lba < 0 or count < 0 or lba + count > self.sectors:
            raise IndexError(f"sectors {lba} to {lba + count - 1} of {self.sectors}")
        data = self._read_image(lba, count)
        if not self.overlay:
            return data
        data = bytearray(data)
        if len(self.overlay) < count:
            touched = [number for number in self.overlay if lba <= number < lba + count]
        else:
            touched = [number for number in range(lba, lba + count) if number in self.overlay]
        for number in touched:
            position = (number - lba) * SECTOR
            data[position:position + SECTOR] = self.overlay[number]
        return bytes(data)

    def _read_image(self, lba, count):
        """What lies under the overlay; zeros behind the end of the image."""
        return bytes(self.data[lba * SECTOR:min((lba + count) * SECTOR, self.size)]).ljust(count * SECTOR, b"\0")

    def write(self, lba: int, data: bytes) -> None:
        """Put whole sectors from number `lba` on. PermissionError on a read-only disk, IndexError beyond its end."""
        count, rest = divmod(len(data), SECTOR)
        if rest:
            raise ValueError(f"{len(data)} bytes are no whole sectors")
        if lba < 0 or lba + count > self.sectors:
            raise IndexError(f"sectors {lba} to {lba + count - 1} of {self.sectors}")
        if self.read_only:
            raise PermissionError(f"{self.name} is write-protected")
        self.generation += 1
        inside = self._write_image(lba, data, count) if self.mode == "write" else 0
        for number in range(inside, count):
            self.overlay[lba + number] = bytes(data[number * SECTOR:(number + 1) * SECTOR])

    def _write_image(self, lba, data, count):
        """Mode "write": put into the image those of `count` sectors that lie in it as a whole, and say how many."""
        inside = max(0, min(count, self.size // SECTOR - lba))
        self.data[lba * SECTOR:(lba + inside) * SECTOR] = data[:inside * SECTOR]
        return inside

    @property
    def read_only(self) -> bool:
        """Whether writes fail, as on a diskette with its tab moved."""
        return self.mode == "readonly" or self.is_cd

    def snapshot(self) -> dict[int, bytes]:
        """What was written so far. In mode "write" the image itself is not part of it: the host's file has no past."""
        return dict(self.overlay)

    def restore(self, state: dict[int, bytes]) -> None:
        """Back to what snapshot() saw."""
        self.overlay = dict(state)
        self.generation += 1                        # not back: what was read since then is no longer true

    # ---- its shape ---------------------------------------------------------------------------------------------------

    def _insert_as_floppy(self):
        self.floppy = floppy_of_image(self.size, self.read(0, 1))
        if self.floppy is None:
            raise ImageError(f"{self.name}: {self.size} bytes are too many for a diskette "
                             f"(at most {max(FLOPPIES)}); attach it as a hard disk")
        self.geometry = self.floppy.geometry
        self.sectors = self.geometry.total          # a diskette has all its sectors; beyond the image they are zeros

    def partitions(self) -> list[Partition]:
        """The used entries of the partition table in sector 0; none if there is no table that makes sense."""
        sector = self.read(0, 1)
        entries = [sector[position:position + 16] for position in range(0x1BE, 0x1FE, 16)]
        if sector[510:] != b"\x55\xAA" or any(entry[0] not in (0x00, 0x80) for entry in entries):
            return []
        found = []
        for number, entry in enumerate(entries, 1):
            start, count = struct.unpack_from("<II", entry, 8)
            if entry[4] and start and count:
                found.append(Partition(number, entry[0] == 0x80, entry[4], start, count, _chs(entry[5:8]),
                                       _chs(entry[1:4])))
        return found

    def _check_partitions(self):
        for partition in self.partitions():
            protective = partition.type == 0xEE and partition.count == 0xFFFFFFFF      # GPT's "as large as can be"
            if partition.end > self.sectors and not protective:
                self.warnings.append(
                    f"{self.name}: partition {partition.number} ends at sector {partition.end - 1}, "
                    f"but the image has only {self.sectors} sectors ({self.size} bytes)")

    def __repr__(self):
        kind = "diskette" if self.floppy else "CD" if self.is_cd else "hard disk"
        return f"<Disk {self.name!r}, {kind}, {self.sectors} sectors, {self.mode}>"


def _chs(packed):
    """Cylinder, head, sector from the table's three bytes: head; cylinder bits 9-8 and sector; cylinder bits 7-0."""
    head, second, third = packed
    return (second & 0xC0) << 2 | third, head, second & 0x3F
