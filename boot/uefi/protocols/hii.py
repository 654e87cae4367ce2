"""EFI_HII_DATABASE_PROTOCOL and EFI_HII_STRING_PROTOCOL: lists of packages, and the strings in them. The UEFI Shell keeps
everything it says there. Fonts, forms, images and keyboard layouts are kept as bytes, and nobody asks for them here.

    package list   0 GUID   16 length (4, all of it)   20 packages
    package        0 length (3)   3 type   4 what the type has
    strings (04h)  4 HdrSize (4)   8 StringInfoOffset (4)   12 LanguageWindow (32)   44 LanguageName (2)   46 Language, ASCII

Source: UEFI 2.10, sections 33.3 (packages) and 34.3, 34.8 (protocols).
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field

from boot.uefi import hii_strings
from boot.uefi.definitions import Guid, Status
from boot.uefi.guest_memory import utf16
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on

LIST_HEADER, PACKAGE_HEADER = 20, 4
ALL, GUID_TYPE, FORMS, STRINGS, DEVICE_PATH, END = 0x00, 0x01, 0x02, 0x04, 0x08, 0xDF
LONGEST = 16 << 20                      # bytes of a package list that is believed


class BadPackages(ValueError):
    """Bytes that are no package list."""


@dataclass
class PackageList:
    """One list. packages: their bytes, the one that ends the list left out; driver: the handle it was given with, or 0;
    strings: language -> its strings, of all string packages."""
    handle: int
    guid: Guid
    driver: int
    packages: list[bytes] = field(default_factory=list)
    strings: dict[str, hii_strings.Table] = field(default_factory=dict)

    def __post_init__(self):
        self.keep(self.packages)

    def keep(self, packages: list[bytes]) -> None:
        """Have these packages from now on."""
        self.packages = packages
        self.strings = {table.language: table for table in map(hii_strings.parse, self.of_type(STRINGS))}

    def of_type(self, kind: int) -> list[bytes]:
        return [each for each in self.packages if kind in (ALL, each[3])]

    def export(self) -> bytes:
        """The list as bytes."""
        body = b"".join(self.packages) + (PACKAGE_HEADER | END << 24).to_bytes(4, "little")
        return bytes(self.guid) + struct.pack("<I", LIST_HEADER + len(body)) + body


def packages(data: bytes) -> list[bytes]:
    """The packages of a list. BadPackages; hii_strings.BadStrings for strings that make no sense."""
    found, at = [], LIST_HEADER
    while True:
        if at + PACKAGE_HEADER > len(data):
            raise BadPackages("it ends without an end package")
        header = int.from_bytes(data[at:at + 4], "little")
        length, kind = header & 0xFFFFFF, header >> 24
        if length < PACKAGE_HEADER or at + length > len(data):
            raise BadPackages(f"a package at {at:X}h says that it has {length} bytes")
        if kind == END:
            return found
        found.append(bytes(data[at:at + length]))
        if kind == STRINGS:
            hii_strings.parse(found[-1])
        at += length


class HiiDatabase(Protocol):
    """The lists. handles: EFI_HII_HANDLE -> PackageList, in the order in which they came."""

    guid = Guid("ef9fc172-a1b2-4693-b327-6d32fc416042")
    members = ("NewPackageList RemovePackageList UpdatePackageList ListPackageLists ExportPackageLists RegisterPackageNotify "
               "UnregisterPackageNotify FindKeyboardLayouts GetKeyboardLayout SetKeyboardLayout GetPackageListHandle")

    def __init__(self, uefi):
        super().__init__(uefi)
        self.lists: dict[int, PackageList] = {}

    def _read(self, address):
        """(GUID, packages) of a list in guest memory. BadPackages, BadStrings."""
        header = self.uefi.read(address, LIST_HEADER)
        length = int.from_bytes(header[16:20], "little")
        if not LIST_HEADER + PACKAGE_HEADER <= length <= LONGEST:
            raise BadPackages(f"it says that it has {length} bytes")
        return Guid(header[:16]), packages(self.uefi.read(address, length))

    @method("NewPackageList(IN EFI_HII_PACKAGE_LIST_HEADER *PackageList, IN EFI_HANDLE DriverHandle OPTIONAL, "
            "OUT EFI_HII_HANDLE *Handle)")
    def new_package_list(self, call, package_list, driver, handle_pointer):
        if not package_list or not handle_pointer:
            return Status.INVALID_PARAMETER
        try:
            guid, found = self._read(package_list)
        except ValueError as error:
            call.note = str(error)
            return Status.INVALID_PARAMETER
        if driver and any(each.guid == guid and each.driver == driver for each in self.lists.values()):
            return Status.INVALID_PARAMETER
        handle = self.uefi.allocate_pool(16)
        self.uefi.write(handle, b"hiih" + bytes(12))
        self.lists[handle] = PackageList(handle, guid, driver, found)
        self.uefi.write_u64(handle_pointer, handle)
        return Status.SUCCESS

    @method("RemovePackageList(IN EFI_HII_HANDLE Handle)")
    def remove_package_list(self, call, handle):
        if handle not in self.lists:
            return Status.NOT_FOUND
        del self.lists[handle]
        self.uefi.pool.release(handle)
        return Status.SUCCESS

    @method("UpdatePackageList(IN EFI_HII_HANDLE Handle, IN EFI_HII_PACKAGE_LIST_HEADER *PackageList)")
    def update_package_list(self, call, handle, package_list):
        """Packages of a type that the new list has replace all of that type."""
        found = self.lists.get(handle)
        if found is None or not package_list:
            return Status.INVALID_PARAMETER if not package_list else Status.NOT_FOUND
        try:
            _, new = self._read(package_list)
        except ValueError as error:
            call.note = str(error)
            return Status.INVALID_PARAMETER
        types = {each[3] for each in new}
        found.keep([each for each in found.packages if each[3] not in types] + new)
        return Status.SUCCESS

    @method("ListPackageLists(IN UINT8 PackageType, IN EFI_GUID *PackageGuid, IN OUT UINTN *HandleBufferLength, "
            "OUT EFI_HII_HANDLE *Handle)")
    def list_package_lists(self, call, kind, guid, length_pointer, buffer):
        if not length_pointer or (guid != 0) != (kind == GUID_TYPE):
            return Status.INVALID_PARAMETER
        wanted = self.uefi.read(guid, 16) if guid else None
        found = [each.handle for each in self.lists.values()
                 if any(wanted is None or package[4:20] == wanted for package in each.of_type(kind))]
        if not found:
            self.uefi.write_u64(length_pointer, 0)
            return Status.NOT_FOUND
        return self.uefi.offer(struct.pack(f"<{len(found)}Q", *found), length_pointer, buffer)

    @method("ExportPackageLists(IN EFI_HII_HANDLE Handle OPTIONAL, IN OUT UINTN *BufferSize, "
            "OUT EFI_HII_PACKAGE_LIST_HEADER *Buffer)")
    def export_package_lists(self, call, handle, size_pointer, buffer):
        if not size_pointer:
            return Status.INVALID_PARAMETER
        found = [each for each in self.lists.values() if handle in (0, each.handle)]
        if not found:
            return Status.NOT_FOUND
        data = b"".join(each.export() for each in found)
        return self.uefi.offer(data, size_pointer, buffer)

    @method("GetPackageListHandle(IN EFI_HII_HANDLE PackageListHandle, OUT EFI_HANDLE *DriverHandle)")
    def get_package_list_handle(self, call, handle, driver_pointer):
        if handle not in self.lists or not driver_pointer:
            return Status.INVALID_PARAMETER
        self.uefi.write_u64(driver_pointer, self.lists[handle].driver)
        return Status.SUCCESS


class HiiString(Protocol):
    """Strings by list, number and language."""

    guid = Guid("0fd96974-23aa-4cdc-b9cb-98d17750322a")
    members = "NewString GetString SetString GetLanguages GetSecondaryLanguages"

    def __init__(self, uefi, database: HiiDatabase):
        super().__init__(uefi)
        self.database = database

    @method("GetString(IN CHAR8 *Language, IN EFI_HII_HANDLE PackageList, IN UINT16 StringId, OUT CHAR16 *String, "
            "IN OUT UINTN *StringSize, OUT EFI_FONT_INFO **StringFontInfo OPTIONAL)")
    def get_string(self, call, language, handle, number, buffer, size_pointer, font):
        if not language or number == 0 or not size_pointer:
            return Status.INVALID_PARAMETER
        found = self.database.lists.get(handle)
        if found is None:
            return Status.NOT_FOUND
        tables = found.strings
        table = hii_strings.choose(tables, self.uefi.read_ascii(language))
        text = table.strings.get(number) if table else None
        if text is None:
            elsewhere = any(number in each.strings for each in tables.values())
            return Status.INVALID_LANGUAGE if elsewhere else Status.NOT_FOUND
        status = self.uefi.offer(utf16(text), size_pointer, buffer)
        if font and status == Status.SUCCESS:
            self.uefi.write_u64(font, 0)
        return status

    @method("GetLanguages(IN EFI_HII_HANDLE PackageList, OUT CHAR8 *Languages, IN OUT UINTN *LanguagesSize)")
    def get_languages(self, call, handle, buffer, size_pointer):
        if not size_pointer:
            return Status.INVALID_PARAMETER
        found = self.database.lists.get(handle)
        if found is None:
            return Status.NOT_FOUND
        data = ";".join(found.strings).encode("latin-1") + b"\0"
        return self.uefi.offer(data, size_pointer, buffer)


@at_power_on
def power_on(uefi):
    database = HiiDatabase(uefi)
    handle = uefi.install(0, database)
    uefi.install(handle, HiiString(uefi, database))
