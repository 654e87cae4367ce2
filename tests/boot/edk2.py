"""What EDK2 does with the files of pe_cases.py.

    python tests/boot/edk2.py       asks OVMF under QEMU, and writes edk2.expected

A guest (pe_edk2.c) calls LoadImage with each and writes a line: its status, and of an image that was loaded the address, the
size, and a CRC-32 of headers and sections as they lie in memory. Needs gcc, binutils, mtools, QEMU and OVMF.
"""
from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE)]

from pe_cases import (     # noqa: E402
    ACCEPTED,
    BROKEN,
    BROKEN_RESOURCES,
    BROKEN_TABLES,
    RICH,
    with_resources,
    with_table,
)

from boot.loaders import pe as loader       # noqa: E402
from uefi import build, ovmf                # noqa: E402
from x86.faults import ImageError           # noqa: E402

EXPECTED = HERE / "edk2.expected"

# EDK2 writes outside the image's memory: what that leads to is no answer.
NOT_ASKED = {
    "zeros over the headers", "raw data beyond the image", "zeros beyond the image", "section of 4 GB",
    "relocations: fixup outside the image", "relocations: fixup half outside the image",
    "relocations: word half outside the image",
}


def cases():
    """{name: bytes of a file}, in one order always."""
    found = dict(ACCEPTED)
    found["rich"] = RICH
    found.update({name: file for name, (file, _) in BROKEN.items()})
    found.update({f"relocations: {name}": with_table(table) for name, (table, _) in BROKEN_TABLES.items()})
    found.update({f"resources: {name}": with_resources(tree) for name, (tree, _) in BROKEN_RESOURCES.items()})
    return {name: file for name, file in found.items() if name not in NOT_ASKED}


def expected():
    """{name: line} of edk2.expected."""
    return dict(line.rsplit(": ", 1) for line in EXPECTED.read_text().splitlines())


def ranges(file):
    """[(RVA, size)] of what is compared: headers and sections. [] of a file that is not read."""
    try:
        image = loader.read(file)
    except ImageError:
        return []
    return [(0, image.headers_size)] + [(section.rva, section.size) for section in image.sections if section.size]


def packed():
    """The file CASES of pe_edk2.c."""
    files = list(cases().values())
    parts = [ranges(file) for file in files]
    at = 4 + 16 * len(files) + 8 * sum(map(len, parts))
    table, body, first = struct.pack("<I", len(files)), b"", 0
    for file, own in zip(files, parts):
        body += bytes(-(at + len(body)) % 16)
        table += struct.pack("<4I", at + len(body), len(file), first, len(own))
        body += file
        first += len(own)
    return table + b"".join(struct.pack("<II", *part) for own in parts for part in own) + body


def guest(directory):
    """The guest with its files, as EFI/BOOT/BOOTX64.EFI below the directory."""
    program = directory / "esp/EFI/BOOT/BOOTX64.EFI"
    program.parent.mkdir(parents=True)
    (directory / "cases").write_bytes(packed())
    for source in (HERE / "pe_edk2.c", build.SOURCES / "guest.c"):
        build.tool("gcc", *build.FLAGS, "-I", build.HEADERS, "-I", build.SOURCES, f'-DCASES="{directory / "cases"}"',
                   "-c", source, "-o", directory / f"{source.stem}.o")
    build.tool("ld", *build.LINK, directory / "pe_edk2.o", directory / "guest.o", "-o", directory / "elf")
    program.write_bytes(build.convert(directory / "elf"))


def ask(timeout=100):
    """The lines "name: answer" of OVMF, for each case one."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        guest(directory)
        shutil.copy(ovmf.firmware() / ovmf.VARS, directory / "vars")
        drive = "if=pflash,format=raw,unit={},file={}"
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none", "-display", "none", "-no-reboot",
                   "-drive", drive.format(0, ovmf.firmware() / ovmf.CODE) + ",readonly=on",
                   "-drive", drive.format(1, directory / "vars"), "-drive", f"format=raw,file=fat:rw:{directory / 'esp'}",
                   "-serial", f"file:{directory / 'output'}", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=timeout, check=False)
        said = ovmf.lines((directory / "output").read_text("ascii", "replace")).splitlines()[:-1]
    answers = dict(line.split(": ", 1) for line in said)
    return "".join(f"{name}: {answers[f'{number:04}']}\n" for number, name in enumerate(cases()))


if __name__ == "__main__":
    EXPECTED.write_text(ask())
