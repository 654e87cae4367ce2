"""Services called here and in SeaBIOS: what each of them leaves in the registers, for ordinary arguments and for odd ones.

    python -m tests.bios.seabios        writes seabios.expected from what QEMU's SeaBIOS answers

A case is the call of one service (services.asm). Its answer is a line: the registers that changed, the flags CF, ZF, IF, DF
as they are behind it, and what was written to the buffer.
"""
from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "seabios.expected"
REGISTERS = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")
PLAIN = {"eax": 0x11110000, "ebx": 0x2222B0B1, "ecx": 0x3333C0C1, "edx": 0x4444D0D1, "esi": 0x55555000,
         "edi": 0x66665000, "ebp": 0x7777E0E1, "ds": 0, "es": 0, "flags": 0x0202}
BUFFER = 0x5000
FLOPPY_BYTES = 1_474_560


@dataclass(frozen=True)
class Case:
    """INT `interrupt` with `registers` (the others as in PLAIN, 16-bit names keep the upper half); `buffer` at 5000h."""

    name: str
    interrupt: int
    registers: dict[str, int] = field(hash=False)
    buffer: bytes = b""

    @property
    def values(self) -> dict[str, int]:
        values = dict(PLAIN)
        for name, value in self.registers.items():
            if name in values:
                values[name] = value
            else:
                values["e" + name] = values["e" + name] & 0xFFFF0000 | value
        return values

    def row(self) -> str:
        """Its row in the table of services.asm."""
        values = self.values
        lines = [f"db {self.interrupt}, {int(bool(self.buffer))}", f"dw {values['ds']}, {values['es']}, {values['flags']}",
                 "dd " + ", ".join(str(values[name]) for name in REGISTERS)]
        if self.buffer:
            lines.append("db " + ", ".join(map(str, self.buffer.ljust(64, b"\xEE"))))
        return "\n".join(lines)

    def answer(self, line: str) -> str:
        """What services.asm printed, in words: what changed."""
        *registers, ds, es, stack, flags, buffer = line.split()
        before = self.values
        words = [f"{name}={value.lower()}" for name, value in zip(REGISTERS, registers) if int(value, 16) != before[name]]
        words += [f"{name}={value.lower()}" for name, value in (("ds", ds), ("es", es)) if int(value, 16) != before[name]]
        if stack != "0000":
            words.append(f"sp+{stack}")
        flags = int(flags, 16)
        words += [name for name, bit in (("CF", 0x01), ("ZF", 0x40), ("DF", 0x400)) if flags & bit]
        if not flags & 0x200:
            words.append("IF=0")
        data = bytes.fromhex(buffer)
        if data != self.buffer.ljust(64, b"\xEE")[:32] if self.buffer else data != b"\xEE" * 32:
            words.append("buffer=" + data.hex())
        return " ".join(words) or "nothing"


def image(cases, directory: Path) -> bytes:
    """The diskette that calls them all."""
    (directory / "table.inc").write_text("\n".join(case.row() for case in cases) + "\n")
    subprocess.run(["nasm", "-f", "bin", "-I", f"{directory}/", "-o", directory / "services.img", HERE / "services.asm"],
                   check=True)
    return (directory / "services.img").read_bytes().ljust(FLOPPY_BYTES, b"\0")


def answers(cases, output: bytes) -> dict[str, str]:
    """{name of the case: its answer} from what the diskette printed."""
    lines = output.decode("latin-1").split("\n")
    return {case.name: case.answer(line) for case, line in zip(cases, lines) if len(line.split()) == 12}


def ask_qemu(cases, timeout=120) -> dict[str, str]:
    """The answers of SeaBIOS, in a machine like ours: 64 MB, a diskette drive, COM1, no parallel port, a PS/2 mouse."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        picture = directory / "floppy.img"
        picture.write_bytes(image(cases, directory))
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "64M", "-display", "none", "-nic", "none", "-no-reboot",
                   "-parallel", "none", "-rtc", "base=2026-01-01T00:00:00", "-device", "isa-debug-exit,iobase=0xf4",
                   "-serial", f"file:{directory}/serial", "-drive", f"if=floppy,format=raw,file={picture}", "-boot", "a"]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=timeout)
        return answers(cases, (directory / "serial").read_bytes())


def kept() -> dict[str, str]:
    """The answers in seabios.expected."""
    return dict(line.split(": ", 1) for line in EXPECTED.read_text().splitlines())


def missing() -> str:
    """The program that is not installed, or ''."""
    return next((name for name in ("nasm", "qemu-system-x86_64") if not shutil.which(name)), "")


def main() -> int:
    from tests.bios.seabios_cases import CASES
    if missing():
        print(f"needs {missing()}", file=sys.stderr)
        return 1
    found = ask_qemu(CASES)
    EXPECTED.write_text("".join(f"{case.name}: {found[case.name]}\n" for case in CASES if case.name in found))
    lost = [case.name for case in CASES if case.name not in found]
    if lost:
        print("no answer:", ", ".join(lost), file=sys.stderr)
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
