"""Device paths as text: `PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0x0)/HD(1,GPT,...)/\\EFI\\BOOT\\BOOTX64.EFI`.

Most kinds of nodes say in their row (device_path.py) what their text shows; the others have a function here. Words that stand
for numbers are tables, which reading (device_path_from_text.py) uses as well.

Source: UEFI 2.10, section 10.6; where it leaves a choice, EDK2's DevicePathToText.
"""
from __future__ import annotations

import struct

from boot.uefi.definitions import Guid
from boot.uefi.device_path import ACPI, BIOS_BOOT, END, HARDWARE, MEDIA, MESSAGING, Node, parse

GENERIC = {HARDWARE: "HardwarePath", ACPI: "AcpiPath", MESSAGING: "Msg", MEDIA: "MediaPath", BIOS_BOOT: "BbsPath"}

PNP = 0x41D0                            # the low half of an EISA ID: the letters "PNP"
PCI_ROOT, PCIE_ROOT = 0x0A03, 0x0A08
ACPI_NAMES = {PCI_ROOT: "PciRoot", PCIE_ROOT: "PcieRoot", 0x0604: "Floppy", 0x0301: "Keyboard", 0x0501: "Serial",
              0x0401: "ParallelPort"}
TERMINALS = {Guid("e0c14753-f9be-11d2-9a0c-0090273fc14d"): "VenPcAnsi",
             Guid("dfa66065-b419-11d3-9a2d-0090273fc14d"): "VenVt100",
             Guid("7baec70b-57e0-4c76-8e87-2f9e28088343"): "VenVt100Plus",
             Guid("ad15a0d6-8bec-4acf-a073-d01de77e2d88"): "VenUtf8",
             Guid("eba4e8d2-3858-41ec-a281-2647ba9660d0"): "DebugPort"}
FLOW_CONTROL = Guid("37499a9d-542f-4c89-a026-35da142094e4")
FLOWS = {0: "None", 1: "Hardware", 2: "XonXoff"}
SAS = Guid("d487ddb4-008b-11d9-afdc-001083ffca4d")
SAS_DATA = struct.Struct("<IQQHH")      # reserved, address, LUN, topology, target port
RAM_DISKS = {Guid("77ab535a-45fc-624b-5560-f7b281d1f96e"): "VirtualDisk",
             Guid("3d5abd30-4175-87ce-6d64-d2ade523c4bb"): "VirtualCD",
             Guid("5cea02c9-4d07-69d3-269f-4496fbe096f9"): "PersistentVirtualDisk",
             Guid("08018188-42cd-bb48-100f-5387d53ded3d"): "PersistentVirtualCD"}
USB_CLASSES = {1: "UsbAudio", 2: "UsbCDCControl", 3: "UsbHID", 6: "UsbImage", 7: "UsbPrinter", 8: "UsbMassStorage", 9: "UsbHub",
               10: "UsbCDCData", 11: "UsbSmartCard", 14: "UsbVideo", 220: "UsbDiagnostic", 224: "UsbWireless"}
USB_APPLICATION = 254                   # a class whose subclasses have names
USB_APPLICATIONS = {1: "UsbDeviceFirmwareUpdate", 2: "UsbIrdaBridge", 3: "UsbTestAndMeasurement"}
BOOT_DEVICES = {1: "Floppy", 2: "HD", 3: "CDROM", 4: "PCMCIA", 5: "USB", 6: "Network"}
PROTOCOLS = {6: "TCP", 17: "UDP"}
ORIGINS = ("Static", "StatelessAutoConfigure", "StatefulAutoConfigure")
PARITIES, STOP_BITS = "DNEOMS", ("D", "1", "1.5", "2")
MBR, GPT = 1, 2                         # kinds of signatures


def path_text(path: bytes, display_only: bool = False, shortcuts: bool = False) -> str:
    """A device path as text.

    display_only: leave out what only programs need. shortcuts: use names that stand for a GUID. BadPath."""
    text = ""
    for node in parse(path):
        if node.type == END:
            text += ","                 # between two instances
        else:
            text += ("/" if text else "") + node_text(node, display_only, shortcuts)
    return text


