"""What is started, in which order, with which options, and what is said when nothing is."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uefi.caller import pe

import boot
from boot.disk import Disk
from boot.fat import format_volume
from boot.fat.volume import Volume
from boot.uefi import device_path, events, load_option
from boot.uefi.definitions import TPL_CALLBACK
from boot.uefi.device_path import BY_NAME, append, file_path, join
from boot.uefi.load_option import ACTIVE, BadOption, LoadOption
from boot.uefi.variables import GLOBAL
from x86 import Machine

FALLBACK = "EFI/BOOT/BOOTX64.EFI"
COM1 = b"\x66\xBA\xF8\x03"                                # mov dx, 3F8h
LASTING = 7


def says(letter: str, status: int = 0) -> bytes:
    """An application that writes a letter to COM1 and returns a status."""
    return pe(COM1 + b"\xB0" + letter.encode() + b"\xEE" + b"\x48\xB8" + status.to_bytes(8, "little") + b"\xC3")


def tells_load_options() -> bytes:
    """An application that writes its LoadOptions to COM1, byte by byte, found through EFI_LOADED_IMAGE_PROTOCOL."""
    guid = bytes.fromhex("a1311b5b6295d2118e3f00a0c969723b")
    code = (b"\x53\x48\x83\xEC\x30"                       # push rbx; sub rsp, 30h
            b"\x48\x8B\x5A\x60"                           # mov rbx, [rdx + 60h]       BootServices
            b"\x48\x8D\x15\x23\x00\x00\x00"               # lea rdx, [rel guid]
            b"\x4C\x8D\x44\x24\x28"                       # lea r8, [rsp + 28h]
            b"\xFF\x93\x98\x00\x00\x00"                   # call [rbx + 98h]           HandleProtocol
            b"\x48\x8B\x44\x24\x28"                       # mov rax, [rsp + 28h]
            b"\x8B\x48\x30\x48\x8B\x70\x38"               # mov ecx, [rax + 30h]; mov rsi, [rax + 38h]
            + COM1 + b"\xF3\x6E"                          # rep outsb
            b"\x31\xC0\x48\x83\xC4\x30\x5B\xC3")          # xor eax, eax; add rsp, 30h; pop rbx; ret
    return pe(code[:12] + (len(code) - 16).to_bytes(4, "little") + code[16:] + guid)


def volume(files: dict[str, bytes], name="disk", size=4 << 20) -> Disk:
    """A disk that is one FAT volume, with these files."""
    disk = Disk(bytes(size), "write", name=name)
    format_volume(disk)
    root = Volume(disk).root
    for path, data in files.items():
        *directories, last = path.split("/")
        home = root
        for part in directories:
            names = [node.name for node in home.entries()]
            home = home.lookup(part) if part in names else home.create(part, True)
        home.create(last).write(0, data)
    return disk


def booted(*disks, variables=(), memory="64M", **options):
    """(Stop, what came out of COM1, the firmware) of a run. variables: name -> data."""
    machine = Machine(memory=memory)
    uefi = boot.uefi(machine, drives=disks, **options)
    for name, data in dict(variables).items():
        uefi.variables.provide(name, data, LASTING)
    stop = machine.run(50_000_000)
    return stop, machine.serial.text, uefi


def order(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


def option(path: bytes, data: bytes = b"", attributes: int = ACTIVE, name: str = "an option") -> bytes:
    return LoadOption(attributes, name, path, data).pack()


def on_any(name: str) -> bytes:
    """The short path of a file on any volume."""
    return join([file_path(name)])


# ---- the order -------------------------------------------------------------------------------------------------------

def test_each_volume_has_its_turn():
    stop, said, _ = booted(volume({FALLBACK: says("A")}), volume({}), volume({FALLBACK: says("B", 0x800000000000000E)}))
    assert said.endswith("AB")
    assert (stop.kind, stop.code, stop.message) == ("returned", 1, "BOOTX64.EFI returned NOT_FOUND")


def test_success_of_the_last_is_success():
    stop, said, _ = booted(volume({FALLBACK: says("A", 0x8000000000000001)}), volume({FALLBACK: says("B")}))
    assert said.endswith("AB") and (stop.kind, stop.code) == ("returned", 0)


def test_boot_next_then_the_order_then_the_volumes():
    files = {f"{letter}.efi": says(letter) for letter in "XYZ"} | {FALLBACK: says("A")}
    variables = {"BootOrder": order(2, 5, 1), "BootNext": order(7), "Boot0001": option(on_any("\\X.efi")),
                 "Boot0002": option(on_any("\\Y.efi")), "Boot0007": option(on_any("\\Z.efi"), attributes=0),
                 "Boot0005": option(on_any("\\X.efi"), attributes=0)}
    stop, said, uefi = booted(volume(files), variables=variables)
    assert said.endswith("ZYXA"), "Boot0005 is not active; BootNext counts all the same"
    assert ("BootNext", GLOBAL) not in uefi.variables.values
    assert ("BootCurrent", GLOBAL) not in uefi.variables.values, "nothing runs any more"


def test_what_was_started_as_an_option_is_not_started_again():
    _, said, _ = booted(volume({FALLBACK: says("A")}), variables={"BootOrder": order(0),
                                                                    "Boot0000": option(on_any("\\EFI\\BOOT\\BOOTX64.EFI"))})
    assert said.endswith("A") and not said.endswith("AA")


def test_an_application_is_all_that_is_started(tmp_path):
    path = tmp_path / "mine.efi"
    path.write_bytes(says("M"))
    stop, said, uefi = booted(volume({FALLBACK: says("A")}), application=path)
    assert said.endswith("M") and stop.message == "mine.efi returned SUCCESS"


def pauses() -> bytes:
    """An application that stops the machine, and returns when it goes on."""
    return pe(b"\xE6\xF4\x31\xC0\xC3")                      # out 0F4h, al; xor eax, eax; ret


def test_a_snapshot_knows_what_is_still_to_be_booted():
    machine = Machine(memory="64M")
    boot.uefi(machine, drives=[volume({FALLBACK: pauses()}), volume({FALLBACK: says("B")}), volume({FALLBACK: says("C", 1)})])
    assert machine.run(50_000_000).kind == "debug-exit"
    middle = machine.snapshot()
    first = machine.run(50_000_000), machine.snapshot().digest()
    machine.restore(middle)
    assert (machine.run(50_000_000), machine.snapshot().digest()) == first
    assert machine.serial.text.endswith("BC") and first[0].message == "BOOTX64.EFI returned WARN_UNKNOWN_GLYPH"


def test_ready_to_boot_is_signaled_before_each():
    machine = Machine(memory="64M")
    uefi = boot.uefi(machine, drives=[volume({FALLBACK: pauses()}), volume({FALLBACK: says("B")}), volume({FALLBACK: says("C")})])
    assert machine.run(50_000_000).kind == "debug-exit"
    code = COM1 + b"\xB0R\xEE\xC3"
    function = uefi.allocate_pool(len(code))
    uefi.write(function, code)
    events.create(uefi, events.NOTIFY_SIGNAL, TPL_CALLBACK, function, group=events.READY_TO_BOOT)
    assert machine.run(50_000_000).kind == "returned"
    assert machine.serial.text.endswith("RBRC")


def test_an_option_has_its_own_data_and_others_get_the_users():
    found = {"BootOrder": order(1, 2, 3), "Boot0001": option(on_any("\\T.efi"), b"own"),
             "Boot0002": option(on_any("\\t.EFI"), b"other"), "Boot0003": option(on_any("\\T.efi"))}
    _, said, _ = booted(volume({"T.efi": tells_load_options()}), variables=found, load_options="said")
    assert said.endswith("own" + "other" + "s\0a\0i\0d\0\0\0")


# ---- where paths lead ------------------------------------------------------------------------------------------------

@pytest.fixture
def partitioned(tmp_path):
    """A directory as a disk with one EFI system partition."""
    home = tmp_path / "esp"
    (home / "EFI/BOOT").mkdir(parents=True)
    (home / FALLBACK).write_bytes(says("F"))
    (home / "other.efi").write_bytes(says("O"))
    return home


def hard_drive(uefi):
    """(the device path of the partition of the first disk, its HD() node)."""
    path = next(medium.path for medium in uefi.disks if medium.is_esp)
    return path, device_path.parse(path)[-1]


@pytest.mark.parametrize("short, what", [
    (lambda whole, node: append(whole, file_path("\\other.efi")), "OF"),
    (lambda whole, node: join([node.bytes, file_path("\\other.efi")]), "OF"),
    (lambda whole, node: join([node.bytes, file_path("\\"), file_path("other.efi")]), "OF"),
    (lambda whole, node: on_any("\\other.efi"), "OF"),
    (lambda whole, node: whole, "F"),
    (lambda whole, node: join([node.bytes]), "F"),
    (lambda whole, node: append(join(each.bytes for each in device_path.parse(whole)[:-1])), "F"),
], ids=["whole", "from the partition", "of two names", "any volume", "a partition", "a partition's node", "a disk"])
def test_paths_of_options(partitioned, short, what):
    """Each path, then the fallback, unless that was it."""
    machine = Machine(memory="64M")
    uefi = boot.uefi(machine, esp=partitioned)
    machine.run(50_000_000)
    path = short(*hard_drive(uefi))
    _, said, _ = booted(esp=partitioned, variables={"BootOrder": order(0), "Boot0000": option(path)})
    assert said.endswith(what) and said.count("F") == 1


def test_a_path_to_another_disk_leads_nowhere(partitioned):
    node = BY_NAME["HD"].build(Partition=1, Start=0x800, Size=1, Signature=bytes(range(16)), Format=2, SignatureType=2)
    (partitioned / FALLBACK).unlink()
    stop, _, _ = booted(esp=partitioned, variables={"BootOrder": order(0), "Boot0000": option(join([node]))})
    assert stop.kind == "no-boot"
    assert "Boot0000 (an option): nothing here is HD(1,GPT,03020100-0504-0706-0809-0A0B0C0D0E0F,0x800,0x1)" in stop.message


# ---- nothing to boot -------------------------------------------------------------------------------------------------

def test_all_that_was_tried_is_told():
    disks = [Disk(bytes(1 << 20), name="zeros"), volume({}, "empty"), volume({FALLBACK: b"MZ"}, "broken"),
             volume({FALLBACK + "/x": b""}, "odd")]
    variables = {"BootOrder": order(0, 1, 2, 3), "Boot0001": b"\1", "Boot0002": option(on_any("\\no.efi"), name="lost"),
                 "Boot0003": option(on_any("\\no.efi"), attributes=0)}
    stop, _, _ = booted(*disks, variables=variables)
    assert stop.kind == "no-boot"
    first, *lines = stop.message.split("; ")
    assert first == "nothing to boot: Boot0000: there is no such variable"
    assert lines[0].startswith("Boot0001: no EFI_LOAD_OPTION: ")
    assert lines[1] == "Boot0003 (an option): not active"
    assert lines[2].startswith("zeros: no FAT volume")
    assert lines[3:6] == ["Boot0002 (lost): no \\no.efi"] * 3, "on each of three volumes"
    assert lines[6] == "empty: no \\EFI\\BOOT\\BOOTX64.EFI"
    assert lines[7].startswith("broken: BOOTX64.EFI: ")
    assert lines[8] == "odd: \\EFI\\BOOT\\BOOTX64.EFI is a directory"


def test_without_a_disk():
    stop, _, _ = booted()
    assert (stop.kind, stop.message) == ("no-boot", "nothing to boot: there is no disk")


def test_an_image_that_is_too_large():
    stop, _, _ = booted(volume({FALLBACK: bytes(40 << 20)}, size=48 << 20), memory="32M")
    assert stop.message == r"nothing to boot: disk: \EFI\BOOT\BOOTX64.EFI has 41943040 bytes, for which there is no memory"


# ---- EFI_LOAD_OPTION -------------------------------------------------------------------------------------------------

@given(st.builds(LoadOption, st.integers(0, 0xFFFFFFFF), st.text(st.characters(exclude_characters="\0"), max_size=20),
                 st.lists(st.text(max_size=9).map(lambda text: file_path(text.replace("\0", ""))), max_size=3).map(join),
                 st.binary(max_size=20)))
def test_load_options_are_what_was_packed(found):
    assert load_option.unpack(found.pack()) == found


@given(st.binary(max_size=80))
def test_bytes_are_a_load_option_or_are_refused(data):
    try:
        found = load_option.unpack(data)
    except BadOption:
        return
    load_option.expand(found.path, [])
    load_option.words(found.path)
