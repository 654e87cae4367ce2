"""The UEFI example of boot/examples/uefi: that it is what its sources say, that its parts are right, and what its run shows."""
from __future__ import annotations

import ctypes
import re
import shutil
import subprocess

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

@pytest.mark.parametrize("program", build.PROGRAMS)
def test_the_program_is_what_its_sources_say(program):
    need("gcc", "ld")
    other = build.other_compiler()
    if other:
        pytest.skip(f"needs the compiler that it was made with, {other}")
    assert build.compile_program(program) == (build.HERE / program).read_bytes()


@pytest.mark.parametrize("program", build.PROGRAMS)
def test_building_twice_makes_the_same_bytes(program):
    need("gcc", "ld")
    assert build.compile_program(program) == build.compile_program(program)


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
