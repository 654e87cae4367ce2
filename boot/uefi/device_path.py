"""Device paths: the nodes that name a device, as bytes and as rows.

    0  Type    1  SubType    2  Length (2 bytes, with these four)    4  what the kind of node has

A path is a row of nodes that ends with 7F FF (END); 7F 01 separates instances. In Python a path is its bytes, with the
end; parse() gives its nodes. A kind is one row below: type, subtype, name, fields, and the arguments of its text, in their
order, which may differ from the fields'.

Source: UEFI 2.10, chapter 10 "Protocols - Device Path Protocol"; section 10.6 for the text.
"""
from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field


HARDWARE, ACPI, MESSAGING, MEDIA, BIOS_BOOT, END = 1, 2, 3, 4, 5, 0x7F
END_INSTANCE, END_ENTIRE = 0x01, 0xFF
END_NODE = bytes((END, END_ENTIRE, 4, 0))
END_INSTANCE_NODE = bytes((END, END_INSTANCE, 4, 0))
LONGEST = 1 << 16                       # bytes of a path that is believed

#: Letters of the rows -> format for struct; a number stands for so many bytes
SIZES = {"b": "B", "h": "H", "i": "I", "q": "Q", "g": "16s"}


@dataclass(frozen=True)
class Kind:
    """One kind of node.

    fields     "Function:b Device:b": names and sizes, b h i q for numbers of 1, 2, 4, 8 bytes, g for a GUID, 6 for six bytes,
               in the order of the bytes
    arguments  "Device:x Function:x": what the text shows, x hexadecimal, d decimal, g GUID; "" where it follows no such rule
    rest       whether bytes of any number follow the fields
    """
    type: int
    subtype: int
    name: str
    fields: str
    arguments: str = ""
    rest: bool = False

    @property
    def names(self) -> list[str]:
        return [each.partition(":")[0] for each in self.fields.split()]

    @property
    def format(self) -> str:
        sizes = [each.partition(":")[2] for each in self.fields.split()]
        return "<" + "".join(SIZES.get(size, f"{size}s") for size in sizes)

    def build(self, rest: bytes = b"", **values) -> bytes:
        """The node's bytes; fields that are not named are 0."""
        unknown = set(values) - set(self.names)
        if unknown:
            raise ValueError(f"{self.name} has no {', '.join(sorted(unknown))}")
        empty = struct.unpack(self.format, bytes(struct.calcsize(self.format)))
        data = struct.pack(self.format, *(dict(zip(self.names, empty)) | values).values()) + rest
        return bytes((self.type, self.subtype)) + (4 + len(data)).to_bytes(2, "little") + data


