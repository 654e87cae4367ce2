"""The VGA here and QEMU's, driven alike: ports, video memory, pictures. And the registers of the VGA's modes.

QEMU is held before its first instruction and driven through its test protocol; it gives pictures through its own (QMP).
"""
from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from x86.devices import vga_picture
from x86.machine import Machine

QEMU = shutil.which("qemu-system-x86_64") or shutil.which("qemu-system-i386")

#: miscellaneous output; sequencer; CRT controller; graphics controller; attribute controller from 10h on
MODES = {name: tuple(map(bytes.fromhex, values)) for name, values in {
    "text 80": ("67", "03 00 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4F 2D 0E 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF",
                "00 00 00 00 00 10 0E 00 FF", "0C 00 0F 08 00"),
    "text 40, 8 dots": ("67", "03 09 03 00 02", "2D 27 28 90 2B A0 BF 1F 00 4F 2D 0E 00 00 00 00 9C 8E 8F 14 1F 96 B9 A3 FF",
                        "00 00 00 00 00 10 0E 00 FF", "0C 00 0F 08 00"),
    "text 80 by 50": ("67", "03 01 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 47 2D 0E 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF",
                      "00 00 00 00 00 10 0E 00 FF", "0C 00 0F 00 00"),
    "monochrome text": ("66", "03 00 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4F 2D 0E 00 00 00 00 9C 8E 8F 28 0D 96 B9 A3 FF",
                        "00 00 00 00 00 10 0A 00 FF", "0E 00 0F 08 00"),
    "04h": ("63", "03 09 03 00 02", "2D 27 28 90 2B 80 BF 1F 00 C1 00 00 00 00 00 00 9C 8E 8F 14 00 96 B9 A2 FF",
            "00 00 00 00 00 30 0F 00 FF", "01 00 03 00 00"),
    "06h": ("63", "03 01 01 00 06", "5F 4F 50 82 54 80 BF 1F 00 C1 00 00 00 00 00 00 9C 8E 8F 28 00 96 B9 C2 FF",
            "00 00 00 00 00 00 0D 00 FF", "01 00 01 00 00"),
    "0Dh": ("63", "03 09 0F 00 06", "2D 27 28 90 2B 80 BF 1F 00 C0 00 00 00 00 00 00 9C 8E 8F 14 00 96 B9 E3 FF",
            "00 00 00 00 00 00 05 0F FF", "01 00 0F 00 00"),
    "0Eh": ("63", "03 01 0F 00 06", "5F 4F 50 82 54 80 BF 1F 00 C0 00 00 00 00 00 00 9C 8E 8F 28 00 96 B9 E3 FF",
            "00 00 00 00 00 00 05 0F FF", "01 00 0F 00 00"),
    "10h": ("A3", "03 01 0F 00 06", "5F 4F 50 82 54 80 BF 1F 00 40 00 00 00 00 00 00 83 85 5D 28 0F 63 BA E3 FF",
            "00 00 00 00 00 00 05 0F FF", "01 00 0F 00 00"),
    "12h": ("E3", "03 01 0F 00 06", "5F 4F 50 82 54 80 0B 3E 00 40 00 00 00 00 00 00 EA 8C DF 28 00 E7 04 E3 FF",
            "00 00 00 00 00 00 05 0F FF", "01 00 0F 00 00"),
    "13h": ("63", "03 01 0F 00 0E", "5F 4F 50 82 54 80 BF 1F 00 41 00 00 00 00 00 00 9C 8E 8F 28 40 96 B9 A3 FF",
            "00 00 00 00 00 40 05 0F FF", "41 00 0F 00 00"),
    "X, 320 by 240": ("E3", "03 01 0F 00 06", "5F 4F 50 82 54 80 0D 3E 00 41 00 00 00 00 00 00 EA AC DF 28 00 E7 06 E3 FF",
                      "00 00 00 00 00 40 05 0F FF", "41 00 0F 00 00"),
}.items()}
EGA_PALETTE = bytes.fromhex("00 01 02 03 04 05 14 07 38 39 3A 3B 3C 3D 3E 3F")
#: Where the processor sees each mode's memory, and how much of it
WINDOWS = {name: ((0xB8000, 0x8000) if name in ("text 80", "text 40, 8 dots", "text 80 by 50", "04h", "06h") else
                  (0xB0000, 0x8000) if name == "monochrome text" else (0xA0000, 0x10000)) for name in MODES}


