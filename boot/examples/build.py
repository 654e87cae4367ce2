"""Builds the example images from their sources, with nasm alone: the same bytes wherever it runs.

    python -m boot.examples.build           writes the images beside their sources
    python -m boot.examples.build --check   says which of them differ from their sources; status 1 if any does
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

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


class BuildError(Exception):
    """nasm refused a source, or a part does not fit into its place. The message is nasm's, or one line."""


def assemble(source: Path, nasm: str = "nasm") -> bytes:
    """The flat binary that nasm makes of `source`; %include looks beside it. Raises BuildError, FileNotFoundError."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "out.bin")
        done = subprocess.run([nasm, "-Werror", "-f", "bin", "-I", f"{source.parent}/", "-o", str(target), str(source)],
                              capture_output=True, text=True)
        if done.returncode:
            raise BuildError(done.stderr.strip())
        return target.read_bytes()


def compose(image: str, nasm: str = "nasm") -> bytes:
    """The bytes of one of IMAGES, built anew, whole sectors."""
    data = b""
    for source, sector in IMAGES[image]:
        if len(data) > sector * SECTOR:
            raise BuildError(f"{image}: {source} belongs at sector {sector}, and what comes before it is too long")
        data = data.ljust(sector * SECTOR, b"\0") + assemble(HERE / source, nasm)
    return data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")


def main() -> int:
    parser = argparse.ArgumentParser(prog="boot.examples.build", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say which images are not up to date")
    check = parser.parse_args().check
    stale = 0
    for image in IMAGES:
        try:
            data = compose(image)
        except FileNotFoundError:
            print("nasm is not installed", file=sys.stderr)
            return 2
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        path = HERE / image
        same = path.exists() and path.read_bytes() == data
        stale += not same
        if not check and not same:
            path.write_bytes(data)
        print(f"{image:28} {len(data):6} bytes  {'as it is' if same else 'differs' if check else 'written'}")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
