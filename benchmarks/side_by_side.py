"""The same guests on this emulator, Bochs, QEMU and Unicorn, in one interleaved run.

    python benchmarks/side_by_side.py --guests DIR [--workloads 2,5,6] [--peers x86,bochs] [--repeat 3]

DIR holds the guests, built: disk64.img (a boot disk), flat64.bin (the same program for a library, to be put at 100000h)
and counts.json, the exact number of instructions and the checksum of every workload and scale. A guest says on COM1

    PERF1 w=<workload> n=<scale>     S     E     R=<checksum> T=<time-stamp counter>     DONE

and works between S and E. Which workload and how much of it stands behind the word PERFPRM1 in the image:
u32 workload, u32 flags, u64 scale.

What counts is the processor time that the peer's process spent between S and E, so that a busy host does not. Runs of all
peers follow each other, so that a host that slows down slows them all; medians, and only ratios of one run mean anything.
A peer that is not installed is left out by name, and a wrong checksum is a failure.
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PARAMETERS = b"PERFPRM1"
SECONDS = 180                           # after which a run has failed
#: workload: (name, scale that is about 50, 200 and 1000 million instructions)
WORKLOADS = {
    1: ("integer chain", 36, 144, 720), 2: ("sieve", 20, 80, 400), 3: ("CoreMark-like", 85, 340, 1700),
    4: ("mov copy", 77, 308, 1540), 5: ("quicksort", 32, 128, 640), 6: ("calls (fib)", 38, 152, 760),
    7: ("SHA-256", 45, 180, 900), 8: ("SSE2 Mandelbrot", 71, 284, 1000), 9: ("x87", 38, 76, 150),
    10: ("page walk", 35, 70, 100), 11: ("self-modifying", 100, 100, 200), 12: ("INT 80h + SYSCALL", 70, 70, 140),
    13: ("strings and structs", 41, 164, 820), 14: ("bytecode interpreter", 138, 552, 2700),
    15: ("REP strings", 63, 126, 200), 16: ("mov copy, aliased pages", 77, 77, 308)}
SMALL, MIDDLE, FULL = 1, 2, 3

BOCHSRC = """\
display_library: {display}
plugin_ctrl: serial=1, biosdev=1, unmapped=1, speaker=0, gameport=0, iodebug=0, parallel=0
config_interface: textconfig
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
megs: 128
cpu: count=1, ips=50000000, reset_on_triple_fault=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={disk}, mode=flat, cylinders=20, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev=/dev/stdout
log: /dev/null
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
clock: sync=none, time0=local
mouse: enabled=0
"""


@dataclass
class Peer:
    """Something that runs guests: the command for a workload, and how much of it is worth its time."""

    name: str
    needs: str                          # a program, or "python:MODULE"
    command: list = field(default_factory=list)
    scale: int = FULL
    cannot: frozenset = frozenset()

    @property
    def missing(self) -> bool:
        kind, _, module = self.needs.partition(":")
        return importlib.util.find_spec(module) is None if kind == "python" else shutil.which(self.needs) is None


QEMU = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg", "-m", "128", "-display", "none", "-vga", "none",
        "-nodefaults", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-device",
        "isa-debug-exit,iobase=0xf4,iosize=4", "-snapshot", "-drive", "file={disk},format=raw,if=ide"]
PEERS = [
    Peer("x86", "python:x86", [sys.executable, "-m", "x86.cli", "run", "{disk}", "-m", "128M", "--display", "none"]),
    Peer("bochs", "bochs", ["bochs", "-q", "-f", "{work}/bochsrc", "-rc", "{work}/commands"], SMALL),
    Peer("qemu", "qemu-system-x86_64", QEMU),
    Peer("qemu -icount", "qemu-system-x86_64", [*QEMU, "-icount", "shift=0"], MIDDLE),
    Peer("unicorn", "python:unicorn", [sys.executable, __file__, "--in-unicorn", "{flat}"], MIDDLE, frozenset((12,))),
]


# ---- one run -----------------------------------------------------------------------------------------------------

def patched(image: Path, target: Path, workload: int, scale: int) -> None:
    """Copy a guest with its parameters set."""
    data = bytearray(image.read_bytes())
    struct.pack_into("<IIQ", data, data.index(PARAMETERS) + len(PARAMETERS), workload, 0, scale)
    target.write_bytes(data)


def processor_seconds(pid: int) -> float:
    """What the process has used: its CPU-time clock, whose id is made of the inverted pid (clock_getcpuclockid)."""
    return time.clock_gettime(~pid << 3 | 2)


def run(peer: Peer, guests: Path, workload: int, scale: int) -> dict:
    """{"seconds": processor seconds from S to E, "checksum": ...} or {"failed": why}."""
    with tempfile.TemporaryDirectory(prefix="side-by-side.") as work:
        places = {"work": work, "disk": f"{work}/disk64.img", "flat": f"{work}/flat64.bin"}
        for name in ("disk", "flat"):
            patched(guests / f"{name}64.{'img' if name == 'disk' else 'bin'}", Path(places[name]), workload, scale)
        Path(work, "bochsrc").write_text(BOCHSRC.format(display='rfb, options="timeout=0"', **places))
        Path(work, "commands").write_text("c\n")
        command = [part.format(**places) for part in peer.command]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            return listen(process)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()


def listen(process) -> dict:
    said, started, ended = b"", None, None
    deadline = time.monotonic() + SECONDS
    while b"DONE" not in said:
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return {"failed": "no end"}
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            break
        now = processor_seconds(process.pid)
        said += piece
        begin = said.find(b"\nS", max(said.find(b"PERF1"), 0))
        if begin >= 0 and started is None:
            started = now
        if begin >= 0 and ended is None and b"E" in said[begin + 2:]:
            ended = now
    result = re.search(rb"R=([0-9a-f]{16})", said)
    if result is None or ended is None:
        return {"failed": "no result"}
    return {"seconds": ended - started, "checksum": result.group(1).decode()}


def in_unicorn(flat: str) -> None:
    """Run a flat guest in Unicorn, its serial port on stdout: 64-bit mode, the first GB mapped to itself."""
    import unicorn
    from unicorn import x86_const as registers
    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    machine.mem_map(0, 128 << 20, unicorn.UC_PROT_ALL)
    machine.mem_write(0x100000, Path(flat).read_bytes())
    tables = [0x71007] + [0] * 511 + [0x72007] + [0] * 511 + [page << 21 | 0x87 for page in range(512)]
    machine.mem_write(0x70000, struct.pack(f"<{len(tables)}Q", *tables))
    machine.reg_write(registers.UC_X86_REG_CR4, 0x620)
    machine.reg_write(registers.UC_X86_REG_CR3, 0x70000)
    try:
        machine.msr_write(0xC0000080, 0x500)
    except unicorn.UcError:             # it is in long mode by its own means
        pass
    machine.reg_write(registers.UC_X86_REG_CR0, 0x80000011)
    machine.reg_write(registers.UC_X86_REG_RSP, 0x1F0000)

    def port_out(uc, port, size, value, data):
        if port == 0x3F8:
            os.write(1, bytes((value & 0xFF,)))
        elif port == 0xF4:
            uc.emu_stop()

    def port_in(uc, port, size, data):
        return 0x60 if port == 0x3FD else 0
    machine.hook_add(unicorn.UC_HOOK_INSN, port_out, None, 1, 0, registers.UC_X86_INS_OUT)
    machine.hook_add(unicorn.UC_HOOK_INSN, port_in, None, 1, 0, registers.UC_X86_INS_IN)
    machine.emu_start(0x101000, 0xFFFFFFFFFFFF0000)


# ---- the comparison -------------------------------------------------------------------------------------------------

def compare(peers, guests, workloads, repeat, counts) -> dict:
    """{(peer name, workload): [million instructions a second, ...]}"""
    found: dict = {}
    for round_ in range(repeat):
        for workload in workloads:
            for peer in peers:
                if workload in peer.cannot:
                    continue
                scale = WORKLOADS[workload][peer.scale]
                expected = counts[str(workload)][str(scale)]
                result = run(peer, guests, workload, scale)
                if "failed" not in result and result["checksum"] != expected["R"]:
                    result = {"failed": f"checksum {result['checksum']}, not {expected['R']}"}
                said = result.get("failed")
                if said is None:
                    speed = expected["insns"] / result["seconds"] / 1e6
                    found.setdefault((peer.name, workload), []).append(speed)
                    said = f"{speed:.1f}"
                print(f"round {round_ + 1}  {peer.name:12} {workload:2} {WORKLOADS[workload][0]:24} {said}",
                      file=sys.stderr, flush=True)
    return found


def table(peers, workloads, found) -> str:
    """Medians, and how many times as fast as each of the others the first peer is."""
    medians = {key: statistics.median(values) for key, values in found.items()}
    first, *others = [peer.name for peer in peers]
    lines = ["million guest instructions a processor second, medians",
             f"{'':28}" + "".join(f"{name:>14}" for name in (first, *others))
             + "".join(f"{first + '/' + name:>18}" for name in others)]
    for workload in workloads:
        speeds = [medians.get((name, workload)) for name in (first, *others)]
        line = f"{workload:2} {WORKLOADS[workload][0]:25}" + "".join(f"{speed:14.1f}" if speed else f"{'-':>14}"
                                                                      for speed in speeds)
        line += "".join(f"{speeds[0] / speed:18.2f}" if speeds[0] and speed else f"{'-':>18}" for speed in speeds[1:])
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--guests", type=Path, default=os.environ.get("X86_GUESTS", ROOT / "build" / "guests"))
    parser.add_argument("--workloads", default="2,5,6", help="numbers with commas, or all")
    parser.add_argument("--peers", help="names with commas (default: all that are installed)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--in-unicorn", metavar="FLAT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_unicorn:
        in_unicorn(options.in_unicorn)
        return 0
    guests = Path(options.guests)
    lacking = [name for name in ("disk64.img", "flat64.bin", "counts.json") if not (guests / name).exists()]
    if lacking:
        print(f"side_by_side: {guests} has no {', '.join(lacking)}: name the built guests by --guests", file=sys.stderr)
        return 2
    workloads = list(WORKLOADS) if options.workloads == "all" else [int(n) for n in options.workloads.split(",")]
    wanted = options.peers.split(",") if options.peers else None
    peers = []
    for peer in PEERS:
        if wanted is not None and peer.name not in wanted:
            continue
        if peer.missing:
            print(f"side_by_side: {peer.name} is not installed", file=sys.stderr)
        else:
            peers.append(peer)
    counts = json.loads((guests / "counts.json").read_text())["64"]
    print(table(peers, workloads, compare(peers, guests, workloads, options.repeat, counts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
