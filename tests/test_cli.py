"""The command `x86` from outside: statuses, one-line errors, typing and waiting, what is shown."""
from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import time
import zlib

import pytest
from command import ROOT

# ---- guests of a few bytes, 16-bit code at 7C00h ------------------------------------------------------------------

EXIT = bytes.fromhex("B0 05 E6 F4 F4")                          # mov al, 5; out 0F4h, al; hlt
LOOP = bytes.fromhex("EB FE")                                   # jmp $
HANG = bytes.fromhex("FA F4")                                   # cli; hlt
SHUTDOWN = bytes.fromhex("31 C0 8E D8 0F 01 1E 0E 7C CC 00 00 00 00 00 00 00 00 00 00")   # lidt [7C0Eh] (zeros); int3
RESET = bytes.fromhex("B0 FE E6 64 F4")                         # mov al, 0FEh; out 64h, al; hlt
POWEROFF = bytes.fromhex("BA 04 06 B8 00 20 EF F4")             # mov dx, 604h; mov ax, 2000h; out dx, ax; hlt
#   again: mov dx, 3FDh; in al, dx; test al, 1; jz again; mov dx, 3F8h; in al, dx; out dx, al; cmp al, 'q'; jne again
#   xor al, al; out 0F4h, al
ECHO_SERIAL = bytes.fromhex("BA FD 03 EC A8 01 74 F8 BA F8 03 EC EE 3C 71 75 EF 30 C0 E6 F4 F4")
#   again: xor ah, ah; int 16h; mov ah, 0Eh; mov bx, 7; int 10h; cmp al, 'q'; jne again; xor al, al; out 0F4h, al
ECHO_KEYS = bytes.fromhex("30 E4 CD 16 B4 0E BB 07 00 CD 10 3C 71 75 F1 30 C0 E6 F4 F4")


def say(text):
    """Code that writes `text` to COM1 and to the screen by INT 10h."""
    code = b""
    for letter in text.encode():
        code += bytes((0xBA, 0xF8, 0x03, 0xB0, letter, 0xEE, 0xB4, 0x0E, 0xBB, 7, 0, 0xCD, 0x10))
    return code


def sector(code):
    """A boot sector with this code in it."""
    assert len(code) <= 510
    return code.ljust(510, b"\0") + b"\x55\xaa"


@pytest.fixture
def guest(tmp_path):
    """guest(code): the path of an image of one boot sector."""
    def make(code, name="guest.img"):
        path = tmp_path / name
        path.write_bytes(sector(code))
        return path
    return make


# ---- how it ends ----------------------------------------------------------------------------------------------------

def test_debug_exit_is_16_and_the_code(x86, guest):
    assert x86("run", guest(EXIT)).status == 16 + 5


def test_power_off_is_0(x86, guest):
    done = x86("run", guest(POWEROFF), "--max-instructions", 50_000_000)
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize("code, words", [(HANG, "interrupts"), (SHUTDOWN, "#GP")], ids=["hang", "shutdown"])
def test_a_guest_that_died_is_1_and_explained(x86, guest, code, words):
    done = x86("run", guest(code), "--max-instructions", 50_000_000)
    assert done.status == 1
    assert words in done.err
    assert "7C" in done.err                     # where it was
    assert "Traceback" not in done.err


def test_quirks_of_the_bios(x86, guest):
    #   mov al, dl; out 0F4h, al: the drive's number as the status
    image = guest(bytes.fromhex("88 D0 E6 F4 F4"))
    assert x86("run", "--drive", image, "--json").status == 16 + 0x80
    assert x86("run", "--drive", image, "--json", "--bios-quirk", "cs-07c0", "--bios-quirk", "wrong-dl").status == 16
    done = x86("run", "--bios-quirk", "help")
    assert done.status == 0 and re.search(r"^wrong-dl +the boot sector", done.out, re.MULTILINE)
    for arguments, words in ((("wrong-dx",), "no quirk 'wrong-dx'"), (("wrong-dl", "--uefi"), "no BIOS with --uefi")):
        done = x86("run", "--bios-quirk", *arguments)
        assert done.status == 2 and words in done.err and len(done.err.splitlines()) == 1


def test_limits_are_3(x86, guest):
    done = x86("run", guest(LOOP), "--max-instructions", "5_000_000")
    assert done.status == 3
    assert "--max-instructions 5000000" in done.err and "jmp 0x7c00" in done.err     # where, and what it is doing there
    done = x86("run", guest(LOOP), "--timeout", 0.3)
    assert done.status == 3
    assert "--timeout 0.3" in done.err


