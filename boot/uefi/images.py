"""The images that are loaded: which bytes of memory are whose, how one comes into memory and goes from it. Plain data.

Source: UEFI 2.10, section 7.4 "Image Services"; section 2.1.1 for the memory types of the three kinds of images.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from boot.loaders import pe
from boot.uefi import device_path
from boot.uefi.database import DEVICE_PATH
from boot.uefi.memory_map import NotAllocated, OutOfMemory
from boot.uefi.protocols.loaded_image import DEVICE_PATH_GUID, LoadedImage
from boot.uefi.tables import at_power_on
from boot.uefi.definitions import PAGE, TPL_APPLICATION, Guid, MemoryType
from x86.faults import ImageError

APPLICATION, BOOT_DRIVER, RUNTIME_DRIVER = 10, 11, 12       # subsystems of PE/COFF
HII_PACKAGE_LIST = Guid("6a1ee763-d47a-43b4-aabe-ef1de2ab56fc")

#: subsystem -> types of the pages that its code and data get
MEMORY_TYPES = {APPLICATION: (MemoryType.LoaderCode, MemoryType.LoaderData),
                BOOT_DRIVER: (MemoryType.BootServicesCode, MemoryType.BootServicesData),
                RUNTIME_DRIVER: (MemoryType.RuntimeServicesCode, MemoryType.RuntimeServicesData)}


class AddressTaken(ImageError):
    """An image that can be loaded at one address only, which is in use."""


@dataclass
class Image:
    """One loaded image.

    sections     [(name, first address, end)] for messages
    blocks       of the pool that belong to it: its device paths, its HII packages
    protected    its pages do not permit everything
    level        the task priority level at which it was started
    exit_data    (size in bytes, address): what Exit() left for the caller of StartImage
    pointers     of a runtime driver: address -> the address that is stored there, for all that its relocations name
    """
    handle: int
    parent: int
    name: str
    subsystem: int
    base: int
    pages: int
    entry: int
    loaded_image: LoadedImage
    sections: list[tuple[str, int, int]]
    blocks: list[int] = field(default_factory=list)
    protected: bool = False
    started: bool = False
    level: int = TPL_APPLICATION
    exit_data: tuple[int, int] = (0, 0)
    pointers: dict[int, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.base + self.pages * PAGE

    def place(self, address: int) -> str:
        """`BOOTX64.EFI .text+12Ah`."""
        for name, start, end in self.sections:
            if start <= address < end:
                return f"{self.name} {name}+{address - start:X}h"
        return f"{self.name}+{address - self.base:X}h"


@dataclass
class Images:
    """All images, by handle. firmware: the handle that stands for the firmware itself."""
    loaded: dict[int, Image] = field(default_factory=dict)
    firmware: int = 0

    def at(self, address: int) -> Image | None:
        """The image in whose memory `address` lies."""
        return next((image for image in self.loaded.values() if image.base <= address < image.end), None)

    def place(self, address: int) -> str:
        """An address in words."""
        image = self.at(address)
        return image.place(address) if image else f"{address:X}h"


@at_power_on
def power_on(uefi):
    uefi.images = Images()
    uefi.images.firmware = uefi.install(0, LoadedImage(uefi, SystemTable=uefi.table.address))


# ---- into memory -----------------------------------------------------------------------------------------------------

def load(uefi, data: bytes, name: str, parent: int, device: int = 0, path: bytes = b"") -> Image:
    """Bring the PE image `data` into memory and give it a handle.

    parent    the handle of the image that asked for it; 0: the boot manager
    device    the handle that it came from, or 0
    path      its whole device path, or b""

    ImageError if it cannot be loaded: pe.NotLoadable where only its layout in memory is at fault, pe.NoAddress, AddressTaken.
    OutOfMemory."""
    file = pe.read(data, name)
    pages = -(-file.size // PAGE)
    code_type, data_type = MEMORY_TYPES[file.subsystem]
    own = uefi.database.interface(device, DEVICE_PATH) if device else None
    prefix = len(device_path.read(uefi, own.address)) - 4 if own and path else 0
    base = place(uefi, file, pages, code_type)
    blocks: list[int] = []
    try:
        memory = file.load(base)
        uefi.write(base, bytes(memory))
        rest, whole = keep(uefi, blocks, path[prefix:]), keep(uefi, blocks, path)
        packages = keep(uefi, blocks, file.resource("HII") or b"")
    except (ImageError, OutOfMemory):
        for block in blocks:
            uefi.free_pool(block)
        uefi.map.free(base, pages)
        raise
    loaded = LoadedImage(uefi, ParentHandle=parent, SystemTable=uefi.table.address, DeviceHandle=device, FilePath=rest,
                         ImageBase=base, ImageSize=file.size, ImageCodeType=code_type, ImageDataType=data_type)
    handle = uefi.install(0, loaded)
    uefi.install(handle, DEVICE_PATH_GUID, whole)
    if packages:
        uefi.install(handle, HII_PACKAGE_LIST, packages)
    image = Image(handle, parent, name, file.subsystem, base, pages, base + file.entry, loaded,
                  [(section.name, base + section.rva, base + section.rva + section.size) for section in file.sections], blocks,
                  protect(uefi, file, base))
    if file.subsystem == RUNTIME_DRIVER:
        image.pointers = {base + rva: int.from_bytes(memory[rva:rva + 8], "little") for rva in file.pointers(memory)}
    uefi.images.loaded[handle] = image
    return image


def keep(uefi, blocks: list[int], data: bytes) -> int:
    """A copy of `data` in a block of the pool, which is added to `blocks`; its address, or 0 for nothing."""
    if not data:
        return 0
    blocks.append(uefi.allocate_pool(len(data)))
    uefi.write(blocks[-1], data)
    return blocks[-1]


def place(uefi, file, pages: int, memory_type: int) -> int:
    """Pages for an image: where it was linked for if it cannot be moved, else the highest free ones below 4 GB."""
    if not file.relocatable:
        if file.base == 0:
            raise pe.NoAddress(f"{file.name}: linked for address 0, its relocations are stripped: it can be loaded nowhere")
        try:
            uefi.map.allocate_at(file.base // PAGE * PAGE, pages, memory_type)
        except OutOfMemory:
            raise AddressTaken(f"{file.name}: linked for {file.base:X}h, its relocations are stripped, and there is no free "
                               f"memory of {pages} pages") from None
        return file.base
    return uefi.map.allocate(pages, memory_type, highest=0xFFFFFFFF, align=max(PAGE, file.section_alignment))


def protect(uefi, file, base: int) -> bool:
    """Let sections permit what they say, where the image (NX_COMPAT) or the user asks for it; whether that was so."""
    wanted = uefi.options.protect_images
    if wanted == "never" or wanted == "nx-compat" and not file.nx_compat:
        return False
    ranges = file.protections() or ()
    for rva, size, writable, executable in ranges:
        uefi.protect(base + rva, size, writable=writable, executable=executable)
    return bool(ranges)


def follow(uefi, regions: list[tuple[int, int, int]]) -> None:
    """An operating system has moved runtime memory: what runtime drivers were linked with follows, except what they have changed.

    regions: (start, end, virtual address of start) each (UEFI 2.10, section 8.4, "SetVirtualAddressMap")"""
    for image in uefi.images.loaded.values():
        for start, end, virtual in regions:
            if start <= image.base < end:
                for address, value in image.pointers.items():
                    if uefi.read_u64(address) == value:
                        uefi.write_u64(address, value - start + virtual & 0xFFFF_FFFF_FFFF_FFFF)


def name_of(path: bytes) -> str:
    """What messages call the image of a device path: the last part of the file's name, or "image"."""
    files = [node for node in device_path.parse(path) if node.kind is device_path.BY_NAME["FilePath"]] if path else []
    name = device_path.file_name(files) or ""
    return name.replace("/", "\\").rstrip("\\").split("\\")[-1] or "image"


# ---- out of memory ---------------------------------------------------------------------------------------------------

def unload(uefi, image: Image) -> None:
    """Give back an image's memory, and what it still has open; its handle loses what LoadImage put there."""
    left = [event for event in uefi.events.all.values() if image.base <= event.function < image.end]
    if left:
        uefi.complain(f"{image.name} has ended and left {len(left)} event{'s' * (len(left) > 1)} whose notification "
                      f"function lies in its memory, which is free now")
    if image.protected:
        uefi.protect(image.base, image.pages * PAGE)
    try:
        uefi.map.free(image.base, image.pages)
    except NotAllocated:                                        # it has done so itself
        pass
    uefi.images.loaded.pop(image.handle)
    uefi.interfaces.pop(image.loaded_image.address, None)
    uefi.database.close_all(image.handle)
    for guid in (DEVICE_PATH_GUID, LoadedImage.guid, HII_PACKAGE_LIST):
        if uefi.database.interface(image.handle, guid):
            uefi.uninstall(image.handle, guid)
    for block in (*image.blocks, image.loaded_image.address):
        uefi.free_pool(block)
