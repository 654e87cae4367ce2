"""Other people's boot loaders, unmodified, each to the text by which it shows that it lives (tests/payloads.py)."""
from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from command import ROOT

MOST = 600_000_000                      # ticks within which each of them is done by far


def boot(x86, *arguments):
    """The JSON of a run that has to end with status 0."""
    done = x86("run", *arguments, "--json", "--max-instructions", MOST, timeout=400)
    found = json.loads(done.out) if done.out else {}
    assert done.status == 0, (found.get("screen", "") + "\n" + found.get("serial", "") + "\n" + done.err)[-3000:]
    return found


@pytest.mark.parametrize("image, marker", [
    ("handoff.img", "Press any key"),
    ("mbr-nopart.img", "Missing operating system"),
    ("grub-legacy.img", "^grub>"),
    ("syslinux-floppy.img", "^boot:"),
    ("syslinux-disk.img", "Automatic boot in"),
])
def test_loader_shows_its_marker(x86, payload, image, marker):
    found = boot(x86, payload(image), "--until", marker)
    assert found["stop"] == "until"


def test_registers_at_the_hand_over(x86, payload):
    """handoff.img prints what it was entered with: DL is the diskette, ES:DI points to $PnP in the BIOS."""
    screen = boot(x86, payload("handoff.img"), "--until", "Press any key")["screen"]
    assert re.search(r"^DL: 00 ", screen, re.MULTILINE), screen
    assert re.search(r"^\$PnP-F000:", screen, re.MULTILINE), screen


def test_syslinux_reads_its_configuration(x86, payload):
    found = boot(x86, payload("syslinux-floppy.img"), "--until", "^boot:")
    assert "SYSLINUX-CFG-READ-OK" in found["screen"]
    assert "hello from hello.txt on FAT" in found["screen"]


def test_grub_legacy_takes_commands(x86, payload):
    found = boot(x86, payload("grub-legacy.img"), "--expect", "grub>", "--keys", r"geometry (fd0)\n", "--until", "drive 0x0")
    assert "C/H/S = 80/2/18" in found["screen"]


def test_syslinux_answers_on_the_serial_port(x86, payload):
    found = boot(x86, payload("syslinux-floppy.img"), "--expect", "boot:", "--send", r"nothing\r", "--until",
                 "(?i)could not find kernel|no such|not find")
    assert "nothing" in found["serial"]


def test_grub_boots_its_menu(x86, payload):
    """GRUB 2 from the reset vector through LZMA, FAT and its menu to the commands of the first entry, and off."""
    found = boot(x86, payload("grub-disk.img"), "-m", "64M")
    serial = found["serial"]
    for word in ("GRUB-CFG-READ-OK", "HELLO-FROM-GRUB", "hello from hello.txt on FAT"):
        assert word in serial
    assert re.search(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \w+day", serial), "date"
    assert re.search(r"00:00\.0 8086:1237", serial), "lspci"
    assert re.search(r"base_addr = 0x0, length = 0x9fc00, available RAM", serial), "lsmmap"
    assert re.search(r"base_addr = 0x100000, length = 0x3\w{6}, available RAM", serial), "lsmmap"


def test_linux_finds_its_devices_by_acpi_and_switches_off_by_it(x86, payload):
    """No pci=, no noacpi: what ACPICA thinks of the tables, which links and devices it finds, and S5."""
    done = x86("run", payload("linux-disk.img"), "-m", "256M", "--json", "--max-instructions", 2 * MOST, "--expect",
               "BUSYBOX-SHELL-OK 42", "--send", r"busybox poweroff -f\n", timeout=400)
    found = json.loads(done.out)
    log = found["serial"]
    assert found["stop"] == "poweroff" and "Preparing to enter system sleep state S5" in log, log[-3000:]
    for words in (r"RSDP 0x00000000000FA000 000024 \(v02 X86 ", "SMBIOS 3.0.0 present", r"mem 0x000000000fffd000.*ACPI data",
                  "1 ACPI AML tables successfully acquired and loaded", "Interpreter enabled", r"\(supports S0 S5\)",
                  r"PCI Root Bridge \[PCI0\]", "Interrupt link LNKD configured for IRQ 11", "PnP ACPI: found 5 devices",
                  r"PNP: PS/2 Controller \[PNP0303:PS2K,PNP0f13:PS2M\] at 0x60,0x64 irq 1,12",
                  "00:03: ttyS0 at I/O 0x3f8", "rtc_cmos 00:00: registered as rtc0"):
        assert re.search(words, log), words
    assert not re.search(r"ACPI (BIOS )?(Error|Warning|Exception)|Firmware Bug|DMI not present|nobody cared", log)


def invaders(found):
    return any("-*--" in line for line in found["screen"].splitlines())


def test_a_multiboot_kernel_starts_directly(x86, payload):
    assert invaders(boot(x86, "--kernel", payload("invaders.exec"), r"--until=-\*--"))


def test_grub_starts_a_multiboot_kernel(x86, payload):
    """The second entry of GRUB's menu, chosen on the keyboard."""
    found = boot(x86, payload("grub-disk.img"), "--expect", "hello[^$]*invaders", "--keys", r"<down>\n",
                 r"--until=-\*--")
    assert invaders(found)


DISK_QUIRKS = ("clobber-esdi-08", "clobber-41", "clobber-42", "max-127", "dma-64k", "int13-needs-irq")
MAP_QUIRKS = ("e820-unsorted", "e820-overlapping", "e820-20-bytes", "e820-clobbers", "no-ebda")
ENTRY_QUIRKS = ("cs-07c0", "random-registers")


def quirky(*names):
    return [word for name in names for word in ("--bios-quirk", name)]


def test_syslinux_bears_a_bad_bios(x86, payload):
    boot(x86, payload("syslinux-floppy.img"), "--until", "^boot:",
         *quirky(*DISK_QUIRKS, *MAP_QUIRKS, *ENTRY_QUIRKS, "a20-no-int15", "a20-no-8042", "clobber-int16"))


@pytest.mark.deep
def test_grub_bears_a_bad_bios(x86, payload):
    """To its first menu entry. GRUB 2 also expects that DL is wrong and that its sector was written into."""
    boot(x86, payload("grub-disk.img"), "--until", "HELLO-FROM-GRUB",
         *quirky(*DISK_QUIRKS, *MAP_QUIRKS, *ENTRY_QUIRKS, "wrong-dl", "bpb-write", "clobber-bp-08", "int15-enables-if",
                 "a20-no-int15", "a20-no-port-92"))


SAME = """
import sys
import boot
from x86 import Machine

machine = Machine("32M", fill="random:11")
boot.bios(machine, floppy=sys.argv[1])
machine.run(max_instructions=3_000_000)
middle = machine.snapshot()
for _ in range(2):
    machine.run(max_instructions=3_000_000)
    print(machine.snapshot().digest())
    machine.restore(middle)
"""


def test_the_same_boot_is_the_same_to_the_last_bit(payload):
    """A hash over everything: memory, registers, devices, clock. In another process, and from a snapshot in the middle."""
    digests = []
    for seed in "12":
        done = subprocess.run([sys.executable, "-c", SAME, payload("syslinux-floppy.img")], capture_output=True, text=True,
                              timeout=120, env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        digests += done.stdout.split()
    assert len(digests) == 4 and len(set(digests)) == 1
