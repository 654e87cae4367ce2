"""Builds the example images from their sources: boot sectors with nasm, programs in C with gcc and binutils.

    python -m boot.examples.build           writes the images beside their sources
    python -m boot.examples.build --check   says which of them differ from their sources; status 1 if any does

What nasm makes is the same wherever it runs. What gcc makes is the same for one version of gcc, whose name each program has
in it or beside it; --check leaves out what another version made.
"""
from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

from x86.devices import font

HERE = Path(__file__).resolve().parent
SECTOR = 512

#: image: [(source, first sector)]; the parts follow each other, padded to where the next one begins
IMAGES = {
    "first_weekend.img": [("first_weekend.asm", 0)],
    "whole_way/whole_way.img": [("whole_way/stage1.asm", 0), ("whole_way/stage2.asm", 1), ("whole_way/kernel.asm", 8)],
    "deaths/triple_fault.img": [("deaths/triple_fault.asm", 0)],
    "deaths/short_gdt.img": [("deaths/short_gdt.asm", 0)],
    "deaths/no_a20.img": [("deaths/no_a20.asm", 0)],
}

#: program: (sources, what gcc is told, what ld is told)
PROGRAMS = {
    "uefi/esp/EFI/BOOT/BOOTX64.EFI": (
        "uefi/loader/*.c uefi/common/*.c", "-fpie",
        "-m i386pep -T uefi/loader/loader.ld --subsystem 10 --image-base 0 --no-insert-timestamp --strip-all"),
    "uefi/esp/EFI/BOOT/kernel.elf": (
        "uefi/kernel/*.S uefi/kernel/*.c uefi/common/*.c", "-fno-pie",
        "-m elf_x86_64 -T uefi/kernel/kernel.ld -static -z max-page-size=4096 -z noexecstack"),
}
MADE_WITH = "uefi/esp/EFI/BOOT/kernel.elf"      # all of PROGRAMS are built together; this one has the compiler's name in it

#: No library, no host: nothing that needs start-up code, no registers that nobody saves, no stack below RSP (an interrupt would
#: overwrite it), no help that the host's gcc adds to each program.
FREESTANDING = ("-std=gnu11 -Os -ffreestanding -mno-red-zone -mgeneral-regs-only -fno-tree-loop-distribute-patterns "
                "-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -Wall -Wextra -Werror").split()


class BuildError(Exception):
    """A tool refused a source, or a part does not fit into its place. The message is the tool's, or one line."""


def tool(*command) -> None:
    """Runs it beside the sources. Raises BuildError, FileNotFoundError."""
    done = subprocess.run([str(word) for word in command], cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(done.stderr.strip())


def assemble(source: Path, nasm: str = "nasm") -> bytes:
    """The flat binary that nasm makes of `source`; %include looks beside it. Raises BuildError, FileNotFoundError."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "out.bin")
        tool(nasm, "-Werror", "-f", "bin", "-I", f"{source.parent}/", "-o", target, source)
        return target.read_bytes()


def compose(image: str, nasm: str = "nasm") -> bytes:
    """The bytes of one of IMAGES, built anew, whole sectors."""
    data = b""
    for source, sector in IMAGES[image]:
        if len(data) > sector * SECTOR:
            raise BuildError(f"{image}: {source} belongs at sector {sector}, and what comes before it is too long")
        data = data.ljust(sector * SECTOR, b"\0") + assemble(HERE / source, nasm)
    return data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")


def font_header() -> str:
    """The ASCII part of the adapter's character set as a C header, for kernels that draw text."""
    first, last = 0x20, 0x7E
    rows = ["    {" + ", ".join(f"0x{row:02X}" for row in font.glyph(code)) + f"}},     /* {chr(code)} */"
            for code in range(first, last + 1)]
    sizes = {"WIDTH": font.WIDTH, "HEIGHT": font.HEIGHT, "FIRST": first, "LAST": last}
    return "\n".join(["#include <stdint.h>", *(f"#define FONT_{name} {value}" for name, value in sizes.items()),
                      "static const uint8_t FONT[][FONT_HEIGHT] = {", *rows, "};", ""])


def compile_program(program: str, gcc: str = "gcc", ld: str = "ld") -> bytes:
    """The bytes of one of PROGRAMS, built anew. Raises BuildError, FileNotFoundError."""
    sources, options, linking = PROGRAMS[program]
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "font.h").write_text(font_header())
        objects = []
        for source in (path for pattern in sources.split() for path in sorted(HERE.glob(pattern))):
            objects.append(Path(directory, source.name + ".o"))
            tool(gcc, *FREESTANDING, *options.split(), f"-I{directory}", "-c", source.relative_to(HERE), "-o", objects[-1])
        target = Path(directory, "out")
        tool(ld, *linking.split(), "-o", target, *objects)
        return target.read_bytes()


def compiler(data: bytes) -> str:
    """Which compiler an ELF file says it was made with: the first line of its .comment."""
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".comment")
    return section.data().split(b"\0")[0].decode() if section else "an unknown compiler"


def other_compiler() -> str | None:
    """Which compiler made the programs that are there, if it is not the one that is installed."""
    there = HERE / MADE_WITH
    made_with = compiler(there.read_bytes()) if there.exists() else None
    return made_with if made_with not in (None, compiler(compile_program(MADE_WITH))) else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="boot.examples.build", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say which images are not up to date")
    check = parser.parse_args().check
    stale = 0
    try:
        other = other_compiler() if check else None
        for image in (*IMAGES, *PROGRAMS):
            data = compose(image) if image in IMAGES else compile_program(image)
            path = HERE / image
            same = path.exists() and path.read_bytes() == data
            foreign = image in PROGRAMS and other
            stale += not same and not foreign
            if not check and not same:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            state = "as it is" if same else f"not compared: made with {other}" if foreign else "differs" if check else "written"
            print(f"{image:30} {len(data):6} bytes  {state}")
    except FileNotFoundError as error:
        print(f"{error.filename} is not installed", file=sys.stderr)
        return 2
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
