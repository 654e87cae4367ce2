"""Other people's kernels, unmodified, started directly, each to the text by which it shows that it lives; see
tests/kernel_payloads.py."""
from __future__ import annotations

import hashlib
import json
import re

import pytest
from efi_payloads import COMMAND_LINE

import boot
from x86.faults import ImageError
from x86.machine import Machine

MOST = 800_000_000                      # ticks within which each of them is done by far
SHELL = "BUSYBOX-SHELL-OK 42"
SUM = hashlib.sha256("".join(f"{number}\n" for number in range(1, 2001)).encode()).hexdigest()


def start(x86, kernel, *arguments, most=MOST):
    """The JSON of a run that has to end with status 0."""
    done = x86("run", "--kernel", kernel, *arguments, "--json", "--max-instructions", most, timeout=900)
    found = json.loads(done.out) if done.out else {}
    assert done.status == 0, (found.get("screen", "") + "\n" + found.get("serial", "") + "\n" + done.err)[-3000:]
    return found


def session(x86, *arguments):
    """Somebody sits at the shell: looks round, has something worked out, and switches off."""
    steps = []
    for command, answer in (("ls /", "bin"), ("cat /proc/cpuinfo", "address sizes"), ("seq 1 2000 | sha256sum", SUM)):
        steps += ["--send", rf"busybox {command.replace('| ', '| busybox ')}\n", "--expect", answer, "--expect", "emu# "]
    done = x86("run", *arguments, "--expect", "emu# ", *steps, "--send", r"busybox poweroff -f\n", "--json",
               "--max-instructions", 2 * MOST, timeout=900)
    found = json.loads(done.out)
    assert (done.status, found["stop"]) == (0, "poweroff"), found["serial"][-3000:] + done.err
    return found["serial"]


def test_linux_boots_to_a_shell_and_goes_on_in_another_process(x86, payload, tmp_path):
    """Its own 16-bit code asks the BIOS, and the memory map it prints is the BIOS's. At the shell the machine is kept in a
    file; from that another process goes on, types commands, and switches off."""
    line, kept = COMMAND_LINE.replace(" quiet", ""), tmp_path / "shell"
    log = start(x86, payload("vmlinuz"), "--initrd", payload("initrd.cpio"), "--append", line, "-m", "128M",
                "--until", SHELL, "--save", kept)["serial"]
    assert f"Command line: {line}" in log
    for words in (r"BIOS-e820: \[mem 0x0000000000000000-0x000000000009fbff\] usable",
                  r"BIOS-e820: \[mem 0x0000000000100000-0x0000000007ffcfff\] usable", "ACPI: RSDP 0x00000000000FA000",
                  r"RAMDISK: \[mem 0x07\w{6}-0x07ffcfff\]", "Console: colour VGA. 80x25"):
        assert re.search(words, log), words
    log = session(x86, "--restore", kept)
    assert re.search(r"^bin +dev +init +proc +(root +)?sys", log, re.MULTILINE)
    assert "model name\t: x86 threaded-code interpreter" in log


@pytest.mark.deep
def test_linux_with_all_that_it_does_by_itself(x86, payload):
    """No command line but the console: KASLR, mitigations, self-tests of its ciphers; nothing in the log says that it hurt."""
    log = session(x86, "--kernel", payload("vmlinuz"), "--initrd", payload("initrd.cpio"), "--append", "console=ttyS0",
                  "-m", "128M")
    assert "alg: self-tests for CTR-KDF (hmac(sha256)) passed" in log
    assert not re.search(r"BUG|WARNING|[Pp]anic|Call Trace|failed to|self-tests? .*failed", log), log


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