def node_text(node: Node, display_only: bool = False, shortcuts: bool = False) -> str:
    """One node as text."""
    if node.kind is None:
        return generic(node)
    if node.kind.name in WRITERS:
        return WRITERS[node.kind.name](node, node.fields, display_only, shortcuts)
    return call(node.kind.name, *(argument(node.fields[name], kind)
                                  for name, _, kind in (each.partition(":") for each in node.kind.arguments.split())))


def argument(value, kind: str) -> str:
    """A field in the text: x hexadecimal, d decimal, g a GUID."""
    return str(Guid(value)).upper() if kind == "g" else f"0x{value:X}" if kind == "x" else str(value)


def call(name: str, *arguments: str) -> str:
    return f"{name}({','.join(arguments)})"


def hexadecimal(data: bytes) -> str:
    return data.hex().upper()


def ascii_text(data: bytes) -> str:
    """A CHAR8 string, to its NUL or the end of the bytes."""
    return data.split(b"\0")[0].decode("latin-1")


def utf16_text(data: bytes) -> str:
    """A CHAR16 string, to its NUL or the end of the bytes."""
    return data[:len(data) // 2 * 2].decode("utf-16-le", "surrogatepass").split("\0")[0]


def generic(node):
    """A node of which nothing is known but its type and its bytes."""
    data = [hexadecimal(node.data)] if node.data else []
    if node.type in GENERIC:
        return call(GENERIC[node.type], str(node.subtype), *data)
    return call("Path", str(node.type), str(node.subtype), *data)


# ---- hardware and ACPI -----------------------------------------------------------------------------------------------

def acpi(node, fields, display_only, shortcuts):
    number, uid = fields["HID"] >> 16, f"0x{fields['UID']:X}"
    if fields["HID"] & 0xFFFF != PNP:
        return call("Acpi", f"0x{fields['HID']:08X}", uid)
    return call(ACPI_NAMES[number], uid) if number in ACPI_NAMES else call("Acpi", f"PNP{number:04X}", uid)


def acpi_extended(node, fields, display_only, shortcuts):
    hid, uid, cid = fields["HID"], fields["UID"], fields["CID"]
    hid_text, uid_text, cid_text = ([*node.rest.split(b"\0"), b"", b"", b""])[:3]
    hid_text, uid_text, cid_text = (each.decode("latin-1") for each in (hid_text, uid_text, cid_text))
    if display_only:
        numbers = hid >> 16, cid >> 16
        if PCI_ROOT in numbers and numbers[0] != PCIE_ROOT:
            return call("PciRoot", f"0x{uid:X}" if uid else uid_text)
        if PCIE_ROOT in numbers:
            return call("PcieRoot", f"0x{uid:X}" if uid else uid_text)
    if uid_text and not hid_text and not cid_text:
        return call("AcpiExp", eisa_id(hid), eisa_id(cid) if cid else "0", uid_text)
    if display_only:
        return call("AcpiEx", hid_text or eisa_id(hid), cid_text or eisa_id(cid), uid_text or f"0x{uid:X}")
    return call("AcpiEx", eisa_id(hid), eisa_id(cid), f"0x{uid:X}", hid_text, cid_text, uid_text)


def eisa_id(number):
    """`PNP0A03`: three letters of five bits, four digits."""
    letters = "".join(chr((number >> shift & 0x1F) + ord("A") - 1) for shift in (10, 5, 0))
    return f"{letters}{number >> 16:04X}"


def acpi_addresses(node, fields, display_only, shortcuts):
    return call("AcpiAdr", *(f"0x{value:X}" for value, in struct.iter_unpack("<I", node.data[:len(node.data) // 4 * 4])))


# ---- messaging -------------------------------------------------------------------------------------------------------

def ata(node, fields, display_only, shortcuts):
    lun = f"0x{fields['Lun']:X}"
    if display_only:
        return call("Ata", lun)
    return call("Ata", "Secondary" if fields["Secondary"] else "Primary", "Slave" if fields["Slave"] else "Master", lun)


def firewire(node, fields, display_only, shortcuts):
    return call("I1394", f"{fields['Guid']:016X}")


def fibre_extended(node, fields, display_only, shortcuts):
    return call("FibreEx", f"0x{hexadecimal(fields['WWN'])}", f"0x{hexadecimal(fields['Lun'])}")


def vendor(node, fields, display_only, shortcuts):
    data = [hexadecimal(node.rest)] if node.rest else []
    return call(node.kind.name, argument(fields["Guid"], "g"), *data)


def vendor_message(node, fields, display_only, shortcuts):
    guid = Guid(fields["Guid"])
    if shortcuts and guid in TERMINALS:
        return call(TERMINALS[guid])
    if shortcuts and guid == FLOW_CONTROL and len(node.rest) >= 4:
        return call("UartFlowCtrl", FLOWS.get(int.from_bytes(node.rest[:4], "little") & 3, ""))
    if shortcuts and guid == SAS and len(node.rest) >= SAS_DATA.size:
        reserved, address, lun, place, port = SAS_DATA.unpack_from(node.rest)
        return call("SAS", f"0x{address:X}", f"0x{lun:X}", f"0x{port:X}", *topology(place), f"0x{reserved:X}")
    return vendor(node, fields, display_only, shortcuts)


def sas_extended(node, fields, display_only, shortcuts):
    return call("SasEx", f"0x{hexadecimal(fields['Address'])}", f"0x{hexadecimal(fields['Lun'])}",
                f"0x{fields['TargetPort']:X}", *topology(fields["Topology"]))


def topology(value):
    """Device and topology information of SAS: 0-3 how much is said, 4 SATA, 5 external, 6 by an expander, 8-15 drive bay."""
    if value & 0x8F == 0:
        return "NoTopology", "0", "0", "0"
    if value & 0x8F > 2:
        return f"0x{value:X}", "0", "0", "0"
    return ("SATA" if value & 0x10 else "SAS", "External" if value & 0x20 else "Internal",
            "Expanded" if value & 0x40 else "Direct", "0" if value & 0xF == 1 else f"0x{(value >> 8) + 1:X}")


def mac(node, fields, display_only, shortcuts):
    address = fields["Address"][:6] if fields["IfType"] in (0, 1) else fields["Address"]
    return call("MAC", hexadecimal(address), f"0x{fields['IfType']:X}")


def ip4(data):
    return ".".join(str(byte) for byte in data)


def ip6(data):
    return ":".join(hexadecimal(data[at:at + 2]) for at in range(0, 16, 2))


def protocol(number):
    return PROTOCOLS.get(number, f"0x{number:X}")


def ipv4(node, fields, display_only, shortcuts):
    if display_only:
        return call("IPv4", ip4(fields["Remote"]))
    more = [ip4(node.rest[:4]), ip4(node.rest[4:8])] if len(node.rest) >= 8 else []
    return call("IPv4", ip4(fields["Remote"]), protocol(fields["Protocol"]), "Static" if fields["Static"] else "DHCP",
                ip4(fields["Local"]), *more)


def ipv6(node, fields, display_only, shortcuts):
    if display_only:
        return call("IPv6", ip6(fields["Remote"]))
    return call("IPv6", ip6(fields["Remote"]), protocol(fields["Protocol"]), ORIGINS[min(fields["Origin"], 2)],
                ip6(fields["Local"]), f"0x{fields['PrefixLength']:X}", ip6(fields["Gateway"]))


def uart(node, fields, display_only, shortcuts):
    def word(names, number):
        return names[number] if number < len(names) else "x"
    return call("Uart", str(fields["BaudRate"] or "DEFAULT"), str(fields["DataBits"] or "DEFAULT"),
                word(PARITIES, fields["Parity"]), word(STOP_BITS, fields["StopBits"]))


def usb_class(node, fields, display_only, shortcuts):
    kind, subclass = fields["Class"], fields["SubClass"]
    vendor_id, product, subclass_text, protocol_text = (f"0x{fields[name]:X}"
                                                        for name in ("VendorId", "ProductId", "SubClass", "Protocol"))
    if kind in USB_CLASSES:
        return call(USB_CLASSES[kind], vendor_id, product, subclass_text, protocol_text)
    if kind == USB_APPLICATION and subclass in USB_APPLICATIONS:
        return call(USB_APPLICATIONS[subclass], vendor_id, product, protocol_text)
    return call("UsbClass", vendor_id, product, f"0x{kind:X}", subclass_text, protocol_text)


def usb_wwid(node, fields, display_only, shortcuts):
    return call("UsbWwid", *(f"0x{fields[name]:X}" for name in ("VendorId", "ProductId", "Interface")),
                f'"{utf16_text(node.rest)}"')


def iscsi(node, fields, display_only, shortcuts):
    options = fields["Options"]
    digests = ["CRC32C" if options & bit else "None" for bit in (2, 8)]
    authentication = "None" if options & 0x800 else "CHAP_UNI" if options & 0x1000 else "CHAP_BI"
    return call("iSCSI", ascii_text(node.rest), f"0x{fields['PortalGroup']:X}", f"0x{hexadecimal(fields['Lun'])}", *digests,
                authentication, "reserved" if fields["Protocol"] else "TCP")


def nvme(node, fields, display_only, shortcuts):
    return call("NVMe", f"0x{fields['Namespace']:X}", fields["Eui"][::-1].hex("-").upper())


def bluetooth(node, fields, display_only, shortcuts):
    return call("Bluetooth", hexadecimal(fields["Address"]))


def bluetooth_le(node, fields, display_only, shortcuts):
    return call("BluetoothLE", hexadecimal(fields["Address"]), f"0x{fields['AddressType']:02X}")


def wifi(node, fields, display_only, shortcuts):
    return call("Wi-Fi", ascii_text(fields["SSID"]))


def uri(node, fields, display_only, shortcuts):
    return call("Uri", ascii_text(node.rest))


def dns(node, fields, display_only, shortcuts):
    addresses = [node.rest[at:at + 16] for at in range(0, len(node.rest) // 16 * 16, 16)]
    return call("Dns", *(ip6(each) if fields["IsIPv6"] else ip4(each[:4]) for each in addresses))


# ---- media and BBS ---------------------------------------------------------------------------------------------------

def hard_drive(node, fields, display_only, shortcuts):
    signature, kind = fields["Signature"], fields["SignatureType"]
    words = {MBR: ("MBR", f"0x{int.from_bytes(signature[:4], 'little'):08X}"), GPT: ("GPT", argument(signature, "g"))}
    return call("HD", str(fields["Partition"]), *words.get(kind, (str(kind), "0")), f"0x{fields['Start']:X}",
                f"0x{fields['Size']:X}")


def cdrom(node, fields, display_only, shortcuts):
    shown = ("Entry",) if display_only else ("Entry", "Start", "Size")
    return call("CDROM", *(f"0x{fields[name]:X}" for name in shown))


def file_path(node, fields, display_only, shortcuts):
    return utf16_text(node.rest)


def ram_disk(node, fields, display_only, shortcuts):
    guid = Guid(fields["Guid"])
    place = f"0x{fields['Start']:X}", f"0x{fields['End']:X}", str(fields["Instance"])
    return call(RAM_DISKS[guid], *place) if guid in RAM_DISKS else call("RamDisk", *place, argument(guid, "g"))


def bios_boot(node, fields, display_only, shortcuts):
    kind = fields["DeviceType"]
    status = [] if display_only else [f"0x{fields['StatusFlag']:X}"]
    return call("BBS", BOOT_DEVICES.get(kind, f"0x{kind:X}"), ascii_text(node.rest), *status)


WRITERS = {"VenHw": vendor, "Acpi": acpi, "AcpiEx": acpi_extended, "AcpiAdr": acpi_addresses, "Ata": ata, "I1394": firewire,
           "FibreEx": fibre_extended, "VenMsg": vendor_message, "MAC": mac, "IPv4": ipv4, "IPv6": ipv6, "Uart": uart,
           "UsbClass": usb_class, "UsbWwid": usb_wwid, "iSCSI": iscsi, "SasEx": sas_extended, "NVMe": nvme, "Uri": uri,
           "Bluetooth": bluetooth, "Wi-Fi": wifi, "BluetoothLE": bluetooth_le, "Dns": dns, "HD": hard_drive, "CDROM": cdrom,
           "VenMedia": vendor, "FilePath": file_path, "RamDisk": ram_disk, "BBS": bios_boot}
