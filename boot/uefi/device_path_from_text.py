"""Text that becomes a device path: the other direction of device_path_text.py.

As in EDK2 nothing is refused: a number that is none is 0, what is missing has a default, a word that is no node is a file's name.
Only parentheses have to match.

Source: UEFI 2.10, section 10.6; where it leaves a choice, EDK2's DevicePathFromText.
"""
from __future__ import annotations

import re
import struct

from boot.uefi.definitions import Guid
from boot.uefi.device_path import BY_NAME, END_INSTANCE_NODE, END_NODE, KINDS, SIZES, file_path
from boot.uefi.device_path_text import (ACPI_NAMES, BOOT_DEVICES, FLOW_CONTROL, FLOWS, GENERIC, GPT, MBR, ORIGINS, PARITIES, PNP,
                                        PROTOCOLS, RAM_DISKS, SAS, SAS_DATA, STOP_BITS, TERMINALS, USB_APPLICATION,
                                        USB_APPLICATIONS, USB_CLASSES)

NODE = re.compile(r"([^(]*)\(([^)]*)\)", re.DOTALL)
LONGEST_DATA = 0xFFFF - 4               # bytes of a node without its header
LARGEST = 0xFFFF_FFFF_FFFF_FFFF


def path_from_text(text: str) -> bytes | None:
    """The path that a text stands for; None for an empty one."""
    if not text:
        return None
    nodes, at = [], 0
    while True:
        while at < len(text) and text[at] in "/,()":
            at += 1
        end, depth = at, 0
        while end < len(text) and (depth or text[end] not in "/,"):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if depth or at >= len(text):
            return b"".join(nodes) + END_NODE
        nodes.append(node_from_text(text[at:end]))
        if text[end:end + 1] == ",":
            nodes.append(END_INSTANCE_NODE)
        at = end + 1


