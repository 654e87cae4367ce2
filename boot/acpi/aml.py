r"""An assembler for AML, the byte code in which ACPI describes a board: a function for each operator of ASL.

The functions have ASL's names and its order of arguments, and give the encoded term as bytes, so that a description
written with them reads as ASL does:

    Scope("\\_SB", Device("RTC", Name("_HID", EISAID("PNP0B00"))))

    10 17 \ _SB_  5B 82 0F RTC_  08 _HID 0C 41 D0 0B 00
    |  |          |     |        |       |  the number 000BD041h
    |  |          |     |        |       DWordPrefix
    |  |          |     |        NameOp
    |  |          |     PkgLength: the bytes from itself to the end of the device
    |  |          DeviceOp
    |  PkgLength
    ScopeOp

An argument that is bytes is a term already; an int becomes the shortest constant, a str a name (a string is
String("...")).

    PkgLength   00llllll                                        up to 63
                nn00llll llllllll [llllllll [llllllll]]         nn bytes follow, the lowest four bits come first

    NameString  \ or ^ ^ ^, then nothing (00), one segment, 2E and two, or 2F, a count and so many;
                a segment is four characters, filled up with _

Source: ACPI Specification 6.5, chapter 20, "ACPI Machine Language (AML) Specification"; chapter 19 for ASL.
"""
from __future__ import annotations

import re

ZERO, ONE, ONES = b"\x00", b"\x01", b"\xFF"
BYTE, WORD, DWORD, STRING, QWORD = b"\x0A", b"\x0B", b"\x0C", b"\x0D", b"\x0E"
DUAL_NAME, MULTI_NAME, NULL_NAME = b"\x2E", b"\x2F", b"\x00"

NOWHERE = NULL_NAME                     # where a result goes that nobody wants
Arg0 = b"\x68"                          # a method's first argument
PCI_Config = 2                          # an address space of OperationRegion
ByteAcc, NoLock, Preserve = 0x01, 0x00, 0x00    # of Field: the size of accesses, and what bits beside a field become

Term = bytes | int | str


# ---- names, lengths, constants ---------------------------------------------------------------------------------------

def segment(name: str) -> bytes:
    """The four bytes of one name. ValueError for what is none."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,3}", name):
        raise ValueError(f"{name!r} is no AML name: up to four of A-Z, 0-9 and _, the first no digit")
    return name.ljust(4, "_").encode()


def path(name: str) -> bytes:
    r"""A NameString: "_CRS", "\_SB.PCI0", "^LNKA". ValueError for what is none."""
    prefix, rest = re.fullmatch(r"(\\|\^*)(.*)", name, re.DOTALL).groups()
    segments = [segment(part) for part in rest.split(".")] if rest else []
    if len(segments) > 255 or not name:
        raise ValueError(f"{name[:40]!r}: a path in AML has 1 to 255 names")
    if len(segments) == 1:
        head = b""
    elif len(segments) == 2:
        head = DUAL_NAME
    else:
        head = MULTI_NAME + bytes([len(segments)]) if segments else NULL_NAME
    return prefix.encode() + head + b"".join(segments)


def length(content: int) -> bytes:
    """PkgLength for `content` bytes that follow it; it counts itself, too. ValueError from 2^28 on."""
    if content + 1 < 1 << 6:
        return bytes([content + 1])
    for more in (1, 2, 3):
        total = content + 1 + more
        if total < 1 << 4 + 8 * more:
            return bytes([more << 6 | total & 0x0F]) + (total >> 4).to_bytes(more, "little")
    raise ValueError(f"{content} bytes are too many for one package of AML")


def _package(opcode: bytes, content: bytes) -> bytes:
    return opcode + length(len(content)) + content


def integer(value: int) -> bytes:
    """The shortest constant for 0 to 2^64 - 1; all ones is Ones, as tables of revision 2 have 64-bit integers."""
    short = {0: ZERO, 1: ONE, (1 << 64) - 1: ONES}
    if value in short:
        return short[value]
    for prefix, size in ((BYTE, 1), (WORD, 2), (DWORD, 4), (QWORD, 8)):
        if 0 <= value < 1 << 8 * size:
            return prefix + value.to_bytes(size, "little")
    raise ValueError(f"{value} is no integer of AML: 0 to 2^64 - 1 are")


def term(value: Term) -> bytes:
    """What stands for `value` in a list of terms."""
    if isinstance(value, bytes):
        return value
    return path(value) if isinstance(value, str) else integer(value)


def terms(values) -> bytes:
    return b"".join(term(value) for value in values)


def String(text: str) -> bytes:
    """ASCII without NUL, which ends it."""
    encoded = text.encode("ascii")
    if b"\0" in encoded:
        raise ValueError(f"{text!r}: a string of AML cannot hold the character 0")
    return STRING + encoded + b"\0"


def EISAID(text: str) -> bytes:
    """A Plug and Play ID such as "PNP0A03": three letters of five bits, four digits; its first byte is the number's lowest."""
    if not re.fullmatch(r"[A-Z]{3}[0-9A-F]{4}", text):
        raise ValueError(f"{text!r} is no EISA ID: three capital letters and four hexadecimal digits")
    number = 0
    for letter in text[:3]:
        number = number << 5 | ord(letter) - 0x40
    return integer(int.from_bytes((number << 16 | int(text[3:], 16)).to_bytes(4, "big"), "little"))


