"""`x86 run --uefi` and boot.uefi: what can be given, how a run ends, and what is said about mistakes."""
from __future__ import annotations

import json
import struct

import pytest
from uefi.caller import pe
from uefi.test_boot_manager import FALLBACK, on_any, option, order, says

import boot
from boot.uefi.variables import GLOBAL
from x86 import Machine
from x86.cli import main, options as machine_options, parser
from x86.faults import ImageError, MachineError


@pytest.fixture
def esp(tmp_path):
    home = tmp_path / "esp"
    (home / "EFI/BOOT").mkdir(parents=True)
    (home / FALLBACK).write_bytes(says("A"))
    (home / "other.efi").write_bytes(says("O", 0x8000000000000001))
    return home


def nvram(path, **variables):
    entries = [{"name": name, "guid": str(GLOBAL), "attributes": 7, "data": data.hex()} for name, data in variables.items()]
    path.write_text(json.dumps({"format": "x86 UEFI variables", "version": 1, "variables": entries}))
    return path


# ---- how it ends -----------------------------------------------------------------------------------------------------

def test_a_directory(x86, esp):
    done = x86("run", "--uefi", "--esp", esp, "--json")
    found = json.loads(done.out)
    assert done.status == 0 and (found["stop"], found["code"]) == ("returned", 0)
    assert found["serial"].endswith("A")
    assert x86("run", "--uefi", esp, "--json").out.count('"returned"') == 1, "a directory as IMAGE"


def test_an_application(x86, esp):
    done = x86("run", "--uefi", esp / "other.efi", "--quiet")
    assert done.status == 1
    assert "other.efi returned LOAD_ERROR" in done.err


def test_an_application_and_a_directory(x86, esp):
    done = x86("run", "--uefi", esp / "other.efi", "--esp", esp, "--quiet")
    assert done.status == 1 and "other.efi returned LOAD_ERROR" in done.err and "BOOTX64.EFI" not in done.err


def test_variables_say_what_is_booted(x86, esp, tmp_path):
    file = nvram(tmp_path / "nvram", BootOrder=order(0), Boot0000=option(on_any("\\other.efi")), BootNext=order(1),
                 Boot0001=option(on_any("\\EFI\\BOOT\\BOOTX64.EFI")))
    before = file.read_text()
    done = x86("run", "--esp", esp, "--nvram", file, "--json")
    assert json.loads(done.out)["serial"].endswith("AO"), "BootNext, BootOrder; the fallback was BootNext"
    assert "BootNext" in before and "BootNext" not in file.read_text() and "BootOrder" in file.read_text()
    done = x86("run", "--esp", esp, "--nvram", file, "--json")
    assert json.loads(done.out)["serial"].endswith("OA")


def test_the_memory_is_256_mb(x86, esp):
    assert machine_options.UEFI_MEMORY == "256M"
    done = x86("run", "--uefi", "--esp", esp, "-m", "16M")
    assert done.status == 2 and done.err == "x86 run: a UEFI firmware needs 32 MB of memory, and the machine has 16 MB\n"


@pytest.mark.parametrize("flags, directory, image", [
    ((), "write", "overlay"), (("--write",), "write", "write"), (("--read-only",), "readonly", "readonly"),
    (("--forget",), "overlay", "overlay")])
def test_what_becomes_of_what_is_written(esp, tmp_path, flags, directory, image):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    options = parser().parse_args(["run", "--esp", str(esp), "--drive", str(tmp_path / "disk"), *flags])
    _, drives = machine_options.build(options)
    assert [drive.mode for drive in drives] == [directory, image]


# ---- mistakes --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, words", [
    (("--esp", "nowhere"), "nowhere: no such directory"),
    (("--esp", "esp/other.efi"), "esp/other.efi: not a directory"),
    (("--uefi", "nowhere.img"), "nowhere.img: no such file"),
    (("--uefi", "text.efi"), "text.efi: "),
    (("--uefi", "empty"), "empty: the file is empty"),
    (("--uefi", "esp", "--esp", "esp"), "esp and --esp esp: there can be one"),
    (("--uefi", "--floppy", "empty"), "--floppy has no meaning under UEFI"),
    (("--uefi", "--append", "x"), "--append has no meaning under UEFI: --load-options gives text to the application"),
    (("--uefi", "--cdrom", "nowhere"), "nowhere: no such file"),
    (("esp/other.efi",), "esp/other.efi: a PE file, which a BIOS cannot boot; with --uefi it is booted by a UEFI"),
    (("esp",), "esp: a directory, which a BIOS cannot boot; with --uefi it is booted by a UEFI"),
    (("--cdrom", "empty"), "empty: the file is empty"),
    (("--kernel", "empty", "--uefi"), "--kernel is started directly, so --uefi would not be seen by anybody"),
    (("--kernel", "empty", "--load-options", "x"), "so --load-options would not be seen by anybody"),
    (("--esp", "esp", "--nvram", "text.efi"), "text.efi: not a file of UEFI variables: "),
    (("--esp", "esp", "--nvram", "esp"), "esp: cannot be read: "),
])
def test_one_line_says_what_is_wrong(esp, tmp_path, arguments, words, monkeypatch, capsys):
    (tmp_path / "text.efi").write_bytes(b"MZ is how it begins")
    (tmp_path / "empty").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("x86 run: ") and words in said


def test_nothing_bootable_is_one_line(x86, tmp_path):
    (tmp_path / "esp").mkdir()
    done = x86("run", "--uefi", "--esp", tmp_path / "esp", "--quiet")
    assert done.status == 2
    assert done.err == f"x86 run: nothing to boot: {tmp_path}/esp, partition 1: no \\EFI\\BOOT\\BOOTX64.EFI\n"


def test_errors_of_the_function(esp, tmp_path):
    for options, words in (({"application": esp}, "a directory; as an EFI system partition it is booted with --esp"),
                           ({"application": tmp_path / "no.efi"}, "no such file"), ({"disk": esp}, "is a directory"),
                           ({"drives": [b"short"]}, "less than one sector")):
        with pytest.raises(ImageError, match=words):
            boot.uefi(Machine("64M"), **options)
    with pytest.raises(MachineError, match="needs 32 MB"):
        boot.uefi(Machine("16M"), esp=esp)
    with pytest.raises(ValueError, match="protect_images is 'sometimes'"):
        boot.uefi(Machine("64M"), esp=esp, protect_images="sometimes")
    with pytest.raises(ValueError, match="mode is 'wrong'"):
        boot.uefi(Machine("64M"), esp=esp, mode="wrong")


def test_a_pe_file_of_another_machine(tmp_path):
    """The machine field says i386."""
    data = bytearray(pe())
    struct.pack_into("<H", data, struct.unpack_from("<I", data, 0x3C)[0] + 4, 0x14C)
    path = tmp_path / "ia32.efi"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"ia32\.efi: .*i386"):
        boot.uefi(Machine("64M"), application=path)
