"""The guests of this directory under Bochs, which says what their output has to be.

    python -m tests.guests.bochs NAME...     writes NAME.expected from what Bochs 2.7 prints (all guests without a name)

A guest is NAME.asm: a disk image that tests the processor case by case, writes a line for each to COM1 and ends by itself.
"""
from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = sorted(path.stem for path in HERE.glob("*.asm"))
ROMS = Path("/usr/share/bochs/BIOS-bochs-latest"), Path("/usr/share/bochs/VGABIOS-lgpl-latest")
VERSION = "Bochs x86 Emulator 2.7"
CYLINDER = 16 * 63 * 512                # of the disk, in bytes

# A display that waits for nobody, a processor with nearly everything, and few instructions to a second, so that the wait
# for the serial line is short. A triple fault, and the guest's word on the shutdown port, end the run.
SETTINGS = """\
display_library: rfb, options="timeout=0"
config_interface: textconfig
plugin_ctrl: serial=1, biosdev=1, unmapped=1, speaker=0
romimage: file={rom}
vgaromimage: file={vga}
megs: 16
cpu: count=1, model=corei7_skylake_x, ips=2000000, reset_on_triple_fault=0, ignore_bad_msrs=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={disk}, mode=flat, cylinders=1, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev={output}
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
clock: sync=none, time0=local
mouse: enabled=0
"""


@cache
def missing():
    """What cannot be found for a run under Bochs, or ''. Another version may answer otherwise."""
    if shutil.which("bochs") is None:
        return "bochs"
    if VERSION not in subprocess.run(["bochs", "--help"], capture_output=True, text=True).stdout:
        return VERSION
    return "bochsbios and vgabios" if not all(rom.exists() for rom in ROMS) else ""


def assemble(name):
    """The disk image of a guest. Raises CalledProcessError with what NASM says."""
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory, "guest.img")
        subprocess.run(["nasm", "-f", "bin", "-w+error", "-I", f"{HERE}/", "-o", image, HERE / f"{name}.asm"], check=True)
        return image.read_bytes()


def run(name, timeout=60):
    """What a guest writes to COM1 under Bochs."""
    with tempfile.TemporaryDirectory() as directory:
        image = assemble(name)
        disk, output, settings = (Path(directory, part) for part in ("disk.img", "output", "settings"))
        disk.write_bytes(image + bytes(CYLINDER - len(image)))
        output.touch()
        settings.write_text(SETTINGS.format(rom=ROMS[0], vga=ROMS[1], disk=disk, output=output,
                                            log=Path(directory, "log")))
        go = Path(directory, "go")                              # Debian's Bochs stops in its debugger first
        go.write_text("c\n")
        done = subprocess.run(["bochs", "-q", "-f", settings, "-rc", go], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout)
        text = output.read_text("ascii", "replace")
        if not text.endswith("\n") or "\ncases: " not in text:
            raise RuntimeError(f"{name} did not come to its end under Bochs:\n{text}\n{done.stdout[-2000:]}\n"
                               + Path(directory, "log").read_text(errors="replace")[-2000:])
        return text


if __name__ == "__main__":
    for guest in sys.argv[1:] or NAMES:
        (HERE / f"{guest}.expected").write_text(run(guest))
        print(guest)
