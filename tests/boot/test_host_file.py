"""Files without an end, of terabytes, and that are no files: one line that says so, at once, whatever they are given as."""
from __future__ import annotations

import os
import threading

import pytest

from boot.host_file import read_whole
from x86.cli import USAGE, main
from x86.faults import ImageError

KERNEL = bytes(0x1FE) + b"\x55\xaa\xeb\x66HdrS\x0c\x02" + bytes(0x400)

READ_WHOLE = ["--kernel FILE", "--uefi --nvram FILE", "--kernel kernel --initrd FILE", "--kernel kernel --module FILE"]
DISKS = ["FILE", "--floppy FILE", "--drive FILE", "--cdrom FILE", "--uefi FILE", "--uefi --drive FILE"]


def complaint(capsys, arguments, file) -> str:
    """The one line that `x86 run ARGUMENTS` says of a file."""
    assert main(["run", *arguments.replace("FILE", str(file)).split()]) == USAGE
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and str(file) in err
    return err


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernel").write_bytes(KERNEL)
    return tmp_path


@pytest.mark.parametrize("arguments", READ_WHOLE)
def test_a_sparse_file_of_a_terabyte_is_not_read(capsys, here, arguments):
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)
    assert "larger than" in complaint(capsys, arguments, "sparse")


@pytest.mark.parametrize("arguments", READ_WHOLE + DISKS)
def test_a_device_without_an_end(capsys, here, arguments):
    assert "device" in complaint(capsys, arguments, "/dev/zero") or "nvram" in arguments


@pytest.mark.parametrize("arguments", DISKS + ["--uefi --nvram FILE"])
def test_nobody_waits_for_a_pipe_that_can_be_no_disk(capsys, here, arguments):
    os.mkfifo("pipe")
    assert "pipe" in complaint(capsys, arguments, "pipe").removeprefix("x86 run: pipe:") or "nvram" in arguments


def test_a_pipe_is_read_to_its_end(here):
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: (here / "pipe").write_bytes(b"a kernel"))
    writer.start()
    assert read_whole("pipe") == b"a kernel"
    writer.join()


@pytest.mark.parametrize("size", [9, 10, 11])
def test_the_limit_is_the_last_size_that_is_read(here, size):
    (here / "file").write_bytes(bytes(size))
    if size <= 10:
        assert read_whole("file", 10) == bytes(size)
    else:
        with pytest.raises(ImageError, match="file: larger than"):
            read_whole("file", 10)


def test_disasm_reads_no_more_than_it_shows(capsys, here):
    with open("sparse", "wb") as file:
        file.write(b"\x90")
        file.truncate(1 << 40)
    assert main(["disasm", "sparse", "--length", "1"]) == 0 and "nop" in capsys.readouterr().out
    assert main(["disasm", "sparse", "--length", "-1"]) == USAGE and "--length -1" in capsys.readouterr().err
