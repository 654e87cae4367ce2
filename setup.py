"""Builds the Cython core.

Switches, in the environment:
    X86_PLAIN_LOOP=1    no tail calls, bounds checks (see x86/_dispatch.h)
    X86_DEBUG=1         the same, unoptimized and with line numbers for gdb
    X86_ASAN=1          the same, under the address and undefined-behaviour sanitizers
    X86_ANNOTATE=1      Cython's HTML beside every source
    X86_JOBS=n          how many compilers at once
    CC=clang            another compiler
"""
import fcntl
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from x86 import instantiate                                          # noqa: E402  (needs the path above)


def switch(name):
    return os.environ.get(name, "") not in ("", "0")


DEBUG, ASAN = switch("X86_DEBUG"), switch("X86_ASAN")
PLAIN = switch("X86_PLAIN_LOOP") or DEBUG or ASAN
JOBS = int(os.environ.get("X86_JOBS") or os.cpu_count() or 1)
UNROLLED = ("x86.execute._vector_blend", "x86.execute._vector_shuffle")         # loops of four scalars: -O3 leaves no loop
HEADERS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "x86").glob("*.h"))
CORE = sorted(path.stem for path in (ROOT / "x86").glob("_*.pyx"))


def extension(module, source):
    macros = [("CYTHON_INLINE", "inline __attribute__((always_inline))")]
    flags = ["-fno-strict-aliasing", "-fno-stack-protector", "-fcf-protection=none", "-Wno-unused-function",
             "-Wno-sign-compare"]
    link = []
    if PLAIN:
        macros.append(("X86_PLAIN_LOOP", "1"))
    if DEBUG or ASAN:
        flags.append("-g")
    if ASAN:
        link = ["-fsanitize=address,undefined"]
        flags += [*link, "-fno-sanitize=alignment", "-fno-omit-frame-pointer"]     # guests may misalign, as x86 may
    return Extension(module, [source], include_dirs=["x86"], define_macros=macros, extra_link_args=link,
                     extra_compile_args=["-O0" if DEBUG else "-O1" if PLAIN else "-O3" if module in UNROLLED else "-O2", *flags],
                     depends=HEADERS)


os.chdir(ROOT)
Path("build").mkdir(exist_ok=True)
lock = open("build/lock", "w")                                       # noqa: SIM115  (two builds at once would mix)
fcntl.flock(lock, fcntl.LOCK_EX)
families = instantiate.write("x86/execute", checks=PLAIN)
extensions = [extension(f"x86.{name}", f"x86/{name}.pyx") for name in CORE]
extensions += [extension(f"x86.execute._{family}", f"x86/execute/_{family}.pyx") for family in families]
directives = {"language_level": 3, "boundscheck": PLAIN, "wraparound": False, "cdivision": True,
              "initializedcheck": False, "embedsignature": True}
setup(ext_modules=cythonize(extensions, compiler_directives=directives, nthreads=JOBS,
                            annotate=switch("X86_ANNOTATE"), show_all_warnings=False),
      options={"build_ext": {"parallel": JOBS}})
