"""The UEFI example of boot/examples/uefi: that it is what its sources say, that its parts are right, and what its run shows."""
from __future__ import annotations

import ctypes
import re
import shutil
import struct
import subprocess
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.examples import build

HOME = build.HERE / "uefi"
ESP = HOME / "esp"
HEADERS = sorted(path.name for path in HOME.glob("*.h"))


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")


# ---- sources ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def built():
    """{program: its bytes, built anew}"""
    need("gcc", "ld")
    return {program: build.compile_program(program) for program in build.PROGRAMS}


@pytest.mark.parametrize("program", build.PROGRAMS)
def test_the_program_is_what_its_sources_say(program, built):
    made_with = build.compiler((build.HERE / build.MADE_WITH).read_bytes())
    if made_with != build.compiler(built[build.MADE_WITH]):
        pytest.skip(f"needs the compiler that it was made with, {made_with}")
    assert built[program] == (build.HERE / program).read_bytes()


@pytest.mark.parametrize("program", build.PROGRAMS)
def test_building_twice_makes_the_same_bytes(program, built):
    assert build.compile_program(program) == built[program]


def test_a_compiler_that_complains_is_heard(monkeypatch):
    need("gcc")
    monkeypatch.setitem(build.PROGRAMS, "wrong", ("uefi/loader/main.c", "-DKERNEL_NAME", ""))
    with pytest.raises(build.BuildError, match="loader/main.c.*KERNEL_NAME"):
        build.compile_program("wrong")


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_header_stands_alone_and_its_layouts_are_the_specification_s(compiler, header):
    need(compiler)
    flags = "-std=gnu11 -ffreestanding -Wall -Wextra -Werror -fsyntax-only -x c -".split()
    done = subprocess.run([compiler, *flags], input=f'#include "{HOME / header}"\nint x;\n', capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_guids_are_all_different():
    text = re.sub(r"/\*.*?\*/", "", "".join((HOME / header).read_text() for header in HEADERS), flags=re.DOTALL)
    guids = re.findall(r"EFI_GUID_OF\((0x[^)]*)\)", text)
    assert len(guids) > 40 and len(set(guids)) == len(guids)


# ---- format ----------------------------------------------------------------------------------------------------------

SHIM = """
#include "%s"
static char *end;
static void put(char character) { *end++ = character; }
void print(char *to, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    end = to;
    format(put, text, arguments);
    *end = 0;
    va_end(arguments);
}
"""


@pytest.fixture(scope="module")
def print_(tmp_path_factory):
    """print_(format, *arguments): what common/format.c makes of it, run on the host."""
    need("gcc")
    library = tmp_path_factory.mktemp("format") / "format.so"
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-x", "c", "-", "-o", library],
                   input=SHIM % (HOME / "common" / "format.c"), text=True, check=True)
    function = ctypes.CDLL(str(library)).print

    def call(text, *arguments):
        buffer = ctypes.create_string_buffer(4096)
        function(buffer, text.encode(), *arguments)
        return buffer.value.decode()
    return call


NUMBERS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 20), st.just(2**64 - 1))


@given(number=NUMBERS, flag=st.sampled_from(["", "0", "-"]), width=st.integers(0, 30), kind=st.sampled_from("ux"))
def test_numbers_are_printed_as_python_prints_them(print_, number, flag, width, kind):
    directive = "%" + flag + (str(width) if width else "")
    expected = (directive + {"u": "d", "x": "X"}[kind]) % number
    assert print_(f"<{directive}l{kind}>", ctypes.c_uint64(number)) == f"<{expected}>"
    short = number & 0xFFFFFFFF
    assert print_(f"<{directive}{kind}>", ctypes.c_uint32(short)) == f"<{(directive + {'u': 'd', 'x': 'X'}[kind]) % short}>"


@given(text=st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=40), left=st.booleans(),
       width=st.integers(0, 50))
def test_strings_are_padded(print_, text, left, width):
    directive = ("-" if left else "") + (str(width) if width else "")
    assert print_(f"%{directive}s|", text.encode()) == f"%{directive}s|" % text
    assert print_("100%%, %c%c", ord("o"), ord("k")) == "100%, ok"
    assert print_("ends with %") == "ends with "


# ---- kernels that are none -------------------------------------------------------------------------------------------

