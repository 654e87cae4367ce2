"""Device paths as bytes, nodes and text. What OVMF makes of 117 texts and 25 nodes is in guests/device_paths.expected."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi import device_path
from boot.uefi.definitions import Guid
from boot.uefi.device_path import BY_NAME, END_INSTANCE_NODE, KINDS, BadPath, append, join, node, parse
from boot.uefi.device_path_from_text import node_from_text, path_from_text
from boot.uefi.device_path_text import node_text, path_text

#: Kinds whose text says all of a node, so that it can be read back; FilePath has a test of its own.
TOLD = [kind for kind in KINDS if kind.arguments and not kind.rest and not kind.fields.startswith("Reserved")]


@st.composite
def nodes(draw, kinds=KINDS):
    kind = draw(st.sampled_from(kinds))
    data = draw(st.binary(min_size=struct.calcsize(kind.format), max_size=struct.calcsize(kind.format)))
    return bytes((kind.type, kind.subtype)) + struct.pack("<H", 4 + len(data)) + data


@given(st.lists(nodes(), max_size=5))
def test_a_path_is_its_nodes(parts):
    path = join(parts)
    assert [each.bytes for each in parse(path)] == parts
    assert device_path.size(path + b"behind") == len(path)
    assert append(join(parts[:2]), *parts[2:]) == path


@given(st.binary(max_size=60))
def test_bytes_are_a_path_or_are_refused(data):
    try:
        path = join(each.bytes for each in parse(data))
    except BadPath:
        return
    assert data.startswith(path[:-4])
    path_text(path), path_text(path, True, True)                 # whatever it is, it has a text


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
@given(data=st.data())
def test_text_says_all_of_a_node(kind, data):
    found = data.draw(nodes([kind]))
    assert node_text(node(found)).startswith(kind.name + "(")
    assert node_from_text(node_text(node(found))) == found


WORDS = ("PciRoot(", "Pci", "HD(1,", "MBR", "GPT", ",", "/", ")", "(", "0x", "9" * 30, "\\", "IPv6(", "::", "1:", "SasEx(",
         "VenHw(", "Dns(", "x", "Acpi(", "NVMe(", "IPv4(", "MAC(")


@given(st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_any_text_becomes_a_path(text):
    path = path_from_text(text)
    assert (path is None) == (not text)
    if path:
        assert device_path.size(path) == len(path)
        path_text(path)


@given(st.lists(nodes(TOLD), min_size=1, max_size=4), st.lists(nodes(TOLD), min_size=1, max_size=4))
def test_paths_of_several_instances_come_back(first, second):
    path = join([*first, END_INSTANCE_NODE, *second])
    assert path_from_text(path_text(path)) == path


@pytest.mark.parametrize("kind, bits", [("MBR", b"\x78\x56\x34\x12" + bytes(12)), ("GPT", bytes(range(16)))])
def test_hard_drives(kind, bits):
    number = {"MBR": 1, "GPT": 2}[kind]
    found = BY_NAME["HD"].build(Partition=3, Start=0x800, Size=0x1000, Signature=bits, Format=number, SignatureType=number)
    signature = "0x12345678" if kind == "MBR" else str(Guid(bits)).upper()
    assert node_text(node(found)) == f"HD(3,{kind},{signature},0x800,0x1000)"
    assert node_from_text(node_text(node(found))) == found


def test_short_nodes_are_shown_as_bytes():
    """A node that is too short for what it says it is."""
    assert node_text(node(bytes((4, 1, 8, 0, 1, 2, 3, 4)))) == "MediaPath(1,01020304)"
    assert node_text(node(bytes((3, 14, 4, 0)))) == "Msg(14)"


def test_numbers_that_are_too_long():
    assert node_from_text(f"Ctrl({'9' * 100})") == BY_NAME["Ctrl"].build(Controller=0xFFFFFFFF)
    assert node_from_text(f"Ctrl(0x{'0' * 100}5)") == BY_NAME["Ctrl"].build(Controller=5)
    assert len(node_from_text("a" * 100_000)) <= 0xFFFF
    assert len(node_from_text(f"VenHw(,{'12' * 100_000})")) <= 0xFFFF


def test_file_names_of_several_nodes():
    path = join([device_path.file_path(part) for part in ("\\EFI", "BOOT\\", "\\BOOTX64.EFI")])
    assert device_path.file_name(parse(path)) == r"\EFI\BOOT\BOOTX64.EFI"
    assert device_path.file_name(parse(append(path, device_path.pci(0, 0)))) is None
    assert device_path.file_name([]) is None