class Adapter:
    """Something with ports and memory that can be put into a mode."""

    def set_mode(self, name: str) -> None:
        miscellaneous, sequencer, crtc, graphics, attributes = MODES[name]
        base = 0x3D0 if miscellaneous[0] & 1 else 0x3B0
        self.out(0x1CE, 4, 2)
        self.out(0x1CF, 0, 2)                   # the display interface is off
        self.out(0x3C2, miscellaneous[0])
        for index, value in enumerate(sequencer):
            self.out(0x3C4, index | value << 8, 2)
        for index, value in enumerate(graphics):
            self.out(0x3CE, index | value << 8, 2)
        for index, value in ((0x11, 0x0E), *enumerate(crtc)):
            self.out(base + 4, index | value << 8, 2)
        palette = EGA_PALETTE if crtc[0x17] & 1 and len(name) != 3 else bytes(range(16))
        for index, value in enumerate(palette + attributes):
            self.attribute(index, value)

    def attribute(self, index: int, value: int) -> None:
        base = 0x3D0 if self.inp(0x3CC) & 1 else 0x3B0
        self.inp(base + 10)
        for byte in (index, value, 0x20):
            self.out(0x3C0, byte)

    def load_dac(self, colors: bytes) -> None:
        self.out(0x3C8, 0)
        for value in colors:
            self.out(0x3C9, value)

    def crtc(self, index: int, value: int) -> None:
        self.out(0x3D4 if self.inp(0x3CC) & 1 else 0x3B4, index | value << 8, 2)


class Ours(Adapter):
    """A machine here."""

    def __init__(self):
        self.machine = Machine("1M")
        self.screen = self.machine.screen

    def out(self, port, value, size=1):
        self.machine.bus.write(port, value, size)

    def inp(self, port, size=1):
        return self.machine.bus.read(port, size)

    def write(self, address, data):
        self.machine.memory.write(address, data)

    def read(self, address, size):
        return self.machine.memory.read(address, size)

    def picture(self):
        """(width, height, rows of three bytes a dot)"""
        width, height, palette, rows = vga_picture.picture(self.screen)
        colors = [palette[3 * index:3 * index + 3] for index in range(256)] if palette else []
        return width, height, [b"".join([colors[dot] for dot in row]) if palette else row for row in rows]


class Theirs(Adapter):
    """QEMU's `-vga std`. Its screen is no older than its last change, as it is asked twice."""

    def __init__(self):
        if QEMU is None:
            pytest.skip("needs qemu-system-x86_64")
        self.directory = tempfile.TemporaryDirectory()
        where = Path(self.directory.name)
        self.process = subprocess.Popen(
            [QEMU, "-machine", "pc", "-accel", "tcg", "-S", "-m", "16", "-display", "none", "-nodefaults", "-vga", "std",
             "-monitor", "none", "-qmp", f"unix:{where}/qmp,server,nowait", "-qtest", "stdio", "-qtest-log", "/dev/null"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.inp(0x3CC)                         # it answers: the other socket is there
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{where}/qmp")
        self.qmp = self.socket.makefile("rw")
        self.qmp.readline()
        self.command("qmp_capabilities")
        for port, value in ((0xCF8, 0x80001010), (0xCFC, 0xFD000008), (0xCF8, 0x80001004), (0xCFC, 3)):
            self.out(port, value, 4)

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.qmp.close()
        self.socket.close()
        self.directory.cleanup()

    def ask(self, *words):
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            answer = self.process.stdout.readline().split()
            if not answer:
                pytest.skip("this QEMU has no test protocol")
            if answer[0] != b"IRQ":
                assert answer[0] == b"OK", answer
                return answer[1:]

    def command(self, name, **arguments):
        self.qmp.write(json.dumps({"execute": name, "arguments": arguments}))
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]

    def out(self, port, value, size=1):
        self.ask("out" + {1: "b", 2: "w", 4: "l"}[size], hex(port), hex(value))

    def inp(self, port, size=1):
        return int(self.ask("in" + {1: "b", 2: "w", 4: "l"}[size], hex(port))[0], 16)

    def write(self, address, data):
        self.ask("write", hex(address), hex(len(data)), "0x" + bytes(data).hex())

    def read(self, address, size):
        return bytes.fromhex(self.ask("read", hex(address), hex(size))[0].decode()[2:])

    def picture(self):
        path = Path(self.directory.name) / "screen.ppm"
        for _ in range(2):
            self.command("screendump", filename=str(path))
        kind, size, depth, dots = path.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        assert (kind, depth, len(dots)) == (b"P6", b"255", 3 * width * height)
        return width, height, [dots[start:start + 3 * width] for start in range(0, len(dots), 3 * width)]
