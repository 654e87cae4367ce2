"""The UEFI example of boot/examples/uefi: that it is what its sources say, that its parts are right, and what its run shows."""
from __future__ import annotations

import ctypes
import pickle
import re
import shutil
import struct
import subprocess
import time
import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boot
from boot.examples import build
from uefi import ovmf
from x86.devices import vga_picture
from x86.machine import Machine

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
NO_ENTRY = "Its entry is in no executable segment: has the linker script an ENTRY(...)?"
ACCEPTED = "Link the kernel to where there is EfiConventionalMemory."      # no AllocatePages here


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


# ---- the run ---------------------------------------------------------------------------------------------------------

LIMIT = 400_000_000                     # the loader waits three seconds after a failure, which are 150 million


def run(esp=ESP, memory="256M"):
    """(machine, stop, what came out of COM1 without its escape sequences) of a machine with the UEFI and that volume."""
    machine = Machine(memory)
    boot.uefi(machine, esp=esp)
    stop = machine.run(max_instructions=LIMIT)
    return machine, stop, plain(machine.serial.text)


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


@pytest.fixture(scope="module")
def example():
    return run()


def ranges(said):
    """[(first byte, last byte, kind)] of the memory map that the kernel wrote."""
    return [(int(first, 16), int(last, 16), kind)
            for first, last, kind in re.findall(r"^  ([0-9A-F]{16}) - ([0-9A-F]{16})  ([A-Za-z]{3,}.*)$", said, re.MULTILINE)]


def test_the_kernel_is_reached_and_switches_off(example):
    machine, stop, said = example
    assert stop.kind == "poweroff", said
    assert machine.cpu.mode == "long" and 0x100000 <= machine.cpu.rip < 0x101000
    loader, kernel = said.split("Hello from a kernel\n")
    assert "A UEFI loader, from the firmware to a kernel of its own" in loader
    assert "48 bytes apart (sizeof says 40)" in loader
    assert re.search(r"EfiConventionalMemory +\d+ +\d+ KB", loader)
    assert "0000000000100000 - " in loader and "r-x\n" in loader and "rw-\n" in loader
    assert kernel.endswith("BSS is zero.\nSwitching off.\n")
    assert "Frame buffer: 800 x 600, blue first" in kernel
    assert re.search(r"^ACPI:.* FACP", kernel, re.MULTILINE)


def test_the_memory_map_is_in_order_and_whole(example):
    machine, _, said = example
    found = ranges(said)
    assert all(first <= last and first % 4096 == 0 and last % 4096 == 4095 for first, last, _ in found)
    assert all(one[1] < next[0] for one, next in zip(found, found[1:]))
    assert any(first == 0x100000 and last >= 0x102000 and kind == "loader and kernel" for first, last, kind in found)
    free = sum(last + 1 - first for first, last, kind in found if kind == "free")
    assert machine.memory.size * 9 // 10 < free < machine.memory.size
    assert f"{free // 1024:10} KB  free" in said
    assert {"runtime services", "ACPI"} <= {kind for _, _, kind in found}


@pytest.mark.parametrize("memory", ["64M", "3G"])
def test_other_sizes_of_memory(memory):
    machine, stop, said = run(memory=memory)
    assert stop.kind == "poweroff", said
    assert sum(last + 1 - first for first, last, kind in ranges(said) if kind == "free") > machine.memory.size * 3 // 4