KINDS = [
    Kind(HARDWARE, 1, "Pci", "Function:b Device:b", "Device:x Function:x"),
    Kind(HARDWARE, 2, "PcCard", "Function:b", "Function:x"),
    Kind(HARDWARE, 3, "MemoryMapped", "MemoryType:i Start:q End:q", "MemoryType:x Start:x End:x"),
    Kind(HARDWARE, 4, "VenHw", "Guid:g", rest=True),
    Kind(HARDWARE, 5, "Ctrl", "Controller:i", "Controller:x"),
    Kind(HARDWARE, 6, "BMC", "Interface:b Base:q", "Interface:x Base:x"),
    Kind(ACPI, 1, "Acpi", "HID:i UID:i"),
    Kind(ACPI, 2, "AcpiEx", "HID:i UID:i CID:i", rest=True),
    Kind(ACPI, 3, "AcpiAdr", "ADR:i", rest=True),
    Kind(ACPI, 4, "NvdimmAcpiAdr", "Handle:i", "Handle:x"),
    Kind(MESSAGING, 1, "Ata", "Secondary:b Slave:b Lun:h"),
    Kind(MESSAGING, 2, "Scsi", "Target:h Lun:h", "Target:x Lun:x"),
    Kind(MESSAGING, 3, "Fibre", "Reserved:i WWN:q Lun:q", "WWN:x Lun:x"),
    Kind(MESSAGING, 4, "I1394", "Reserved:i Guid:q"),
    Kind(MESSAGING, 5, "USB", "Port:b Interface:b", "Port:x Interface:x"),
    Kind(MESSAGING, 6, "I2O", "Tid:i", "Tid:x"),
    Kind(MESSAGING, 9, "Infiniband", "Flags:i PortGid:g ServiceId:q TargetPortId:q DeviceId:q",
         "Flags:x PortGid:g ServiceId:x TargetPortId:x DeviceId:x"),
    Kind(MESSAGING, 10, "VenMsg", "Guid:g", rest=True),
    Kind(MESSAGING, 11, "MAC", "Address:32 IfType:b"),
    Kind(MESSAGING, 12, "IPv4", "Local:4 Remote:4 LocalPort:h RemotePort:h Protocol:h Static:b", rest=True),
    Kind(MESSAGING, 13, "IPv6", "Local:16 Remote:16 LocalPort:h RemotePort:h Protocol:h Origin:b PrefixLength:b Gateway:16"),
    Kind(MESSAGING, 14, "Uart", "Reserved:i BaudRate:q DataBits:b Parity:b StopBits:b"),
    Kind(MESSAGING, 15, "UsbClass", "VendorId:h ProductId:h Class:b SubClass:b Protocol:b"),
    Kind(MESSAGING, 16, "UsbWwid", "Interface:h VendorId:h ProductId:h", rest=True),
    Kind(MESSAGING, 17, "Unit", "Lun:b", "Lun:x"),
    Kind(MESSAGING, 18, "Sata", "HBAPort:h PortMultiplier:h Lun:h", "HBAPort:x PortMultiplier:x Lun:x"),
    Kind(MESSAGING, 19, "iSCSI", "Protocol:h Options:h Lun:8 PortalGroup:h", rest=True),
    Kind(MESSAGING, 20, "Vlan", "VlanId:h", "VlanId:d"),
    Kind(MESSAGING, 21, "FibreEx", "Reserved:i WWN:8 Lun:8"),
    Kind(MESSAGING, 22, "SasEx", "Address:8 Lun:8 Topology:h TargetPort:h"),
    Kind(MESSAGING, 23, "NVMe", "Namespace:i Eui:8"),
    Kind(MESSAGING, 24, "Uri", "", rest=True),
    Kind(MESSAGING, 25, "UFS", "Target:b Lun:b", "Target:x Lun:x"),
    Kind(MESSAGING, 26, "SD", "Slot:b", "Slot:x"),
    Kind(MESSAGING, 27, "Bluetooth", "Address:6"),
    Kind(MESSAGING, 28, "Wi-Fi", "SSID:32"),
    Kind(MESSAGING, 29, "eMMC", "Slot:b", "Slot:x"),
    Kind(MESSAGING, 30, "BluetoothLE", "Address:6 AddressType:b"),
    Kind(MESSAGING, 31, "Dns", "IsIPv6:b", rest=True),
    Kind(MEDIA, 1, "HD", "Partition:i Start:q Size:q Signature:g Format:b SignatureType:b"),
    Kind(MEDIA, 2, "CDROM", "Entry:i Start:q Size:q"),
    Kind(MEDIA, 3, "VenMedia", "Guid:g", rest=True),
    Kind(MEDIA, 4, "FilePath", "", rest=True),
    Kind(MEDIA, 5, "Media", "Guid:g", "Guid:g"),
    Kind(MEDIA, 6, "FvFile", "Guid:g", "Guid:g"),
    Kind(MEDIA, 7, "Fv", "Guid:g", "Guid:g"),
    Kind(MEDIA, 8, "Offset", "Reserved:i Start:q End:q", "Start:x End:x"),
    Kind(MEDIA, 9, "RamDisk", "Start:q End:q Guid:g Instance:h"),
    Kind(BIOS_BOOT, 1, "BBS", "DeviceType:h StatusFlag:h", rest=True),
]
BY_NUMBER = {(kind.type, kind.subtype): kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in KINDS}

PNP_PCI_ROOT = 0x0A0341D0               # PNP0A03 as EISA IDs are packed