def node_from_text(text: str) -> bytes | None:
    """The node that a text stands for; None for an empty one."""
    if not text:
        return None
    found = NODE.match(text)
    reader = READERS.get(found[1]) if found else None
    if reader is None:
        return file_path(text[:LONGEST_DATA // 2 - 1])
    return reader(Arguments(found[2]))


class Arguments:
    """What stands between the parentheses, taken one by one; those that are missing are empty."""

    def __init__(self, text: str):
        self.left = text.split(",")

    def text(self) -> str:
        return self.left.pop(0) if self.left else ""

    def number(self, bits: int = 64, default: int = 0) -> int:
        """A number of so many bits, hexadecimal with 0x. What is too large for 64 bits is the largest."""
        return number(self.left.pop(0), bits) if self.left and self.left[0] else default

    def word(self, words, bits: int = 8) -> int:
        """A word of a table value -> word, or the number itself."""
        text = self.text()
        return next((value for value, word in words.items() if word == text), number(text, bits))

    def guid(self) -> bytes:
        try:
            return bytes(Guid(self.text()))
        except ValueError:
            return bytes(16)

    def data(self, size: int | None = None) -> bytes:
        """Hexadecimal digits, with 0x or without, as bytes: `size` of them."""
        digits = self.text().strip()
        digits = digits[2:] if digits[:2].lower() == "0x" else digits
        digits = digits[:2 * LONGEST_DATA]
        try:
            found = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
        except ValueError:
            found = bytes((len(digits) + 1) // 2)
        return found if size is None else found[:size].ljust(size, b"\0")

    def ascii(self, size: int = LONGEST_DATA) -> bytes:
        return self.text().encode("latin-1", "replace")[:size]


def number(text: str, bits: int) -> int:
    found = re.match(r"[ \t]*0*[xX]([0-9a-fA-F]*)", text)
    if found:
        value = int(found[1][-40:] or "0", 16) if len(found[1].lstrip("0")) <= 16 else LARGEST
    else:
        digits = re.match(r"[ \t]*0*([0-9]*)", text)[1]
        value = min(int(digits or "0"), LARGEST) if len(digits) <= 20 else LARGEST
    return value & ((1 << bits) - 1)


def from_row(kind):
    """The reader of a kind whose row says what its text shows."""
    sizes = dict(each.split(":") for each in kind.fields.split())

    def read(arguments):
        values = {}
        for name, _, how in (each.partition(":") for each in kind.arguments.split()):
            bits = 8 * struct.calcsize(SIZES[sizes[name]])
            values[name] = arguments.guid() if how == "g" else arguments.number(bits)
        return kind.build(**values)
    return read


# ---- generic, hardware and ACPI --------------------------------------------------------------------------------------

def generic(arguments):
    return raw(arguments.number(8), arguments)


def raw(type, arguments):
    """A node of which type, subtype and bytes are given."""
    subtype, data = arguments.number(8), arguments.data()[:LONGEST_DATA]
    return bytes((type, subtype)) + (4 + len(data)).to_bytes(2, "little") + data


def vendor(name):
    return lambda arguments: BY_NAME[name].build(Guid=arguments.guid(), rest=arguments.data()[:LONGEST_DATA - 16])


def eisa_id(text):
    """`PNP0A03` as a number: three letters of five bits, four digits in the high half."""
    letters = (text + "@@@")[:3]
    low = sum((ord(letter) - ord("@") & 0x1F) << shift for letter, shift in zip(letters, (10, 5, 0)))
    return low | number(f"0x{text[3:]}", 16) << 16


def acpi(arguments):
    return BY_NAME["Acpi"].build(HID=eisa_id(arguments.text()), UID=arguments.number(32))


def acpi_named(pnp):
    return lambda arguments: BY_NAME["Acpi"].build(HID=pnp << 16 | PNP, UID=arguments.number(32))


def compatible_id(text):
    return 0 if text[:1] in ("", "0") else eisa_id(text)


def acpi_extended(arguments):
    hid, cid, uid = eisa_id(arguments.text()), compatible_id(arguments.text()), arguments.number(32)
    hid_text, cid_text, uid_text = (arguments.ascii(1000) for _ in range(3))
    return BY_NAME["AcpiEx"].build(HID=hid, UID=uid, CID=cid, rest=b"\0".join((hid_text, uid_text, cid_text, b"")))


def acpi_expanded(arguments):
    hid, cid, uid = eisa_id(arguments.text()), compatible_id(arguments.text()), arguments.ascii(1000)
    return BY_NAME["AcpiEx"].build(HID=hid, CID=cid, rest=b"\0" + uid + b"\0\0")


def acpi_addresses(arguments):
    first = arguments.number(32)
    more = [arguments.number(32) for _ in range(min(len(arguments.left), 1000))]
    return BY_NAME["AcpiAdr"].build(ADR=first, rest=struct.pack(f"<{len(more)}I", *more))


# ---- messaging -------------------------------------------------------------------------------------------------------

def ata(arguments):
    return BY_NAME["Ata"].build(Secondary=arguments.word({0: "Primary", 1: "Secondary"}),
                                Slave=arguments.word({0: "Master", 1: "Slave"}), Lun=arguments.number(16))


def firewire(arguments):
    return BY_NAME["I1394"].build(Guid=number(f"0x{arguments.text()}", 64))


def fibre_extended(arguments):
    return BY_NAME["FibreEx"].build(WWN=arguments.number().to_bytes(8, "big"), Lun=arguments.number().to_bytes(8, "big"))


def terminal(guid):
    return lambda arguments: BY_NAME["VenMsg"].build(Guid=bytes(guid))


def flow_control(arguments):
    word = arguments.text()
    value = next((value for value, name in FLOWS.items() if name == word), 0)
    return BY_NAME["VenMsg"].build(Guid=bytes(FLOW_CONTROL), rest=value.to_bytes(4, "little"))


def sas(arguments):
    address, lun, port, place = arguments.number(), arguments.number(), arguments.number(16), topology(arguments)
    return BY_NAME["VenMsg"].build(Guid=bytes(SAS), rest=SAS_DATA.pack(arguments.number(32), address, lun, place, port))


def sas_extended(arguments):
    address, lun = arguments.number().to_bytes(8, "big"), arguments.number().to_bytes(8, "big")
    return BY_NAME["SasEx"].build(Address=address, Lun=lun, TargetPort=arguments.number(16), Topology=topology(arguments))


def topology(arguments):
    kind = arguments.text()
    external, expanded = arguments.word({0: "Internal", 1: "External"}), arguments.word({0: "Direct", 1: "Expanded"})
    bay = arguments.number(16)
    if kind == "NoTopology":
        return 0
    if kind not in ("SATA", "SAS"):
        return number(kind, 16)
    return ((bay - 1 & 0xFF) << 8 | 2 if bay else 1) | (kind == "SATA") << 4 | (external & 1) << 5 | (expanded & 1) << 6


def mac(arguments):
    return BY_NAME["MAC"].build(Address=arguments.data(32), IfType=arguments.number(8))


def ip4(text):
    return bytes(number(part, 8) for part in (text.split(".") + ["", "", "", ""])[:4])


def ip6(text):
    """Eight groups of sixteen bits; :: stands for groups of zeros."""
    head, double, tail = text.strip("[]").partition("::")
    groups = [[number(f"0x{group}", 16) for group in part.split(":") if group] for part in (head, tail)]
    left, right = groups[0][:8], groups[1][:8 - len(groups[0][:8])]
    filled = left + [0] * (8 - len(left) - len(right)) + right
    return struct.pack(">8H", *filled)


def ipv4(arguments):
    remote, protocol, kind = ip4(arguments.text()), arguments.word(PROTOCOLS, 16), arguments.text()
    local, gateway, mask = (ip4(arguments.text()) for _ in range(3))
    return BY_NAME["IPv4"].build(Local=local, Remote=remote, Protocol=protocol, Static=int(kind == "Static"), rest=gateway + mask)


def ipv6(arguments):
    remote, protocol, origin = ip6(arguments.text()), arguments.word(PROTOCOLS, 16), arguments.text()
    return BY_NAME["IPv6"].build(Local=ip6(arguments.text()), Remote=remote, Protocol=protocol,
                                 Origin=ORIGINS.index(origin) if origin in ORIGINS else 2, PrefixLength=arguments.number(8),
                                 Gateway=ip6(arguments.text()))


def uart(arguments):
    baud, bits, parity, stop = (arguments.text() for _ in range(4))
    return BY_NAME["Uart"].build(BaudRate=115200 if baud == "DEFAULT" else number(baud, 64),
                                 DataBits=8 if bits == "DEFAULT" else number(bits, 8),
                                 Parity=PARITIES.index(parity[0]) if parity and parity[0] in PARITIES else 0xFF,
                                 StopBits=STOP_BITS.index(stop) if stop in STOP_BITS else 0xFF)


def usb_class(kind=None, subclass=None):
    """The reader of UsbClass(...), or of a name that says the class, or class and subclass."""
    def read(arguments):
        vendor_id, product = arguments.number(16, 0xFFFF), arguments.number(16, 0xFFFF)
        return BY_NAME["UsbClass"].build(VendorId=vendor_id, ProductId=product,
                                         Class=arguments.number(8, 0xFF) if kind is None else kind,
                                         SubClass=arguments.number(8, 0xFF) if subclass is None else subclass,
                                         Protocol=arguments.number(8, 0xFF))
    return read


def usb_wwid(arguments):
    vendor_id, product, interface = (arguments.number(16) for _ in range(3))
    serial = arguments.text()[:1000]
    if serial.startswith('"') and serial.endswith('"') and len(serial) > 1:
        serial = serial[1:-1]
    return BY_NAME["UsbWwid"].build(VendorId=vendor_id, ProductId=product, Interface=interface,
                                    rest=serial.encode("utf-16-le", "surrogatepass"))


def sata(arguments):
    port, multiplier = arguments.number(16), arguments.number(16, 0xFFFF)
    return BY_NAME["Sata"].build(HBAPort=port, PortMultiplier=multiplier, Lun=arguments.number(16))


def iscsi(arguments):
    name, group, lun = arguments.ascii(1000), arguments.number(16), arguments.data(8)
    header, data, authentication, protocol = (arguments.text() for _ in range(4))
    options = (header == "CRC32C") << 1 | (data == "CRC32C") << 3 | {"None": 0x800, "CHAP_UNI": 0x1000}.get(authentication, 0)
    return BY_NAME["iSCSI"].build(Protocol=int(protocol != "TCP"), Options=options, Lun=lun, PortalGroup=group, rest=name + b"\0")


def nvme(arguments):
    namespace, eui = arguments.number(32), arguments.text().split("-")
    identifier = bytes(number(f"0x{part}", 8) for part in (eui + [""] * 8)[:8])
    return BY_NAME["NVMe"].build(Namespace=namespace, Eui=identifier[::-1])


def bluetooth(arguments):
    return BY_NAME["Bluetooth"].build(Address=arguments.data(6))


def bluetooth_le(arguments):
    return BY_NAME["BluetoothLE"].build(Address=arguments.data(6), AddressType=arguments.number(8))


def wifi(arguments):
    return BY_NAME["Wi-Fi"].build(SSID=arguments.ascii(32))


def uri(arguments):
    return BY_NAME["Uri"].build(rest=arguments.ascii())


def dns(arguments):
    texts = arguments.left[:1000]
    is_ipv6 = ":" in texts[0]
    return BY_NAME["Dns"].build(IsIPv6=int(is_ipv6), rest=b"".join(ip6(text) if is_ipv6 else ip4(text).ljust(16, b"\0")
                                                                   for text in texts))


# ---- media and BBS ---------------------------------------------------------------------------------------------------

def hard_drive(arguments):
    partition, kind, signature = arguments.number(32), arguments.text(), arguments.text()
    if kind == "MBR":
        format, words = MBR, number(signature, 32).to_bytes(16, "little")
    elif kind == "GPT":
        format, words = GPT, Arguments(signature).guid()
    else:
        format, words = 0, bytes(16)
    start, size = arguments.number(), arguments.number()
    return BY_NAME["HD"].build(Partition=partition, Start=start, Size=size, Signature=words, Format=format,
                               SignatureType=format or number(kind, 8))


def cdrom(arguments):
    return BY_NAME["CDROM"].build(Entry=arguments.number(32), Start=arguments.number(), Size=arguments.number())


def ram_disk(guid=None):
    def read(arguments):
        start, end, instance = arguments.number(), arguments.number(), arguments.number(16)
        return BY_NAME["RamDisk"].build(Start=start, End=end, Instance=instance, Guid=bytes(guid) if guid else arguments.guid())
    return read


def bios_boot(arguments):
    kind, name = arguments.word(BOOT_DEVICES, 16), arguments.ascii(1000)
    return BY_NAME["BBS"].build(DeviceType=kind, StatusFlag=arguments.number(16), rest=name + b"\0")


READERS = {kind.name: from_row(kind) for kind in KINDS if kind.arguments}
READERS |= {name: lambda arguments, type=type: raw(type, arguments) for type, name in GENERIC.items()}
READERS |= {name: acpi_named(pnp) for pnp, name in ACPI_NAMES.items()}
READERS |= {name: terminal(guid) for guid, name in TERMINALS.items()}
READERS |= {name: usb_class(kind) for kind, name in USB_CLASSES.items()}
READERS |= {name: usb_class(USB_APPLICATION, subclass) for subclass, name in USB_APPLICATIONS.items()}
READERS |= {name: ram_disk(guid) for guid, name in RAM_DISKS.items()}
READERS |= {"Path": generic, "VenHw": vendor("VenHw"), "Acpi": acpi, "AcpiEx": acpi_extended, "AcpiExp": acpi_expanded,
            "AcpiAdr": acpi_addresses, "Ata": ata, "I1394": firewire, "FibreEx": fibre_extended, "VenMsg": vendor("VenMsg"),
            "UartFlowCtrl": flow_control, "SAS": sas, "SasEx": sas_extended, "MAC": mac, "IPv4": ipv4, "IPv6": ipv6, "Uart": uart,
            "UsbClass": usb_class(), "UsbWwid": usb_wwid, "Sata": sata, "iSCSI": iscsi, "NVMe": nvme, "Bluetooth": bluetooth,
            "BluetoothLE": bluetooth_le, "Wi-Fi": wifi, "Uri": uri, "Dns": dns, "HD": hard_drive, "CDROM": cdrom,
            "VenMedia": vendor("VenMedia"), "RamDisk": ram_disk(), "BBS": bios_boot}