def test_max_instructions_is_exact(x86, guest):
    done = x86("run", guest(LOOP), "--max-instructions", "3_333_333", "--json")
    assert json.loads(done.out)["instructions"] == 3_333_333


def test_a_reset_goes_on_or_ends_the_run(x86, guest):
    image = guest(RESET)
    assert x86("run", image, "--no-reboot").status == 0
    found = json.loads(x86("run", image, "--max-instructions", 100_000, "--json").out)
    assert found["stop"] == "limit" and found["resets"] > 1


# ---- errors of a user: one line, status 2 --------------------------------------------------------------------------

def short_disk(path):
    """10 MB on paper, 1 MB in the file."""
    table = b"\x80\0\x02\0\x0e\x0f\x3f\x13" + struct.pack("<II", 1, 20000)
    path.write_bytes((b"\xf4".ljust(446, b"\0") + table.ljust(64, b"\0") + b"\x55\xaa").ljust(1 << 20, b"\0"))
    return path


def files(tmp_path):
    (tmp_path / "empty.img").write_bytes(b"")
    (tmp_path / "511.img").write_bytes(bytes(511))
    (tmp_path / "text").write_text("not a kernel\n")
    (tmp_path / "guest.img").write_bytes(sector(LOOP))
    short_disk(tmp_path / "short.img")


@pytest.mark.parametrize("arguments, words", [
    ("run empty.img", "empty"),
    ("run 511.img", "511 bytes"),
    ("run missing.img", "missing.img: no such file"),
    ("run .", "directory"),
    ("run short.img", "partition 1 ends at sector 20000"),
    ("run --drive missing.img", "no such file"),
    ("run --floppy short.img guest.img --kernel text", "--kernel"),
    ("run --kernel text", "text"),
    ("run --kernel missing", "no such file"),
    ("run --kernel text --cdrom cd.iso", "cd.iso: no such file"),
    ("run guest.img --kernel text --boot disk", "so guest.img and --boot would not be seen by anybody"),
    ("run guest.img --append quiet", "--append needs --kernel"),
    ("run guest.img --cdrom cd.iso", "cd.iso: no such file"),
    ("run guest.img --boot cdrom", "there is no cdrom"),
    ("run guest.img --boot tape", "'tape'"),
    ("run guest.img --boot disk", "there is no disk"),
    ("run guest.img -m lots", "lots"),
    ("run guest.img --memory-fill full", "full"),
    ("run guest.img --until (", "regular expression"),
    ("run guest.img --expect [", "regular expression"),
    ("run guest.img --send \\q", "no escape"),
    ("run guest.img --keys \u20ac", "no key"),
    ("run guest.img --serial missing/file", "No such file"),
    ("run guest.img --max-instructions 0 --screenshot missing/a.png", "No such file"),
    ("run guest.img --timeout -1", "--timeout"),
    ("run guest.img --timeout nan", "--timeout"),
    ("run guest.img --send \\x4", "no escape"),
    ("run guest.img --keys \\x", "no escape"),
    ("run --uefi --cpu pentium", "--cpu pentium"),
    ("run --kernel text --initrd ,", "''"),
    ("trace guest.img --count -1", "--count -1"),
    ("trace guest.img --from -1", "--from -1"),
    ("run guest.img --max-instructions many", "many"),
    ("run guest.img --timeout nan", "nan"),
    ("run guest.img --nonsense", "--nonsense"),
    ("run guest.img --write --read-only", "not allowed with"),
    ("trace missing.img", "no such file"),
    ("disasm missing.bin", "No such file"),
    ("disasm guest.img --offset 512", "no byte at offset 512"),
    ("disasm guest.img --offset 99999999999999999999", "--offset"),
    ("disasm /dev/zero", "--length"),
    ("nonsense", "nonsense"),
    ("", "COMMAND"),
])
def test_errors_are_one_line(x86, tmp_path, arguments, words):
    files(tmp_path)
    done = x86(*arguments.split(), cwd=tmp_path, timeout=60)
    assert done.status == 2, done
    assert done.err.count("\n") == 1 and done.err.startswith("x86"), done.err
    assert words in done.err
    assert done.out == ""


def test_a_disk_without_signature_gets_the_bios_message(x86, tmp_path):
    (tmp_path / "none.img").write_bytes(bytes(1 << 20))
    done = x86("run", tmp_path / "none.img", "--max-instructions", 50_000_000)
    assert done.status in (1, 2)
    assert re.search("boot", done.out + done.err, re.IGNORECASE)
    assert "Traceback" not in done.err