def test_a_run_repeats_to_the_bit_and_continues_from_a_snapshot(example):
    whole, _, _ = example
    machine = Machine("256M")
    boot.uefi(machine, esp=ESP)
    machine.run(max_instructions=whole.time // 2)
    half = pickle.loads(pickle.dumps(machine.snapshot()))
    for _ in range(2):
        assert machine.run(max_instructions=LIMIT).kind == "poweroff"
        assert machine.time == whole.time and machine.serial.text == whole.serial.text
        assert picture(machine) == picture(whole)
        machine.restore(half)


# ---- the picture -----------------------------------------------------------------------------------------------------

PANEL = 300                             # the first column that depends on what the firmware told


def picture(machine):
    """(width, height, rows of red, green, blue bytes)"""
    width, height, palette, rows = vga_picture.picture(machine.screen)
    assert palette is None
    return width, height, rows


def test_the_picture(example):
    machine, _, _ = example
    width, height, rows = picture(machine)
    assert (width, height) == (800, 600)

    def dot(x, y):
        return tuple(rows[y][3 * x:3 * x + 3])
    assert dot(0, 0) == (0x08, 0x10, 0x30)                                  # the top of the sky
    red, green, blue = dot(10, 395)
    assert red > 0xE0 and green > 0x90 and blue < 0x70                      # and its foot
    colours = {dot(x, 300) for x in range(40, 225)}
    assert any(red > 2 * green for red, green, _ in colours) and any(min(colour) > 0xA0 for colour in colours)     # the ball
    text = sum(dot(x, y) == (255, 255, 255) for y in range(50, 90) for x in range(PANEL, 760))
    assert text > 500                                                       # the title
    assert {(0x60, 0xC8, 0x60), (0xF0, 0xD0, 0x40)} <= {dot(x, 204) for x in range(PANEL, 760)}     # the memory as a bar


def test_the_picture_in_the_readme_is_of_this_run(example):
    data = (HOME / "screen.png").read_bytes()
    assert struct.unpack_from(">IIBB", data, 16) == (800, 600, 8, 2)         # 8 bits each of red, green, blue
    body, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    dots = zlib.decompress(body)
    pitch = 1 + 3 * 800                                                     # a row begins with its filter, 0
    for y, row in enumerate(picture(example[0])[2]):
        assert dots[y * pitch:y * pitch + 1 + 3 * PANEL] == b"\0" + row[:3 * PANEL], f"row {y}"


@pytest.mark.deep
def test_ovmf_shows_the_same(example, tmp_path):
    if ovmf.missing():
        pytest.skip(f"needs {ovmf.missing()}")
    said, (width, height, rows) = under_ovmf(tmp_path)
    machine, _, here = example
    kernel = said.split("Hello from a kernel\n")[1]
    assert kernel.endswith("Switching off.\n") and "BSS is zero." in kernel
    assert any(first == 0x100000 and kind == "loader and kernel" for first, _, kind in ranges(kernel))

    def words(text):
        return {re.sub(r"[0-9A-F]+", "#", line).strip() for line in text.split("Hello from a kernel\n")[1].splitlines()
                if not line.startswith("ACPI:")}
    assert words(here) <= words(said)
    assert (width, height) == (800, 600)
    assert [row[:3 * PANEL] for row in rows] == [row[:3 * PANEL] for row in picture(machine)[2]]


def under_ovmf(place):
    """(what came out of COM1, the picture) of the example on OVMF under QEMU."""
    shutil.copy(ovmf.firmware() / ovmf.VARS, place / "vars.fd")
    shutil.copytree(ESP, place / "esp")
    serial, shot = place / "serial", place / "shot.ppm"
    serial.touch()
    drive = "if=pflash,format=raw,unit={},file={}"
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none", "-display", "none", "-monitor", "stdio",
               "-no-reboot", "-no-shutdown", "-serial", f"file:{serial}", "-snapshot",
               "-drive", drive.format(0, ovmf.firmware() / ovmf.CODE) + ",readonly=on",
               "-drive", drive.format(1, place / "vars.fd"), "-drive", f"format=raw,file=fat:{place / 'esp'}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as qemu:
        for _ in range(300):
            time.sleep(0.2)
            if b"Switching off." in serial.read_bytes():
                break
        time.sleep(1)
        qemu.communicate(f"screendump {shot}\nquit\n", timeout=20)
    magic, size, most, dots = shot.read_bytes().split(b"\n", 3)
    assert (magic, most) == (b"P6", b"255")
    width, height = map(int, size.split())
    rows = [dots[3 * width * row:3 * width * (row + 1)] for row in range(height)]
    return plain(serial.read_text("ascii", "replace")), (width, height, rows)


# ---- when something is not there -------------------------------------------------------------------------------------

def volume(place, **files):
    """An EFI system partition with the example's loader and {name: bytes} beside it."""
    directory = place / "EFI/BOOT"
    directory.mkdir(parents=True)
    shutil.copy(ESP / "EFI/BOOT/BOOTX64.EFI", directory)
    for name, data in files.items():
        (directory / name.replace("_", ".")).write_bytes(data)
    return place


@pytest.mark.parametrize("files, message", [
    ({}, "Cannot open \\EFI\\BOOT\\kernel.elf: EFI_NOT_FOUND\n"
         "  Is the kernel on the same volume as the loader, beside BOOTX64.EFI?"),
    ({"kernel_elf": b"text\n"}, f"Cannot load the kernel, 5 bytes: EFI_UNSUPPORTED\n  {NO_ELF}"),
    ({"kernel_elf": b""}, f"Cannot load the kernel, 0 bytes: EFI_UNSUPPORTED\n  {NO_ELF}"),
], ids=["no kernel", "a text", "empty"])
def test_the_loader_says_what_is_missing(tmp_path, files, message):
    _, stop, said = run(volume(tmp_path, **files))
    assert message in said
    assert (stop.kind, stop.code) == ("returned", 1)


def test_the_loader_says_who_has_the_memory(tmp_path):
    """A kernel linked to where the firmware lives: just below the end of memory."""
    top = 256 << 20
    moved = [(SEGMENT + 56 * index + 24, "Q", top - 0x20000 + 0x2000 * index) for index in (0, 1)]
    _, stop, said = run(volume(tmp_path, kernel_elf=kernel(*moved)))
    assert re.search(r"The memory at [0-9A-F]{16} is Efi\w+\.", said)
    assert re.search(r"Cannot have [0-9A-F]{16} - [0-9A-F]{16} for the kernel: EFI_NOT_FOUND", said)
    assert stop.kind == "returned"


def test_the_smallest_application_is_built_as_its_first_lines_say(tmp_path):
    need("gcc", "ld")
    shutil.copytree(HOME, tmp_path / "uefi")
    commands = re.findall(r"^ \*     (.*)", (HOME / "hello.c").read_text(), re.MULTILINE)
    assert len(commands) == 3 and commands[2] == "x86 run --uefi hello.efi"
    for command in commands[:2]:
        subprocess.run(command.split(), cwd=tmp_path / "uefi", check=True)
    machine = Machine("64M")
    boot.uefi(machine, application=tmp_path / "uefi/hello.efi")
    stop = machine.run(max_instructions=LIMIT)
    assert (stop.kind, stop.code) == ("returned", 0)
    assert plain(machine.serial.text).endswith("Hello from UEFI.\n")


# ---- mistakes that people make with it -------------------------------------------------------------------------------

@pytest.fixture
def variant(tmp_path, monkeypatch):
    """variant(source, old, new): the volume of the example built with that change."""
    need("gcc", "ld")

    def make(source, old, new):
        shutil.copytree(HOME, tmp_path / "uefi", ignore=shutil.ignore_patterns("esp"))
        text = (tmp_path / "uefi" / source).read_text()
        assert text.count(old) == 1
        (tmp_path / "uefi" / source).write_text(text.replace(old, new))
        with monkeypatch.context() as patch:
            patch.setattr(build, "HERE", tmp_path)
            files = {Path(program).name: build.compile_program(program) for program in build.PROGRAMS}
        directory = tmp_path / "esp/EFI/BOOT"
        directory.mkdir(parents=True)
        for name, data in files.items():
            (directory / name).write_bytes(data)
        return tmp_path / "esp"
    return make


def test_a_key_that_went_stale_is_mended(variant):
    esp = variant("loader/main.c", "        status = BS->ExitBootServices(Image, map->key);\n",
                  "        EFI_PHYSICAL_ADDRESS page;\n"
                  "        if (attempt == 0)\n"
                  "            BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &page);\n"
                  "        status = BS->ExitBootServices(Image, map->key);\n")
    _, stop, said = run(esp)
    assert stop.kind == "poweroff" and said.endswith("Switching off.\n")


def test_a_key_that_stays_stale_ends_the_machine(variant):
    esp = variant("loader/main.c", "BS->ExitBootServices(Image, map->key)", "BS->ExitBootServices(Image, map->key + 1)")
    _, stop, said = run(esp)
    assert stop.kind == "poweroff" and "Hello" not in said


def test_a_kernel_called_with_the_firmware_s_convention_says_so(variant):
    esp = variant("loader/main.c", "typedef void (__attribute__((sysv_abi)) *KernelEntry)", "typedef void (EFIAPI *KernelEntry)")
    _, stop, said = run(esp)
    assert said.endswith("RDI does not point to a BootInfo. Was the kernel called with the System V convention?\n")
    assert stop.kind == "hang"


def test_a_bss_that_is_not_cleared_is_seen(variant):
    esp = variant("loader/kernel.c", "memset(target + part->p_filesz, 0,", "memset(target + part->p_filesz, 0xCC,")
    _, _, said = run(esp)
    assert "BSS IS NOT ZERO.\n" in said
