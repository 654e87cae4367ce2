"""Other people's kernels, unmodified, started directly, each to the text by which it shows that it lives; see
tests/kernel_payloads.py."""
from __future__ import annotations

import json
import re

import pytest
from efi_payloads import COMMAND_LINE

import boot
from x86.faults import ImageError
from x86.machine import Machine

MOST = 800_000_000                      # ticks within which each of them is done by far
SHELL = "BUSYBOX-SHELL-OK 42"


def start(x86, kernel, *arguments, most=MOST):
    """The JSON of a run that has to end with status 0."""
    done = x86("run", "--kernel", kernel, *arguments, "--json", "--max-instructions", most, timeout=900)
    found = json.loads(done.out) if done.out else {}
    assert done.status == 0, (found.get("screen", "") + "\n" + found.get("serial", "") + "\n" + done.err)[-3000:]
    return found


def test_linux_boots_to_a_shell(x86, payload):
    """Its own 16-bit code asks the BIOS; the memory map it prints is the BIOS's; typing works, and so does switching off."""
    line = COMMAND_LINE.replace(" quiet", "")
    found = start(x86, payload("vmlinuz"), "--initrd", payload("initrd.cpio"), "--append", line, "-m", "128M",
                  "--expect", SHELL, "--send", r"busybox poweroff -f\n")
    log = found["serial"]
    assert found["stop"] == "poweroff" and f"Command line: {line}" in log
    for words in (r"BIOS-e820: \[mem 0x0000000000000000-0x000000000009fbff\] usable",
                  r"BIOS-e820: \[mem 0x0000000000100000-0x0000000007ffcfff\] usable", "ACPI: RSDP 0x00000000000FA000",
                  r"RAMDISK: \[mem 0x07\w{6}-0x07ffcfff\]", "Console: colour VGA. 80x25"):
        assert re.search(words, log), words


@pytest.mark.deep
@pytest.mark.parametrize("entry", ["32", "64"])
def test_linux_boots_by_its_other_entries(x86, payload, entry):
    start(x86, payload("vmlinuz"), "--initrd", payload("initrd.cpio"), "--append", COMMAND_LINE, "-m", "128M", "--entry", entry,
          "--until", SHELL)


@pytest.mark.deep
@pytest.mark.parametrize("protocol", ["pvh", "elf"])
def test_the_unpacked_kernel_boots(x86, payload, protocol):
    start(x86, payload("vmlinux"), "--initrd", payload("initrd.cpio"), "--append", COMMAND_LINE, "-m", "128M",
          "--protocol", protocol, "--until", SHELL)


@pytest.mark.deep
@pytest.mark.parametrize("memory", ["80M", "1G", "4G", "6G"])
def test_linux_boots_with_little_and_with_much_memory(x86, payload, memory):
    start(x86, payload("vmlinuz"), "--initrd", payload("initrd.cpio"), "--append", COMMAND_LINE, "-m", memory, "--until", SHELL)


def test_too_little_memory_is_said_before_anything_runs(payload):
    with pytest.raises(ImageError, match=r"the kernel needs \d\d MB of memory, the machine has 32 MB: -m \d\dM or more$"):
        boot.kernel(Machine("32M"), payload("vmlinuz"))


@pytest.mark.deep
def test_the_distribution_kernel_unpacks_itself(x86, payload):
    """Four and a half billion instructions of XZ."""
    start(x86, payload("vmlinuz-amd64"), "--append", "console=ttyS0 earlyprintk=serial nokaslr", "-m", "128M",
          "--until", r"Linux version 6\.\S+-amd64", most=6_000_000_000)


@pytest.mark.deep
def test_memdisk_makes_a_drive_of_its_initrd(x86, payload):
    found = start(x86, payload("memdisk"), "--initrd", payload("syslinux-floppy.img"), "--until", "^boot:")
    assert "Disk is fd0, 1440 K, C/H/S = 80/2/18" in found["screen"] and "SYSLINUX-CFG-READ-OK" in found["screen"]


@pytest.mark.deep
@pytest.mark.parametrize("entry", ["16", "32", "64"])
def test_memtest_starts_by_each_entry(x86, payload, entry):
    start(x86, payload("memtest.bin"), "--entry", entry, "--until", r"Memtest86\+ v6")


@pytest.mark.deep
def test_ipxe_takes_commands(x86, payload):
    start(x86, payload("ipxe.lkrn"), "--expect", "Press Ctrl-B", "--keys", "<ctrl-b>", "--until", "^iPXE>")
