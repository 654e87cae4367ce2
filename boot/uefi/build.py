"""Assembles the firmware's own code with nasm: reset.asm and stubs.asm to the .bin files beside them.

    python -m boot.uefi.build           writes what changed
    python -m boot.uefi.build --check   says which of them differ from their sources; status 1 if any does
"""
from __future__ import annotations

import sys
from pathlib import Path

from boot.examples.build import BuildError, assemble

HERE = Path(__file__).resolve().parent
SOURCES = ("reset", "stubs")


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = 0
    for name in SOURCES:
        path = HERE / f"{name}.bin"
        try:
            data = assemble(HERE / f"{name}.asm")
        except (BuildError, FileNotFoundError) as error:
            print(error, file=sys.stderr)
            return 2
        same = path.exists() and path.read_bytes() == data
        stale += not same
        if not check and not same:
            path.write_bytes(data)
        print(f"{path.name:10} {len(data):5} bytes  {'as it is' if same else 'differs' if check else 'written'}")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
