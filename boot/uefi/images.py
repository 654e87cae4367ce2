"""The images that are loaded: which bytes of memory are whose, and how one comes into memory and starts. Plain data.

Source: UEFI 2.10, section 7.4 "Image Services"; section 2.1.1 for the memory types of the three kinds of images.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from boot.loaders import pe
from boot.uefi.protocols.loaded_image import LoadedImage
from boot.uefi.service import Invoke
from boot.uefi.tables import at_power_on
from boot.uefi.definitions import PAGE, MemoryType

APPLICATION, BOOT_DRIVER, RUNTIME_DRIVER = 10, 11, 12       # subsystems of PE/COFF

#: subsystem -> types of the pages that its code and data get
MEMORY_TYPES = {APPLICATION: (MemoryType.LoaderCode, MemoryType.LoaderData),
                BOOT_DRIVER: (MemoryType.BootServicesCode, MemoryType.BootServicesData),
                RUNTIME_DRIVER: (MemoryType.RuntimeServicesCode, MemoryType.RuntimeServicesData)}


@dataclass
class Image:
    """One loaded image. sections: [(name, first address, end)] for messages."""
    handle: int
    parent: int
    name: str
    subsystem: int
    base: int
    pages: int
    entry: int
    loaded_image: LoadedImage
    sections: list[tuple[str, int, int]]
    started: bool = False
    exit_data: tuple[int, int] = (0, 0)         # size in bytes, address: what Exit() left for the caller of StartImage

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


def load(uefi, data: bytes, name: str, parent: int, device: int = 0, file_path: int = 0) -> Image:
    """Bring the PE image `data` into memory and give it a handle. device: the handle it came from; file_path: the
    address of its device path. ImageError if it is none; OutOfMemory."""
    file = pe.read(data, name)
    pages = -(-file.size // PAGE)
    code_type, data_type = MEMORY_TYPES[file.subsystem]
    base = place(uefi, file, pages, code_type)
    uefi.write(base, bytes(file.load(base)))
    protect(uefi, file, base)
    loaded = LoadedImage(uefi, ParentHandle=parent, SystemTable=uefi.table.address, DeviceHandle=device, FilePath=file_path,
                         ImageBase=base, ImageSize=file.size, ImageCodeType=code_type, ImageDataType=data_type)
    handle = uefi.install(0, loaded)
    image = Image(handle, parent, name, file.subsystem, base, pages, base + file.entry, loaded,
                  [(section.name, base + section.rva, base + section.rva + section.size) for section in file.sections])
    uefi.images.loaded[handle] = image
    return image


def place(uefi, file, pages: int, memory_type: int) -> int:
    """Pages for an image: where it was linked for if it cannot be moved, else the highest free ones below 4 GB."""
    if not file.relocatable:
        uefi.map.allocate_at(file.base // PAGE * PAGE, pages, memory_type)
        return file.base
    return uefi.map.allocate(pages, memory_type, highest=0xFFFFFFFF, align=max(PAGE, file.section_alignment))


def protect(uefi, file, base: int) -> None:
    """Let sections permit what they say, where the image (NX_COMPAT) or the user asks for it."""
    wanted = uefi.options.protect_images
    if wanted == "never" or wanted == "nx-compat" and not file.nx_compat:
        return
    for rva, size, writable, executable in file.protections() or ():
        uefi.protect(base + rva, size, writable=writable, executable=executable)


def unload(uefi, image: Image) -> None:
    """Give back an image's pages and its handle."""
    uefi.protect(image.base, image.pages * PAGE)
    uefi.map.free(image.base, image.pages)
    uefi.images.loaded.pop(image.handle)
    uefi.interfaces.pop(image.loaded_image.address, None)
    for guid in list(uefi.database.handles[image.handle].interfaces):
        uefi.uninstall(image.handle, guid)


def start(uefi, image: Image, then, state: tuple = ()) -> Invoke:
    """Run an image's entry point; then(uefi, call, status, *state) follows when it returns or exits."""
    image.started = True
    return Invoke(image.entry, (image.handle, uefi.table.address), then, state, image=image.handle)


def after(uefi, image: Image, status: int) -> None:
    """An image has ended: applications go, and drivers that failed."""
    if image.subsystem == APPLICATION or status >> 63:
        unload(uefi, image)


def current(uefi) -> int:
    """The handle of the image that runs: the innermost whose entry point was called."""
    return next((frame.invoke.image for frame in reversed(uefi.frames) if frame.invoke.image), 0)
