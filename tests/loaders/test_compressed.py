"""Kernels and modules that are compressed by gzip, whole, damaged, and far too large."""
from __future__ import annotations

import gzip
import time
import tracemalloc

import pytest
from hypothesis import given, strategies as st

import boot
from boot.loaders import compressed
from executables import MB, Segment, elf, multiboot_header
from x86.faults import ImageError
from x86.machine import Machine

TEXT = b"a kernel of some kind " * 40
PACKED = gzip.compress(TEXT, mtime=0)
KERNEL = elf([Segment(MB, b"\xf4" * 16)], MB, lead=multiboot_header(3))


@pytest.mark.parametrize("data, unpacked", [
    (b"", b""), (TEXT, TEXT), (PACKED, TEXT), (PACKED + PACKED, TEXT * 2), (PACKED + bytes(3) + PACKED, TEXT * 2),
    (PACKED + bytes(100), TEXT), (PACKED + b"signature", TEXT), (b"\x1f\x8b\x07", b"\x1f\x8b\x07"),
])
def test_what_is_packed_is_unpacked_and_all_else_is_left_alone(data, unpacked):
    assert compressed.unpack(data, "k") == unpacked


def test_many_members_take_no_more_time_than_one():
    """100,000 of them in 2 MB: each used to cost a copy of all that follow it."""
    began = time.process_time()
    assert compressed.unpack(gzip.compress(b"", mtime=0) * 100_000 + PACKED, "k") == TEXT
    assert time.process_time() - began < 5


def test_a_file_that_is_cut_off_or_damaged():
    with pytest.raises(ImageError, match=r"^k: a gzip file that is cut off: \d+ bytes can be unpacked$"):
        compressed.unpack(PACKED[:-12], "k")
    damaged = bytearray(PACKED)
    damaged[-6] ^= 1                        # the checksum
    with pytest.raises(ImageError, match="^k: damaged gzip file: "):
        compressed.unpack(bytes(damaged), "k")


def test_a_file_that_becomes_too_large_takes_no_memory(monkeypatch):
    monkeypatch.setattr(compressed, "LARGEST", 2 << 20)
    bomb = gzip.compress(bytes(16 << 20), 9, mtime=0)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="^k: a gzip file that becomes larger than 2 MB$"):
            compressed.unpack(bomb, "k")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(PACKED)))
def test_damage_is_an_error_in_one_line(changes, cut):
    data = bytearray(PACKED)
    for at, value in changes:
        data[at] = value
    try:
        compressed.unpack(bytes(data[:cut]), "k")
    except ImageError as error:
        assert "\n" not in str(error)


def test_kernel_and_module_are_unpacked_on_the_way(tmp_path):
    kernel, module = tmp_path / "kernel.gz", tmp_path / "module.gz"
    kernel.write_bytes(gzip.compress(KERNEL, mtime=0))
    module.write_bytes(PACKED)
    machine = Machine("8M")
    boot.kernel(machine, kernel, modules=[module])
    assert machine.cpu.eax == 0x2BADB002 and machine.cpu.rip == MB
    modules = machine.memory.read_u32(machine.cpu.ebx + 24)
    start, end = machine.memory.read_u32(modules), machine.memory.read_u32(modules + 4)
    assert machine.memory.read(start, end - start) == TEXT
