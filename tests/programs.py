"""Compiled programs, each as a disk image that runs it on a bare machine, and as a program of this host.

The sources are in tests/guests/programs. A program is compiled once and the object linked twice, so both run the same
instructions and have to print the same. Needs gcc, nasm and binutils; what is built is kept in build/programs.

    python tests/programs.py [NAME...]      builds, and prints where
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests/guests/programs"
HOME = ROOT / "build/programs"
CYLINDER = 16 * 63 * 512
BASE = ("-std=gnu11 -O2 -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none "
        "-fno-strict-aliasing -fno-math-errno -mno-red-zone -mcmodel=small -ffp-contract=off -Wall -Wextra "
        "-Wno-parentheses").split()
V1, V2 = "SSE2", "SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 POPCNT CX16"
V3 = f"{V2} XSAVE AVX AVX2 FMA F16C BMI1 BMI2 LZCNT MOVBE"


class Missing(Exception):
    """The tool that a program needs and that is not here."""


@dataclass(frozen=True)
class Program:
    """A source, and how it is compiled."""

    source: str
    variant: str
    flags: str
    features: str                       # what the processor must have, as in x86/models.py

    @property
    def name(self) -> str:
        return f"{self.source}-{self.variant}"


PROGRAMS = [Program(*line) for line in (
    ("sha", "v1", "", V1),
    ("sha", "v3", "-march=x86-64-v3", V3),
    ("sha", "ni", "-march=x86-64-v2 -msha", f"{V2} SHA"),
    ("aes", "v1", "", V1),
    ("aes", "ni", "-march=x86-64-v2 -maes -mpclmul", f"{V2} AES PCLMULQDQ"),
    ("aes", "avx", "-march=x86-64-v3 -maes -mpclmul", f"{V3} AES PCLMULQDQ"),
    ("aes", "vaes", "-march=x86-64-v3 -maes -mpclmul -mvaes", f"{V3} AES PCLMULQDQ VAES"),
    ("crc", "v1", "", V1),
    ("crc", "clmul", "-march=x86-64-v2 -mpclmul", f"{V2} PCLMULQDQ"),
    ("crc", "avx", "-march=x86-64-v3 -mpclmul", f"{V3} PCLMULQDQ"),
    ("shards", "v1", "", V1),
    ("shards", "v2", "-march=x86-64-v2", V2),
    ("shards", "v3", "-march=x86-64-v3", V3),
    ("shards", "gfni", "-march=x86-64-v3 -mgfni", f"{V3} GFNI"),
    ("mandelbrot", "x87", "-mfpmath=387 -ffloat-store -DREAL=double", "FPU"),
    ("mandelbrot", "x87long", "-mfpmath=387 -DREAL=extended", "FPU"),
    ("mandelbrot", "v1", "", V1),
    ("mandelbrot", "v3", "-march=x86-64-v3", V3),
    ("numbers", "v1", "", V1),
    ("numbers", "v3", "-march=x86-64-v3", V3),
    ("numbers", "x87", "-mfpmath=387", V1),
    ("matrix", "float", "-O3 -DREAL=float", V1),
    ("matrix", "double", "-O3 -DREAL=double", V1),
    ("matrix", "x87", "-mfpmath=387 -ffloat-store -DREAL=float", V1),
    ("matrix", "long", "-DREAL=extended", V1),
    ("matrix", "floatfma", "-O3 -march=x86-64-v3 -mtune=haswell -ffp-contract=fast -DREAL=float", V3),
    ("matrix", "doublefma", "-O3 -march=x86-64-v3 -mtune=haswell -ffp-contract=fast -DREAL=double", V3),
    ("dct", "v1", "-O3", V1),
    ("dct", "v2", "-O3 -march=x86-64-v2", V2),
    ("dct", "avx2", "-O3 -march=x86-64-v3", V3),
    ("dct", "fma", "-O3 -fno-tree-loop-vectorize -march=x86-64-v3 -mtune=haswell -ffp-contract=fast", V3),
    ("sort", "float", "-DREAL=float", V1),
    ("sort", "double", "-DREAL=double", V1),
    ("sort", "v3", "-march=x86-64-v3 -DREAL=double", V3),
    ("sort", "x87", "-mfpmath=387 -ffloat-store -DREAL=double", V1),
    ("sort", "long", "-DREAL=extended", V1),
    ("strings", "v1", "-O3 -fno-tree-loop-distribute-patterns", V1),
    ("strings", "v2", "-O3 -fno-tree-loop-distribute-patterns -march=x86-64-v2", V2),
    ("strings", "v3", "-O3 -fno-tree-loop-distribute-patterns -march=x86-64-v3", V3),
    ("convert", "v1", "", f"{V1} SSE3"),
    ("convert", "v2", "-march=x86-64-v2", V2),
    ("convert", "v3", "-march=x86-64-v3", V3),
    ("x87", "x87", "-mfpmath=387", V1),
    ("exceptions", "v1", "", V1),
    ("exceptions", "v3", "-march=x86-64-v3", V3),
    ("state", "xsave", "-mgeneral-regs-only", f"{V3} XSAVEOPT XSAVEC"),
    ("mmx", "mmx", "-mno-sse2", V1),
    ("gather", "avx2", "-march=x86-64-v3", V3),
)]
BY_NAME = {program.name: program for program in PROGRAMS}


def tool(*command):
    if shutil.which(command[0]) is None:
        raise Missing(command[0])
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, cwd=SOURCES)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
    print(done.stderr, end="", file=sys.stderr)                 # warnings, which other compilers may have more of


@cache
def common():
    """The object files that all programs have."""
    HOME.mkdir(parents=True, exist_ok=True)
    objects = {name: HOME / f"{name}.o" for name in ("common", "bare", "hosted")}
    for name, target in objects.items():
        if stale(target):
            flags = [flag for flag in BASE if name != "hosted" or flag != "-ffreestanding"]
            compile_into(target, SOURCES / f"{name}.c", flags)
    return objects


def stale(target, source=None):
    """Whether something that it is built from is newer."""
    built = target.stat().st_mtime if target.exists() else 0
    shared = (SOURCES / name for name in ("guest.h", "common.c", "bare.c", "hosted.c", "bare.ld", "start.asm"))
    return any(path.stat().st_mtime >= built for path in (Path(__file__), source or SOURCES / "guest.h", *shared))


def compile_into(target, source, flags):
    with tempfile.TemporaryDirectory(dir=HOME) as directory:
        tool("gcc", *flags, "-c", source, "-o", Path(directory, "o"))
        os.replace(Path(directory, "o"), target)


def build(name):
    """(disk image, program of this host). Raises Missing, or RuntimeError with what the compiler says."""
    program, objects = BY_NAME[name], common()
    image, native = HOME / f"{name}.img", HOME / name
    if not stale(image, SOURCES / f"{program.source}.c"):
        return image, native
    with tempfile.TemporaryDirectory(dir=HOME) as directory:
        made = {part: Path(directory, part) for part in ("o", "elf", "bin", "img", "native")}
        tool("gcc", *BASE, *program.flags.split(), "-c", SOURCES / f"{program.source}.c", "-o", made["o"])
        tool("ld", "-T", SOURCES / "bare.ld", objects["bare"], objects["common"], made["o"], "-o", made["elf"])
        tool("objcopy", "-O", "binary", made["elf"], made["bin"])
        tool("nasm", "-f", "bin", "-w+error", f"-DPROGRAM_IMAGE='{made['bin']}'", "-I", f"{SOURCES.parent}/",
             "-o", made["img"], SOURCES / "start.asm")
        with open(made["img"], "ab") as disk:
            disk.truncate(CYLINDER)
        tool("gcc", "-no-pie", objects["hosted"], objects["common"], made["o"], "-o", made["native"])
        os.replace(made["elf"], HOME / f"{name}.elf")
        os.replace(made["native"], native)
        os.replace(made["img"], image)
    return image, native


def on_this_host(name):
    """What the program prints as a process of this host."""
    done = subprocess.run([build(name)[1]], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    for each in sys.argv[1:] or BY_NAME:
        print(*build(each))
