"""The guests under OVMF, which says what their lines have to be.

    python -m tests.uefi.ovmf [NAME...]     writes guests/NAME.expected from what OVMF under QEMU prints (all without a name)

A guest writes its lines to COM1, where OVMF has its console, too: a line of the guest is one that starts with MARK.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from . import build

MARK = "=> "
CRASH = b"FXSAVE_STATE - "              # near the end of the firmware's report on an exception
DEVICES = {"random": ("-device", "virtio-rng-pci")}             # what QEMU has only if it is asked
CODE, VARS = "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"
PLACES = [Path(os.environ.get("OVMF", "/usr/share/OVMF")), Path("/usr/share/OVMF"), build.ROOT / "build/payloads"]


@cache
def firmware():
    """The directory that has OVMF ($OVMF, or where Debian's package puts it), or None."""
    return next((place for place in PLACES if (place / CODE).exists() and (place / VARS).exists()), None)


def missing() -> str:
    """What cannot be found for a run under OVMF, or ''."""
    if shutil.which("qemu-system-x86_64") is None:
        return "qemu-system-x86"
    return "" if firmware() else "ovmf"


def lines(text: str) -> str:
    """What the guest said, of all that came out of COM1. Raises RuntimeError where it did not come to its end."""
    found = [line.removeprefix(MARK) for line in re.split(r"[\r\n]+", text) if line.startswith(MARK)]
    if not found or not found[-1].startswith("lines: "):
        raise RuntimeError("the guest did not come to its end; its last lines:\n" + "\n".join(found[-5:])
                           + "\nand the end of COM1:\n" + text[-1000:])
    return "\n".join(found) + "\n"


def run(name: str, timeout: float = 120) -> str:
    """The lines that a guest writes under OVMF, resets in between or not."""
    with tempfile.TemporaryDirectory() as directory:
        disk, variables, output = (Path(directory, part) for part in ("disk.img", "vars.fd", "output"))
        shutil.copy(build.disk(name), disk)
        shutil.copy(firmware() / VARS, variables)
        output.touch()
        drive = "if=pflash,format=raw,unit={},file={}"
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none", "-display", "none",
                   "-drive", drive.format(0, firmware() / CODE) + ",readonly=on", "-drive", drive.format(1, variables),
                   "-drive", f"format=raw,file={disk}", "-serial", f"file:{output}",
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *DEVICES.get(name, ())]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as qemu:
            for _ in range(int(timeout * 5)):
                try:
                    qemu.wait(0.2)
                    break
                except subprocess.TimeoutExpired:
                    if CRASH in output.read_bytes():
                        break                                   # lines() says how far it came
            qemu.kill()
        return lines(output.read_text("ascii", "replace"))


if __name__ == "__main__":
    for guest in sys.argv[1:] or build.NAMES:
        (build.SOURCES / f"{guest}.expected").write_text(run(guest))
        print(guest)
