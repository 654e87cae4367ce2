"""Programs that die under the UEFI, and what is said of them."""
from __future__ import annotations

import boot
import pytest
from uefi.caller import pe

from x86 import Machine
from x86.debug.explain import explain

BOOT_SERVICES = "48 8b 42 60"           # mov rax, [rdx + 60h]


@pytest.fixture
def die(tmp_path):
    """die(code): the machine, its firmware, and the words for how it ended."""
    def run(code, **options):
        path = tmp_path / "dies.efi"
        path.write_bytes(pe(bytes.fromhex(code)))
        machine = Machine("64M")
        firmware = boot.uefi(machine, application=path, **options)
        stop = machine.run(20_000_000)
        return stop, firmware, " ".join(explain(machine, stop).split())
    return run


def test_a_null_pointer_is_called(die):
    stop, _, words = die("31 c0 ff d0")                         # xor eax, eax; call rax
    assert stop.kind == "exception" and stop.code == 14
    assert "A null pointer was called" in words


def test_a_write_to_a_section_that_is_read_only(die):
    """The test's section is writable: the headers are not. The image's base lies 1000h below the code."""
    code = "48 8d 05 f9 ef ff ff c6 00 01"                      # lea rax, [rip - 1007h]; mov byte [rax], 1
    stop, _, words = die(code, protect_images="always")
    assert stop.kind == "exception"
    assert "is not writable" in words and "dies.efi" in words


def test_nothing_is_mapped_there(die):
    stop, _, words = die("48 b8 00 00 00 00 00 10 00 00 88 00")
    assert stop.message.startswith("#PF (page fault) in dies.efi .text+Ah")
    assert "Nothing is mapped at 100000000000h" in words


def test_a_service_after_the_firmware_is_gone(die):
    """GetMemoryMap into the stack, ExitBootServices with the key, then Stall."""
    code = ("53 56 57 48 81 ec 00 20 00 00 48 89 cb 48 8b 72 60"                # rbx = image, rsi = boot services
            "48 c7 44 24 40 00 18 00 00 48 8d 4c 24 40 48 8d 94 24 00 01 00 00"     # size 1800h, map
            "4c 8d 44 24 48 4c 8d 4c 24 50 48 8d 44 24 58 48 89 44 24 20 ff 56 38"  # key, descriptor size, version
            "48 89 d9 48 8b 54 24 48 ff 96 e8 00 00 00 31 c9 ff 96 f8 00 00 00")
    stop, _, words = die(code)
    assert stop.kind == "firmware"
    assert "Stall was called after ExitBootServices, from dies.efi" in words
    assert "ExitBootServices(dies.efi, " in words
    assert "Stall(0) ..., from dies.efi" in words, "the call that it died of is the last"


def test_a_misaligned_stack_is_told(die):
    stop, firmware, _ = die(f"{BOOT_SERVICES} 31 c9 48 83 ec 20 ff 90 f8 00 00 00 48 83 c4 20 31 c0 c3")
    assert stop.kind == "returned" and stop.code == 0
    told, = firmware.complaints
    assert "Stall was called with a misaligned stack" in told and "from dies.efi .text+" in told


def test_a_pointer_to_nowhere_given_to_a_service(die):
    """GetMemoryMap(size = 2^46)."""
    stop, _, words = die(f"{BOOT_SERVICES} 48 b9 00 00 00 00 00 40 00 00 48 83 ec 28 ff 50 38")
    assert stop.kind == "firmware"
    assert "400000000000h, where no memory is" in words


def test_an_error_that_is_returned(die):
    stop, _, words = die("48 b8 0e 00 00 00 00 00 00 80 c3")
    assert (stop.kind, stop.code) == ("returned", 1)
    assert "dies.efi returned NOT_FOUND" in words