CHECK = r"""
#include "%s"
#include <stdio.h>
#include <stdlib.h>
EFI_HANDLE Image;
EFI_SYSTEM_TABLE *ST;
EFI_BOOT_SERVICES *BS;
void print(const char *text, ...) {}
EFI_STATUS failed(EFI_STATUS status, const char *hint, const char *what, ...) { puts(hint); return status; }
EFI_STATUS memory_map_allocate(MemoryMap *map) { return EFI_OUT_OF_RESOURCES; }
void memory_print_owner(const MemoryMap *map, EFI_PHYSICAL_ADDRESS start, EFI_PHYSICAL_ADDRESS end) {}
static EFI_STATUS EFIAPI none(EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE of, UINTN pages, EFI_PHYSICAL_ADDRESS *at)
{
    return EFI_NOT_FOUND;
}
int main(int count, char **names)
{
    static EFI_BOOT_SERVICES services = {.AllocatePages = none};
    BS = &services;
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        char *whole = malloc(1 << 20), *exact;
        size_t size = fread(whole, 1, 1 << 20, file);
        exact = memcpy(malloc(size), whole, size);
        Kernel kernel;
        kernel_load(exact, size, &kernel);
        free(exact), free(whole), fclose(file);
    }
}
"""
NO_ELF = "It is no ELF file: it does not begin with 7Fh E L F."
OTHER_PROCESSOR = "It is for another processor: compile it with gcc -m64 on x86."
CUT = "was it cut short?"
NO_ENTRY = "Its entry is in no executable segment: does the linker script say ENTRY(...)?"
ACCEPTED = "Link the kernel to where memory is EfiConventionalMemory, or make it relocatable."      # no AllocatePages here


@pytest.fixture(scope="module")
def hints(tmp_path_factory):
    """hints([bytes]): what the loader says about each as a kernel, its reads checked by the address sanitizer."""
    need("gcc")
    home = tmp_path_factory.mktemp("kernels")
    flags = "-std=gnu11 -O1 -w -ffreestanding -fsanitize=address,undefined -fno-sanitize=alignment".split()
    done = subprocess.run(["gcc", *flags, "-x", "c", "-", "-o", home / "check"], text=True, capture_output=True,
                          input=CHECK % (HOME / "loader" / "kernel.c"))
    if "asan" in done.stderr:
        pytest.skip("needs libasan")
    assert done.returncode == 0, done.stderr

    def ask(kernels):
        paths = [home / str(index) for index in range(len(kernels))]
        for path, data in zip(paths, kernels):
            path.write_bytes(data)
        done = subprocess.run([home / "check", *paths], text=True, capture_output=True, env={"ASAN_OPTIONS": "detect_leaks=0"})
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout.splitlines()
    return ask


def kernel(*changes, size=None):
    """kernel.elf with (offset, struct format, value) changed, cut to `size`."""
    data = bytearray((ESP / "EFI/BOOT/kernel.elf").read_bytes())
    for offset, kind, value in changes:
        struct.pack_into("<" + kind, data, offset, value)
    return bytes(data[:size])


SEGMENT = 64                                            # the first program header; the second one is 56 bytes behind it


@pytest.mark.parametrize("changes, size, hint", [
    ([], None, ACCEPTED),
    ([], 0, NO_ELF),
    ([], 63, NO_ELF),
    ([(1, "B", 0)], None, NO_ELF),
    ([(4, "B", 1)], None, OTHER_PROCESSOR),
    ([(18, "H", 183)], None, OTHER_PROCESSOR),
    ([(16, "H", 3)], None, "It is position-independent and would need relocation: link it with -no-pie."),
    ([(16, "H", 1)], None, "It is no executable: link it, an object file has no addresses yet."),
    ([], 100, CUT),
    ([(32, "Q", 2**64 - 8)], None, CUT),
    ([(56, "H", 65535)], None, CUT),
    ([(SEGMENT + 8, "Q", 2**64 - 1)], None, CUT),
    ([(SEGMENT + 32, "Q", 1 << 40), (SEGMENT + 40, "Q", 1 << 40)], None, CUT),
    ([(SEGMENT + 32, "Q", 2**64 - 1)], None, CUT),
    ([(SEGMENT + 40, "Q", 65 << 20)], None, "is a section linked far from the others?"),
    ([(SEGMENT + 56 + 24, "Q", 2**64 - 16)], None, "is a section linked far from the others?"),
    ([(SEGMENT + 24, "Q", 1 << 30)], None, "Its segments are more than 64 MB apart."),
    ([(SEGMENT, "I", 4), (SEGMENT + 56, "I", 4)], None, "It has no PT_LOAD segment: nothing to load."),
    ([(24, "Q", 0x102000)], None, NO_ENTRY),
    ([(SEGMENT + 4, "I", 4)], None, NO_ENTRY),
], ids=lambda value: str(value)[:40])
def test_what_is_wrong_with_a_kernel_is_said(hints, changes, size, hint):
    said, = hints([kernel(*changes, size=size)])
    assert said.endswith(hint)


def test_no_kernel_makes_the_loader_read_outside_of_the_file(hints):
    random = Random(1)
    numbers = [0, 1, 4, 63, 64, 4096, 1 << 20, 1 << 31, 1 << 32, 1 << 63, 2**64 - 1, 2**64 - 64, 2**64 - 4096]
    kernels = []
    for _ in range(400):
        changes = [(random.randrange(24, SEGMENT + 2 * 56 - 8), "Q", random.choice(numbers)) for _ in range(random.randint(1, 3))]
        kernels.append(kernel(*changes, size=random.choice([None, None, 64, 176, 4096, 9000])))
    said = hints(kernels)
    assert len(said) == len(kernels) and len(set(said)) > 5
