"""String packages and the HII database: what is put in comes out, and what makes no sense is refused."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uefi.caller import Caller

from boot.uefi import hii_strings
from boot.uefi.definitions import Status
from boot.uefi.protocols.hii import HiiDatabase, HiiString, packages

GUID = bytes(range(16))
text = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0", max_codepoint=0xFFFF), max_size=20)


def package(language: str, blocks: bytes) -> bytes:
    """A string package; `blocks` begin behind its header."""
    name = language.encode() + b"\0"
    size = hii_strings.HEADER + len(name)
    body = struct.pack("<II32xH", size, size, 1) + name + blocks + b"\0"
    return (len(body) + 4 | 0x04 << 24).to_bytes(4, "little") + body


def package_list(*parts: bytes) -> bytes:
    body = b"".join(parts) + (4 | 0xDF << 24).to_bytes(4, "little")
    return GUID + struct.pack("<I", 20 + len(body)) + body


def encoded(value: str) -> bytes:
    return value.encode("utf-16-le") + b"\0\0"


@given(st.lists(st.one_of(text, st.integers(1, 300)), max_size=20))
def test_strings_have_the_numbers_that_the_blocks_give_them(parts):
    """A text is a block of its own; a number, so many numbers that are not used."""
    blocks, expected, number = b"", {}, 1
    for part in parts:
        if isinstance(part, str):
            blocks += b"\x14" + encoded(part)
            expected[number] = part
            number += 1
        else:
            blocks += b"\x21" + struct.pack("<H", part) if part > 255 else b"\x22" + bytes((part,))
            number += part
    table = hii_strings.parse(package("en-US", blocks))
    assert (table.language, table.strings) == ("en-US", expected)


def test_every_kind_of_block():
    blocks = (b"\x10one\0" + b"\x11\x05two\0" + b"\x12\x02\x00three\0four\0" + b"\x13\x05\x01\x00five\0"
              + b"\x15\x05" + encoded("six") + b"\x16\x01\x00" + encoded("seven") + b"\x17\x05\x01\x00" + encoded("eight")
              + b"\x20\x02\x00" + b"\x30\x40\x05ab" + b"\x31\x40\x06\x00ab" + b"\x32\x40\x08\x00\x00\x00ab" + b"\x10ten\0")
    table = hii_strings.parse(package("en", blocks))
    assert list(table.strings.values()) == "one two three four five six seven eight two ten".split()


@given(st.binary(max_size=60))
def test_what_makes_no_sense_is_refused_and_ends(blocks):
    try:
        hii_strings.parse(package("en", blocks)[:-1])
        packages(GUID + struct.pack("<I", 20 + len(blocks)) + blocks)
    except ValueError as error:
        assert str(error)


@pytest.fixture(scope="module")
def caller():
    return Caller()


def function(caller, kind, name):
    interface = next(each for each in caller.uefi.interfaces.values() if type(each) is kind)
    return caller.uefi.stub(kind.functions[name]), interface.address


def test_a_list_gives_its_strings_by_language(caller):
    def call(kind, name, *arguments):
        address, this = function(caller, kind, name)
        return caller.call_address(address, this, *arguments)
    data = package_list(package("en-US", b"\x14" + encoded("lorry")), package("en-GB", b"\x14" + encoded("van")))
    source, handle, size, buffer = caller.block(len(data), data), caller.block(8), caller.block(8), caller.block(64)
    assert call(HiiDatabase, "NewPackageList", source, 0, handle) == Status.SUCCESS
    number = caller.u64(handle)
    for language, words in ((b"en-GB\0", "van"), (b"en-US\0", "lorry"), (b"en\0", "lorry")):
        name = caller.block(16, language)
        caller.uefi.write_u64(size, 2)
        assert call(HiiString, "GetString", name, number, 1, buffer, size, 0) == Status.BUFFER_TOO_SMALL
        assert caller.u64(size) == len(encoded(words))
        assert call(HiiString, "GetString", name, number, 1, buffer, size, 0) == Status.SUCCESS
        assert caller.uefi.read_string(buffer) == words
        assert call(HiiString, "GetString", name, number, 2, buffer, size, 0) == Status.NOT_FOUND
    caller.uefi.write_u64(size, 64)
    assert call(HiiString, "GetLanguages", number, buffer, size) == Status.SUCCESS
    assert caller.uefi.read_ascii(buffer) == "en-US;en-GB"
    caller.uefi.write_u64(size, 64)
    assert call(HiiDatabase, "ExportPackageLists", number, size, 0) == Status.BUFFER_TOO_SMALL
    assert caller.u64(size) == len(data)
    assert call(HiiDatabase, "RemovePackageList", number) == Status.SUCCESS
    assert call(HiiString, "GetLanguages", number, buffer, size) == Status.NOT_FOUND


def test_a_broken_list_is_refused(caller):
    address, this = function(caller, HiiDatabase, "NewPackageList")
    good = package_list(package("en-US", b"\x14" + encoded("lorry")))
    for broken in (good[:16] + b"\xFF\xFF\xFF\x7F" + good[20:], good[:20] + b"\3\0\0\4" + good[24:],
                   good[:-6] + b"\x99" + good[-5:]):
        source = caller.block(len(broken) + 64, broken)
        assert caller.call_address(address, this, source, 0, caller.block(8)) == Status.INVALID_PARAMETER