# ---- typing and waiting ---------------------------------------------------------------------------------------------

def test_until_looks_at_the_serial_port_and_the_screen(x86, guest):
    image = guest(say("READY") + LOOP)
    for arguments in (("--serial", "none"), ("--display", "none"), ("--serial", "none", "--display", "none")):
        done = x86("run", image, "--until", "^READY", "--max-instructions", 50_000_000, *arguments)
        assert done.status == 0
    assert done.out == ""
    done = x86("run", image, "--until", "STEADY", "--max-instructions", 10_000_000)
    assert done.status == 3
    assert "--until 'STEADY' was not seen" in done.err


def test_text_is_typed_on_the_serial_port(x86, guest):
    done = x86("run", guest(say("go>") + ECHO_SERIAL), "--expect", "go>", "--send", r"one\x21", "--expect", "one!",
               "--send", "q", "--display", "none", "--max-instructions", 50_000_000)
    assert done.status == 16
    assert done.out == "go>one!q"


def test_text_is_typed_on_the_keyboard(x86, guest):
    done = x86("run", guest(say("go>") + ECHO_KEYS), "--expect", "go>", "--keys", "One two<space>3?", "--expect", "3[?]",
               "--keys", "q", "--serial", "none", "--max-instructions", 100_000_000)
    assert done.status == 16
    assert "go>One two 3?q" in done.out


def test_an_expectation_that_fails_is_named(x86, guest):
    done = x86("run", guest(LOOP), "--expect", "never", "--send", "x", "--max-instructions", 5_000_000)
    assert done.status == 3
    assert "--expect 'never' was not seen" in done.err


# ---- what is shown --------------------------------------------------------------------------------------------------

def test_serial_port_into_a_file(x86, guest, tmp_path):
    done = x86("run", guest(say("to the file") + EXIT), "--serial", tmp_path / "serial.log", "--quiet")
    assert (done.status, done.out) == (21, "")
    assert (tmp_path / "serial.log").read_bytes() == b"to the file"


def test_json_has_everything(x86, guest):
    done = x86("run", guest(say("HELLO") + EXIT), "--json")
    found = json.loads(done.out)
    assert found["stop"] == "debug-exit" and found["code"] == 5 and found["status"] == done.status == 21
    assert found["serial"] == "HELLO"
    assert any(line.rstrip().endswith("HELLO") for line in found["screen"].splitlines())
    assert found["instructions"] > 1000 and found["mode"] == "real"


def test_the_same_run_twice_is_the_same(x86, guest):
    image = guest(say("twice") + EXIT)
    first, second = (json.loads(x86("run", image, "--json", "--memory-fill", "random:7").out) for _ in range(2))
    for run in (first, second):
        del run["seconds"], run["million_instructions_per_second"]
    assert first == second


def test_screenshot_is_a_png(x86, guest, tmp_path):
    path = tmp_path / "screen.png"
    x86("run", guest(say("#") + EXIT), "--screenshot", path, "--quiet")
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, color = struct.unpack_from(">IIBB", data, 16)
    assert (width, height, depth, color) == (720, 400, 8, 3)
    place = data.index(b"IDAT")
    length, = struct.unpack_from(">I", data, place - 4)
    dots = zlib.decompress(data[place + 4:place + 4 + length])
    assert len(dots) == (width + 1) * height
    assert len(set(dots)) > 1                                   # something is drawn


def test_stats_and_timeline(x86, guest):
    done = x86("run", guest(say("x") + EXIT), "--stats", "--timeline")
    assert "F000:FFF0" in done.out
    assert re.search(r"[\d,]+ instructions in [\d.]+ s", done.out)


def test_writes_go_where_they_should(x86, tmp_path):
    # xor ax, ax; mov es, ax; mov ax, 0301h; mov bx, 7C00h; mov cx, 2; xor dh, dh; int 13h (this sector to sector 2); exit with AH
    code = bytes.fromhex("31 C0 8E C0 B8 01 03 BB 00 7C B9 02 00 30 F6 CD 13 88 E0 E6 F4 F4")
    image = tmp_path / "disk.img"
    before = sector(code).ljust(1440 * 1024, b"\0")
    for arguments, status, kept in (((), 16, False), (("--read-only",), 16 + 3, False), (("--write",), 16, True)):
        image.write_bytes(before)
        assert x86("run", image, *arguments).status == status
        assert (image.read_bytes() == before) is not kept
    assert image.read_bytes()[512:1024] == before[:512]


