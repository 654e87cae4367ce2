"""EDK2, asked: what it loads is loaded, to the same bytes of memory, and what it refuses is refused.

edk2.expected is what OVMF under QEMU answered (`python tests/boot/edk2.py`). Where OVMF is installed, the deep test asks again.
"""
from __future__ import annotations

from zlib import crc32

import edk2
import pytest

from boot.loaders import pe as loader
from uefi import build, ovmf
from x86.faults import ImageError

# The machine of the run was too small to tell (256 MB).
NO_ANSWER = {"SizeOfImage 4 GB", "SizeOfImage a byte over the limit", "sections over one another, 2 GiB"}

# name: why it is otherwise here
DIFFERENT = {
    "i386": "EDK2 loads it, and StartImage returns UNSUPPORTED: here the first says so",
    "i386, as it really is": "the same",
    "EBC": "EDK2 has an interpreter of EFI byte code",
    "UEFI ROM": "13 was the runtime driver of Itanium's SAL; UEFI 2.10 section 2.1.1 has 10, 11 and 12",
    "entry point at the end": "EDK2 makes it address 0, and StartImage jumps there",
    "entry point far away": "the same",
    "4 GB of relocations": "EDK2 takes a directory whose end does not fit 32 bits for none, and does not relocate the image",
    "relocations that wrap": "the same",
    "five directories, without relocations": "EDK2 looks for the sixth behind the fifth, where the first section header is",
}

CASES = edk2.cases()


def test_every_case_was_asked():
    assert list(edk2.expected()) == list(CASES)
    assert {name for name, line in edk2.expected().items() if line in ("OUT_OF_RESOURCES", "NOT_FOUND")} == NO_ANSWER


@pytest.mark.parametrize("name", CASES)
def test_edk2_says_the_same(name):
    status, *loaded = edk2.expected()[name].split()
    try:
        image = loader.read(CASES[name])
        base, size, crc = (int(number, 16) for number in loaded or ("200000", "0", "0"))
        memory = image.load(base)
    except ImageError:
        same = status != "SUCCESS"
    else:
        same = status == "SUCCESS"
        if same:
            parts = edk2.ranges(CASES[name])
            assert image.size == size
            assert crc32(b"".join(memory[rva:rva + size] for rva, size in parts)) == crc
    if name not in NO_ANSWER:
        assert same == (name not in DIFFERENT)


@pytest.mark.deep
def test_ovmf_still_says_so():
    if ovmf.missing():
        pytest.skip(f"needs {ovmf.missing()}")
    try:
        said = edk2.ask()
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    then, now = edk2.expected(), dict(line.rsplit(": ", 1) for line in said.splitlines())
    assert {name: line.split()[0] for name, line in now.items()} == {name: line.split()[0] for name, line in then.items()}
