"""What every boot protocol gets: the kernel's file and what the user wants to go with it; and the shape of a protocol."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from boot.host_file import read_whole
from x86.faults import ImageError

INITRD_ALIGN = 4                            # Linux unpacks archives one behind the other; each begins at a multiple of 4


class Module(NamedTuple):
    """A file that the kernel gets along: its bytes and its string."""
    data: bytes
    string: str


class Kernel(NamedTuple):
    """A kernel that is to be started.

    name        its path, which stands before every complaint
    data        the bytes of its file
    append      what the user has to tell it
    initrd      its initial ramdisk, several files in one; None without
    modules     other files for it, in order
    entry       "16", "32" or "64": by which of several entries; None leaves it to the protocol
    protocol    the protocol that the user named; None without
    """
    name: str
    data: bytes
    append: str = ""
    initrd: Module | None = None
    modules: tuple[Module, ...] = ()
    entry: str | None = None
    protocol: str | None = None

    @property
    def command_line(self) -> str:
        """The kernel's name and what it is told, as multiboot and ELF kernels get it."""
        return f"{self.name} {self.append}".rstrip()

    @property
    def files(self) -> list[Module]:
        """The initrd, if there is one, then the modules."""
        return ([] if self.initrd is None else [self.initrd]) + list(self.modules)


class Protocol(NamedTuple):
    """A boot protocol.

    name        what the user calls it
    what        what a file must have to be started by it, for messages: "no ..."
    find        (kernel) -> its header, of whatever type, or None: the file is not for this protocol
    check       (kernel, header): ImageError for what can be seen to be wrong before anything happens
    boot        (machine, kernel, header): loads the kernel into a machine that has done its POST, and enters it
    """
    name: str
    what: str
    find: Callable[[Kernel], Any]
    check: Callable[[Kernel, Any], None]
    boot: Callable[[Any, Kernel, Any], None]


def c_string(text: str) -> bytes:
    """The bytes of `text` as the command line had them, and a 0 byte. ImageError for a text that has one in it."""
    if "\0" in text:
        raise ImageError(f"a string for the kernel has a 0 byte in it: {text!r}")
    return text.encode("utf-8", "surrogateescape") + b"\0"


def read_module(module) -> Module:
    """A module: `module` is a path, or (path, string). The kernel is told the string, or the path without one."""
    path, string = module if isinstance(module, tuple) else (module, None)
    return Module(read_whole(path), os.fspath(path) if string is None else string)


def read_initrd(initrd) -> Module | None:
    """The initial ramdisk: None, a module as above, or a list of them, one behind the other, each padded to 4 bytes."""
    if initrd is None or initrd == []:
        return None
    if not isinstance(initrd, list):
        return read_module(initrd)
    files = [read_module(file) for file in initrd]
    data = b"".join(file.data + bytes(-len(file.data) % INITRD_ALIGN) for file in files[:-1]) + files[-1].data
    return Module(data, files[0].string)