def test_a20_and_memory_at_power_on(x86, guest):
    # mov ax, [0600h]; exit with AL: what the RAM held
    read = bytes.fromhex("31 C0 8E D8 A0 00 90 E6 F4 F4")
    assert x86("run", guest(read)).status == 16
    assert x86("run", guest(read), "--memory-fill", "random:3").status != 16
    # FFFFh:0510h is 0000:0500 with A20 shut: write 1 there, read 0500h
    wraps = bytes.fromhex("31 C0 8E D8 48 8E C0 C6 06 00 05 00 26 C6 06 10 05 01 A0 00 05 E6 F4 F4")
    assert x86("run", guest(wraps), "--a20", "on").status == 16
    assert x86("run", guest(wraps), "--a20", "off").status == 17


def test_doctor(x86):
    done = x86("doctor")
    assert done.status == 0, done.out
    assert re.search("tail calls|plain loop", done.out)


# ---- trace and disasm -----------------------------------------------------------------------------------------------

def test_trace_starts_at_the_reset_vector(x86, guest):
    done = x86("trace", guest(EXIT), "--count", 3)
    assert done.status == 0
    lines = done.out.splitlines()
    assert len(lines) == 3
    assert re.match(r" +0 F000:FFF0 +EA\w+ +jmp ", lines[0])


def test_trace_at_an_address(x86, guest):
    done = x86("trace", guest(EXIT), "--at", "7C00h", "--count", 2)
    assert done.status == 0
    first, second = done.out.splitlines()
    assert re.search(r"(0000:7C00|07C0:0000) +B005 +mov al, 5", first)
    assert re.search(r"E6F4 +out 0xf4, al", second)


def test_trace_until_mode(x86, guest):
    # cli; lgdt [7C15h]; mov eax, cr0; or al, 1; mov cr0, eax; hlt
    code = bytes.fromhex("FA 2E 0F 01 16 15 7C 0F 20 C0 0C 01 0F 22 C0 F4 90 90 90 90 90 00 00 00 00 00 00")
    done = x86("trace", guest(code), "--at", "7C00h", "--until-mode", "protected")
    assert done.status == 0, done
    assert re.search(r"mov cr0, eax +cr0=[0-9A-F]*1$", done.out.splitlines()[-1])


def test_disasm(x86, guest):
    done = x86("disasm", guest(EXIT), "--length", 5)
    assert done.out.splitlines() == ["7C00  B0 05                          mov al, 5",
                                     "7C02  E6 F4                          out 0xf4, al",
                                     "7C04  F4                             hlt"]


def test_closed_output_is_no_error(guest):
    command = f"{sys.executable} -m x86.cli run {guest(EXIT)} --stats >&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (16 + 5, "")


def test_output_that_nobody_reads_is_no_error(guest):
    command = f"{sys.executable} -m x86.cli trace {guest(LOOP)} --count 5000 | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


# ---- on a terminal ----------------------------------------------------------------------------------------------------

def terminal(arguments, typed, wanted, seconds=60):
    """Run with a terminal of 40 lines; type each of `typed` once its partner in `wanted` was seen. (status, output)."""
    import fcntl
    import pty
    import termios
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen([sys.executable, "-m", "x86.cli", *map(str, arguments)], stdin=child, stdout=child,
                               stderr=child, cwd=ROOT, close_fds=True,
                               env={**os.environ, "COLUMNS": "100", "LINES": "40"})
    os.close(child)
    said = b""
    deadline = time.monotonic() + seconds
    steps = list(zip(wanted, typed))
    try:
        while time.monotonic() < deadline:
            try:
                piece = os.read(parent, 65536)
            except OSError:                     # the other side has closed
                break
            if not piece:
                break
            said += piece
            while steps and steps[0][0] in said:
                os.write(parent, steps.pop(0)[1])
        return process.wait(timeout=10), said
    finally:
        process.kill()
        os.close(parent)


def test_keys_of_the_terminal_reach_the_keyboard(guest):
    status, said = terminal(["run", guest(say(">") + ECHO_KEYS)], [b"yes!", b"q"], [b">", b"!"])
    assert status == 16
    assert b"\x1b[1;1H" in said                 # the screen is drawn by position


def test_keys_of_the_terminal_reach_the_serial_port(guest):
    status, said = terminal(["run", guest(say(">") + ECHO_SERIAL), "--serial", "stdio", "--display", "none"],
                            [b"yes!", b"q"], [b">", b"!"])
    assert status == 16
    assert b">yes!q" in said


def test_ctrl_a_x_quits(guest):
    status, _ = terminal(["run", guest(say(">") + LOOP)], [b"\x01x"], [b">"])
    assert status == 0
