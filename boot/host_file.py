"""Files of the host that are read whole: kernels, modules, applications, variables. One that has no end, or a sparse one of
terabytes, is refused before it fills the host's memory."""
from __future__ import annotations

import os
import stat

from x86.faults import ImageError

LARGEST = 1 << 30                           # bytes; larger than any kernel, initial ramdisk or application


def read_whole(path, largest: int = LARGEST) -> bytes:
    """The bytes of the file at `path`, which may be a pipe, as a shell's <(command) is one.

    Errors: ImageError in words for what is no file, cannot be read, or has more than `largest` bytes."""
    name = os.fspath(path) or "''"
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{name}: a directory, not a file")
        if stat.S_ISCHR(mode):
            raise ImageError(f"{name}: a device, not a file")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(largest + 1) if size <= largest else b""
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except MemoryError:
        raise ImageError(f"{name}: this host has not enough memory to read it") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"{name}: {getattr(error, 'strerror', None) or error}") from None
    if max(size, len(data)) > largest:
        raise ImageError(f"{name}: larger than {largest >> 20} MB, which is the most that is read of such a file")
    return data
