"""`x86 doctor`: what of this installation works, and which optional tools are there."""
from __future__ import annotations

import importlib
import importlib.util
import platform
import shutil
import sys
from pathlib import Path

from x86.cli import DIED, OK

MODULES = ("_build", "_memory", "_mmu", "_decode", "_processor")
PACKAGES = {"elftools": "symbols of kernels", "hypothesis": "property tests", "unicorn": "an oracle for tests",
            "iced_x86": "an oracle for the decoder"}
TOOLS = {"nasm": "rebuilds the examples", "mformat": "composes test images (mtools)",
         "syslinux": "test images", "grub-mkimage": "test images", "qemu-system-x86_64": "comparison",
         "bochs": "comparison", "gdb": "debugging guests"}


def add(commands) -> None:
    parser = commands.add_parser("doctor", help="what is built and installed",
                                 description="Say what is built, how, and which optional tools are found.")
    parser.set_defaults(function=run)


def run(options) -> int:
    """Print the findings; status 1 if the core is not usable."""
    import x86
    print(f"x86 {x86.__version__} in {Path(x86.__file__).parent}")
    print(f"Python {platform.python_version()} ({sys.executable}), {platform.system()} {platform.machine()}")
    working = True
    for name in MODULES:
        try:
            importlib.import_module(f"x86.{name}")
        except ImportError as error:
            working = False
            print(f"x86.{name}: not built ({error}); python setup.py build_ext --inplace")
    if working:
        working = core()
    for package, use in PACKAGES.items():
        found = importlib.util.find_spec(package) is not None
        print(f"{package:20} {'found' if found else 'not installed':14} {use}")
    for tool, use in TOOLS.items():
        print(f"{tool:20} {'found' if shutil.which(tool) else 'not installed':14} {use}")
    return OK if working else DIED


def core() -> bool:
    """Describe the compiled core and boot the example with it."""
    from x86.cli import options
    from x86.isa import FAMILIES, table
    from x86.machine import Machine
    from x86 import _build
    dispatch = "tail calls" if _build.TAIL_CALLS else "plain loop with bounds checks"
    others = ["" if _build.OPTIMIZED else ", not optimized", ", sanitizers" if _build.SANITIZED else ""]
    print(f"core: {_build.COMPILER}, {dispatch}{''.join(others)}")
    print(f"instructions: {len(table.ROWS)} in {len(table.forms())} forms, {len(FAMILIES)} families")
    import boot
    machine = Machine()
    boot.bios(machine, disk=str(options.example_image()))
    stop = machine.run(max_instructions=100_000_000)
    print(f"the example: {stop.kind} after {machine.time:,} instructions")
    return stop.kind == "poweroff"