def Buffer(data: bytes) -> bytes:
    return _package(b"\x11", integer(len(data)) + data)


def Package(*elements: Term) -> bytes:
    """Up to 255 elements; a str is the name of an object."""
    return _package(b"\x12", bytes([len(elements)]) + terms(elements))


# ---- objects in the namespace ----------------------------------------------------------------------------------------

def Name(name: str, value: Term) -> bytes:
    return b"\x08" + path(name) + term(value)


def Scope(name: str, *content: Term) -> bytes:
    return _package(b"\x10", path(name) + terms(content))


def Device(name: str, *content: Term) -> bytes:
    return _package(b"\x5B\x82", path(name) + terms(content))


def Method(name: str, arguments: int, *content: Term, serialized: bool = False) -> bytes:
    """Flags: 7..4 sync level   3 serialized: one caller at a time   2..0 number of arguments.

    A method that creates named objects has to be serialized, or a second caller would meet the first one's names."""
    if not 0 <= arguments <= 7:
        raise ValueError(f"{name}: a method has 0 to 7 arguments, not {arguments}")
    return _package(b"\x14", path(name) + bytes([serialized << 3 | arguments]) + terms(content))


def OperationRegion(name: str, space: int, offset: Term, size: Term) -> bytes:
    return b"\x5B\x80" + path(name) + bytes([space]) + term(offset) + term(size)


def Field(region: str, access: int, lock: int, update: int, *units: tuple[str, int]) -> bytes:
    """units: (name, width in bits), from the region's start on; a name "" leaves that many bits out."""
    content = path(region) + bytes([access | lock | update])
    for name, bits in units:
        # The width is written as PkgLength is, but without the length of itself
        content += (segment(name) if name else b"\x00") + _width(bits)
    return _package(b"\x5B\x81", content)


def _width(bits):
    if bits < 1 << 6:
        return bytes([bits])
    more = 1 if bits < 1 << 12 else 2 if bits < 1 << 20 else 3
    return bytes([more << 6 | bits & 0x0F]) + (bits >> 4).to_bytes(more, "little")


def CreateDWordField(buffer: Term, offset: Term, name: str) -> bytes:
    """`name` for the four bytes at `offset` (in bytes) of a buffer."""
    return b"\x8A" + term(buffer) + term(offset) + path(name)


# ---- what methods do -------------------------------------------------------------------------------------------------

def Store(source: Term, target: Term) -> bytes:
    return b"\x70" + term(source) + term(target)


def And(left: Term, right: Term, target: Term = NOWHERE) -> bytes:
    return b"\x7B" + term(left) + term(right) + term(target)


def If(condition: Term, *content: Term) -> bytes:
    return _package(b"\xA0", term(condition) + terms(content))


def Return(value: Term) -> bytes:
    return b"\xA4" + term(value)
