"""The guests of tests/uefi/guests: UEFI applications in C, and the disk that each is started from.

    python -m tests.uefi.build [NAME...]    builds, and prints where

guests/NAME.c is compiled with guests/guest.c and the header of boot/examples/uefi to build/uefi/NAME.efi, and put as
EFI/BOOT/BOOTX64.EFI on the FAT16 partition of build/uefi/NAME.img, beside a few files to be read (FILES). The disk of
guests in ON_GPT has a GPT with two partitions, the second with FAT32.
Needs gcc, binutils and mtools.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from . import disks, efi_image
from .disks import SECTOR, Partition

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests/uefi/guests"
HEADERS = ROOT / "boot/examples/uefi"
HOME = ROOT / "build/uefi"
NAMES = sorted(path.stem for path in SOURCES.glob("*.c") if path.stem != "guest")
FLAGS = ("-std=gnu11 -O1 -g0 -ffreestanding -fshort-wchar -fpie -fvisibility=hidden -fno-stack-protector -mno-red-zone "
         "-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing -fno-delete-null-pointer-checks "
         "-mgeneral-regs-only -Wall -Wextra -Wno-unused-parameter -Wno-nonnull -Werror=implicit").split()
LINK = "-pie --no-dynamic-linker -z noexecstack -z separate-code -z norelro --build-id=none -e efi_main".split()

ON_MBR = Partition(2048, 65536)
ON_GPT = {"gpt": [Partition(2048, 4096, disks.BASIC_DATA, uuid.UUID("9a570000-0000-4000-8000-000000000001"), "data"),
                  Partition(8192, 81920)]}
SERIAL = "20101210"                     # of the volume
FILES = {
    "HELLO.TXT": b"Hello, file.\r\n",
    "EMPTY": b"",
    "A Long File Name.text": b"long\n",
    "pages.bin": bytes(byte for page in range(5) for byte in [page] * 4096)[:4 * 4096 + 100],
    "dir/one.txt": b"1",
    "dir/two.txt": b"22",
    "dir/Third File.txt": b"333",
    "dir/sub/deep.txt": b"deep",
}


class Missing(Exception):
    """The tool that a guest is built with and that is not here."""


def tool(*command):
    if shutil.which(command[0]) is None:
        raise Missing({"ld": "binutils", "mformat": "mtools", "mcopy": "mtools", "mmd": "mtools"}.get(command[0], command[0]))
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, cwd=SOURCES,
                          env={**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
    print(done.stderr, end="", file=sys.stderr)


def stale(target: Path, *sources: Path) -> bool:
    built = target.stat().st_mtime if target.exists() else 0
    shared = [Path(__file__), Path(disks.__file__), Path(efi_image.__file__), *SOURCES.glob("guest.*"), *HEADERS.glob("*.h")]
    return any(path.stat().st_mtime >= built for path in (*shared, *sources))


def application(name: str) -> Path:
    """build/uefi/NAME.efi. Raises Missing, or RuntimeError with what the compiler says."""
    target, source = HOME / f"{name}.efi", SOURCES / f"{name}.c"
    if stale(target, source):
        HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME) as directory:
            made = Path(directory)
            for each in (source, SOURCES / "guest.c"):
                tool("gcc", *FLAGS, "-I", HEADERS, f'-DGUEST="{name}"', "-c", each, "-o", made / f"{each.stem}.o")
            tool("ld", *LINK, made / f"{name}.o", made / "guest.o", "-o", made / "elf")
            (made / "efi").write_bytes(efi_image.convert(made / "elf"))
            os.replace(made / "efi", target)
    return target


def disk(name: str) -> Path:
    """build/uefi/NAME.img: the disk that starts the guest."""
    target, program = HOME / f"{name}.img", application(name)
    if stale(target, program):
        with tempfile.TemporaryDirectory(dir=HOME) as directory:
            image = Path(directory, "img")
            where, kind = (ON_GPT[name][-1], ["-F", "-c", 1]) if name in ON_GPT else (ON_MBR, ["-c", 4])
            with open(image, "wb") as file:
                sectors = where.start + where.size
                if name in ON_GPT:
                    sectors += 2048
                    first, last = disks.gpt(ON_GPT[name], sectors)
                    file.write(first)
                    file.seek(sectors * SECTOR - len(last))
                    file.write(last)
                else:
                    file.write(disks.master_boot_record(where))
                file.truncate(sectors * SECTOR)
            place = f"{image}@@{where.start * SECTOR}"
            tool("mformat", "-i", place, "-v", "GUESTS", "-N", SERIAL, "-T", where.size, "-h", 16, "-s", 63, "-H", where.start,
                 *kind)
            tool("mmd", "-i", place, "::EFI", "::EFI/BOOT", "::dir", "::dir/sub")
            tool("mcopy", "-i", place, program, "::EFI/BOOT/BOOTX64.EFI")
            for path, data in FILES.items():
                part = Path(directory, "part")
                part.write_bytes(data)
                tool("mcopy", "-i", place, part, f"::{path}")
            os.replace(image, target)
    return target


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        print(application(each), disk(each))