@dataclass(frozen=True)
class Node:
    """One node. fields: name -> value, if its kind is known and it is long enough; rest: the bytes behind them."""
    type: int
    subtype: int
    data: bytes
    kind: Kind | None = None
    fields: dict = field(default_factory=dict)
    rest: bytes = b""

    @property
    def bytes(self) -> bytes:
        return bytes((self.type, self.subtype)) + (4 + len(self.data)).to_bytes(2, "little") + self.data

    @property
    def is_end(self) -> bool:
        return self.type == END and self.subtype == END_ENTIRE


class BadPath(ValueError):
    """Bytes that are no device path."""


def node(data: bytes) -> Node:
    """The node at the start of `data`. BadPath."""
    if len(data) < 4:
        raise BadPath("it ends without an end node")
    length = int.from_bytes(data[2:4], "little")
    if length < 4 or length > len(data):
        raise BadPath(f"a node of type {data[0]:X}h/{data[1]:X}h says that it has {length} bytes")
    content = bytes(data[4:length])
    kind = BY_NUMBER.get((data[0], data[1]))
    if kind is None or len(content) < struct.calcsize(kind.format):
        return Node(data[0], data[1], content)
    size = struct.calcsize(kind.format)
    return Node(data[0], data[1], content, kind, dict(zip(kind.names, struct.unpack(kind.format, content[:size]))),
                content[size:])


def parse(path: bytes) -> list[Node]:
    """The nodes of a path, without the one that ends it; END_INSTANCE nodes are among them. BadPath."""
    nodes, at = [], 0
    while True:
        found = node(path[at:])
        if found.is_end:
            return nodes
        nodes.append(found)
        at += 4 + len(found.data)


def size(path: bytes) -> int:
    """Bytes of the path at the start of `path`, its end included. BadPath."""
    return sum(4 + len(each.data) for each in parse(path)) + 4


def join(parts: Iterable[bytes]) -> bytes:
    """Nodes, each as its bytes, as a path with an end."""
    return b"".join(parts) + END_NODE


def append(path: bytes, *parts: bytes) -> bytes:
    """A path with further nodes, each as its bytes."""
    return path[:-4] + b"".join(parts) + END_NODE


def join_instances(*paths: bytes) -> bytes:
    """Paths, each with its end, as the instances of one."""
    return b"".join(path[:-4] + END_INSTANCE_NODE for path in paths[:-1]) + paths[-1]


def starts_with(path: bytes, start: bytes) -> bool:
    """Whether `start`, without its end, is how `path` begins."""
    return path[:len(start) - 4] == start[:-4]


def file_path(name: str) -> bytes:
    r"""A FilePath node: \EFI\BOOT\BOOTX64.EFI."""
    return BY_NAME["FilePath"].build(name.encode("utf-16-le", "surrogatepass") + b"\0\0")


def file_name(nodes: list[Node]) -> str | None:
    """The name that the FilePath nodes of a path make together; None if there are others among them, or none."""
    if not nodes or any(each.kind is not BY_NAME["FilePath"] for each in nodes):
        return None
    parts = [each.rest.decode("utf-16-le", "surrogatepass").split("\0")[0] for each in nodes]
    name = parts[0]
    for part in parts[1:]:
        name = name.rstrip("\\") + "\\" + part.lstrip("\\")
    return name


def pci_root(*parts: bytes) -> bytes:
    """PciRoot(0x0), then further nodes: a path with its end."""
    return join((BY_NAME["Acpi"].build(HID=PNP_PCI_ROOT, UID=0), *parts))


def pci(device: int, function: int) -> bytes:
    """Pci(device, function): a node."""
    return BY_NAME["Pci"].build(Device=device, Function=function)


def read(uefi, address: int) -> bytes:
    """The path at an address of the guest's, with its end. BadPath for what is none; BadPointer."""
    found = bytearray()
    while len(found) < LONGEST:
        header = uefi.read(address + len(found), 4)
        length = int.from_bytes(header[2:4], "little")
        if length < 4:
            raise BadPath(f"a node of type {header[0]:X}h/{header[1]:X}h says that it has {length} bytes")
        found += uefi.read(address + len(found), length)
        if header[0] == END and header[1] == END_ENTIRE:
            return bytes(found)
    raise BadPath(f"it does not end within {LONGEST} bytes")


