"""`x86 disasm`: the instructions in a file, from its first byte to its last."""
from __future__ import annotations

from x86.cli import OK
from x86.disassembler import listing
from x86.faults import ImageError

MOST = 256 << 20                            # bytes that are read of a file, which may be a disk, or have no end


def number(text: str) -> int:
    """Decimal, 0x hexadecimal, or hexadecimal with an h behind it, as the manuals write it."""
    text = text.replace("_", "")
    return int(text[:-1], 16) if text[-1:] in "hH" else int(text, 0)


def add(commands) -> None:
    parser = commands.add_parser("disasm", help="disassemble a file", description="Disassemble a flat binary file.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--bits", type=int, choices=(16, 32, 64), default=16, help="code size (default 16)")
    parser.add_argument("--base", type=number, metavar="ADDRESS",
                        help="where the file's first byte lies in memory (default 7C00h for 16 bits, else 0)")
    parser.add_argument("--offset", type=number, metavar="N", default=0, help="start this far into the file")
    parser.add_argument("--length", type=number, metavar="N", help="and stop after so many bytes")
    parser.set_defaults(function=run)


def run(options) -> int:
    """Print one line an instruction: address, bytes, text."""
    for name in ("offset", "length"):
        if (getattr(options, name) or 0) < 0:
            raise ImageError(f"--{name} {getattr(options, name)}: is negative")
    if options.offset >= 1 << 63:
        raise ImageError(f"--offset {options.offset}: no file is so large")
    with open(options.file, "rb") as file:
        if file.seekable():
            file.seek(options.offset)
        else:
            file.read(options.offset)
        data = file.read(min(MOST + 1, MOST + 1 if options.length is None else options.length))
    if len(data) > MOST:
        raise ImageError(f"{options.file}: more than {MOST >> 20} MB to disassemble: say how many bytes with --length")
    if not data and options.length != 0:
        raise ImageError(f"{options.file}: has no byte at offset {options.offset}")
    end = options.offset + len(data)
    base = options.base if options.base is not None else 0x7C00 if options.bits == 16 else 0
    digits = 4 if base + end <= 0x10000 else 8 if base + end <= 1 << 32 else 16
    for address, raw, text in listing(data, base + options.offset, options.bits):
        print(f"{address:0{digits}X}  {raw.hex(' ').upper():<30} {text}")
    return OK
