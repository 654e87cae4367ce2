"""Other people's UEFI applications, unmodified, each to the text by which it shows that it lives (tests/efi_payloads.py)."""
from __future__ import annotations

import json
import re
import shutil

import pytest
from efi_payloads import COMMAND_LINE

MOST = 1_500_000_000                    # ticks within which each of them is done by far


@pytest.fixture
def boot(x86, payload, tmp_path):
    """boot("esp-hello", arguments): the JSON of a run from a copy of that directory, which has to end with status 0."""
    def run(name, *arguments, status=0):
        esp = tmp_path / name
        if not esp.exists():
            shutil.copytree(payload(name), esp)
        done = x86("run", "--uefi", "--esp", esp, *arguments, "--json", "--max-instructions", MOST, timeout=600)
        found = json.loads(done.out) if done.out else {}
        assert done.status == status, (found.get("screen", "") + "\n" + found.get("serial", "") + "\n" + done.err)[-3000:]
        return found
    return run


def test_a_message_waits_for_a_key_and_returns(boot):
    found = boot("esp-hello", "--expect", "OK", "--keys", r"\n")
    assert found["stop"] == "returned"


def test_a_menu_lists_the_files_of_its_volume(boot):
    found = boot("esp-hashtool", "--expect", "Enroll Hash", "--keys", r"\n", "--until", r"BOOTX64\.EFI")
    assert "../" in found["screen"]


def test_fwupd_finds_no_updates(boot):
    boot("esp-fwupd", "--until", "No updates")


@pytest.mark.parametrize("keys", [("--keys", r"\n"), ("--send", r"\r"), ()], ids=["keyboard", "serial", "by itself"])
def test_systemd_boot_starts_its_entry(boot, keys):
    """Its menu, then the chosen entry, by a key or when its time is over."""
    boot("esp-systemd-boot", "--expect", "ENTRY-ONE", *keys, "--until", "prove you have managed")


def test_grub_runs_its_menu_and_switches_off(boot):
    serial = boot("esp-grub")["serial"]
    assert "HELLO-FROM-GRUB" in serial
    assert re.search(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \w+day", serial), "date"
    assert "simple text output" in serial, "lsefi"


def test_grub_reads_the_volume_by_its_own_driver(boot):
    found = boot("esp-grub", "--expect", "hello", "--keys", "c", "--expect", "grub>",
                 "--keys", r"cat (hd0,gpt1)/hello.txt\n", "--until", "hello from hello.txt on FAT")
    assert "grub>" in found["screen"]


def test_refind_shows_its_menu(boot):
    boot("esp-refind", "--until", "Automatic boot in")


def test_syslinux_reads_its_configuration(boot):
    boot("esp-syslinux", "--until", "SYSLINUX-CFG-READ-OK")


def test_the_shell_lists_maps_and_handles(boot):
    found = boot("esp-shell", "--expect", "seconds to skip", "--keys", "<esc>", "--expect", "Shell>",
                 "--keys", r"ls fs0:\n", "--expect", r"<DIR>.*EFI", "--keys", r"memmap\n", "--expect", "Total Memory",
                 "--keys", r"dh\n", "--until", r"SimpleFileSystem|SimpleTextOut")
    assert "UEFI Interactive Shell" in found["serial"]
    assert "Mapping table" in found["serial"]


SHELL = "BUSYBOX-SHELL-OK 42"


def test_systemd_boot_starts_linux(boot):
    boot("esp-systemd-boot-linux", "--until", SHELL)


def test_linux_starts_as_an_application(boot):
    options = rf"initrd=\initrd {COMMAND_LINE}".replace(" quiet", "")
    found = boot("esp-linux-stub", "--load-options", options, "--until", SHELL)
    assert "EFI stub: Loaded initrd" in found["serial"]
    for line in ("efi: EFI v2.", "ACPI: RSDP", "SMBIOS 3", "efifb: framebuffer at", "Freeing EFI boot services memory",
                 "Registered efivars operations"):
        assert line in found["serial"]
