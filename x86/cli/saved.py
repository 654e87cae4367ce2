"""A machine in a file: `x86 run --save FILE` keeps it as it is at the end, `x86 run --restore FILE` goes on from there.

    x86 machine 1 <newline>, then a pickle of (options, Snapshot)

The options are those that build the same machine again: its memory, its processor, its drives. Images are named, not kept:
what the guest wrote to them is in the snapshot, what it read has to be there still. What it writes from then on is forgotten,
unless --write is said anew. Nothing but plain data and the classes of this package is made from such a file. What a processor's
state may be is not checked, so a file is to be trusted as a program is.
"""
from __future__ import annotations

import argparse
import os
import pickle

from x86.cli import options as machine_options
from x86.faults import ImageError

MAGIC = b"x86 machine 1\n"
PACKAGES = ("x86", "boot")
IMAGES = ("image", "floppy", "drive", "cdrom", "esp")                   # options that name files of a machine that runs
GONE = ("kernel", "append", "initrd", "module", "protocol", "entry",    # what was loaded is in its memory,
        "nvram", "write", "forget")                                     # and who restores it says what may be written


class Unpickler(pickle.Unpickler):
    """Plain data, and the classes of this package."""

    def find_class(self, module, name):
        found = super().find_class(module, name) if module.split(".")[0] in PACKAGES and "." not in name else None
        if not isinstance(found, type) or found.__module__.split(".")[0] not in PACKAGES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in it")
        return found


def defaults() -> dict:
    """{option: default} of the options that make a machine."""
    parser = argparse.ArgumentParser()
    machine_options.add_machine_options(parser)
    return vars(parser.parse_args([]))


def save(machine, options, path) -> None:
    """Write `machine`, which `options` built, to a file. Errors: ImageError."""
    kept = {name: getattr(options, name) for name in defaults() if name not in GONE}
    for name in IMAGES:
        paths = kept[name]
        kept[name] = list(map(os.path.abspath, paths)) if isinstance(paths, list) else paths and os.path.abspath(paths)
    kept["a20"] = "on" if machine.initial_a20 else "off"
    kept["firmware"] = next((name for name in ("uefi", "bios") if name in machine.devices), None)
    try:
        with open(path, "wb") as file:
            file.write(MAGIC)
            pickle.dump((kept, machine.snapshot()), file, pickle.HIGHEST_PROTOCOL)
    except OSError as error:
        raise ImageError(f"--save {path}: {error.strerror}") from None


def restore(options) -> tuple:
    """(machine, its drives) from the file options.restore. Sets the options that build it. Errors: ImageError."""
    path = options.restore
    for name, default in defaults().items():
        if getattr(options, name) != default and name != "write":
            raise ImageError(f"--restore {path}: the machine in it is what it is: leave out "
                             f"{'IMAGE' if name == 'image' else '--' + name.replace('_', '-')}")
    kept, snapshot = read(path)
    for name, value in kept.items():
        setattr(options, name, value)
    options.forget = not (options.write or options.read_only)
    try:
        machine, drives = machine_options.build(options, resumed=True)
        machine.restore(snapshot)
    except ImageError:
        raise
    except Exception as error:          # noqa: BLE001  (a snapshot that is none fails wherever it is looked at first)
        raise ImageError(f"--restore {path}: its machine cannot be built again: {error}") from None
    return machine, drives


def read(path) -> tuple[dict, object]:
    """(options, Snapshot) in a file. Errors: ImageError."""
    from x86.machine import Snapshot
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ImageError(f"--restore {path}: not a machine that x86 run --save wrote")
            kept, snapshot = Unpickler(file).load()
    except OSError as error:
        raise ImageError(f"--restore {path}: {error.strerror}") from None
    except ImageError:
        raise
    except Exception as error:          # noqa: BLE001  (pickle raises whatever the bytes make it do)
        raise ImageError(f"--restore {path}: damaged: {error}") from None
    names = set(defaults()) - set(GONE) | {"firmware"}
    if not isinstance(kept, dict) or not isinstance(snapshot, Snapshot) or set(kept) != names:
        raise ImageError(f"--restore {path}: of another version of x86")
    return kept, snapshot
