"""EFI_DEVICE_PATH_UTILITIES, _TO_TEXT and _FROM_TEXT: the firmware's hand with device paths, for everybody.

None of their functions has a This. They return pointers: to a new block of the pool, or NULL for what is no path, and where
memory is out.

Source: UEFI 2.10, sections 10.5 and 10.6; where they leave a choice, EDK2's UefiDevicePathLib.
"""
from __future__ import annotations

from boot.uefi import device_path
from boot.uefi.definitions import Guid
from boot.uefi.device_path import END, END_ENTIRE, END_INSTANCE_NODE, END_NODE, BadPath
from boot.uefi.device_path_from_text import node_from_text, path_from_text
from boot.uefi.device_path_text import node_text, path_text
from boot.uefi.guest_memory import utf16
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on

NULL = 0
HEADER = 4                              # bytes of a node's type, subtype and length


def give(uefi, data: bytes | None) -> int:
    """A block of the pool with these bytes, which the caller frees; NULL for None."""
    if data is None:
        return NULL
    try:
        address = uefi.allocate_pool(len(data))
    except OutOfMemory:
        return NULL
    uefi.write(address, data)
    return address


def read_path(uefi, address: int) -> bytes:
    """The path at an address, with its end; b"" for NULL, and for what is no path."""
    try:
        return device_path.read(uefi, address) if address else b""
    except BadPath:
        return b""


def read_node(uefi, address: int) -> bytes:
    """The bytes of the node at an address; b"" for one that is shorter than its header."""
    length = uefi.read_u16(address + 2)
    return uefi.read(address, length) if length >= HEADER else b""


class DevicePathUtilities(Protocol):
    """Paths are measured, copied, put together and taken apart."""

    guid = Guid("0379be4e-d706-437d-b037-edb82fb772a4")
    this = False
    members = ("GetDevicePathSize DuplicateDevicePath AppendDevicePath AppendDeviceNode AppendDevicePathInstance "
               "GetNextDevicePathInstance IsDevicePathMultiInstance CreateDeviceNode")

    def _path(self, address, otherwise=b""):
        """The path at an address, `otherwise` for NULL, b"" for what is none."""
        return read_path(self.uefi, address) if address else otherwise

    @method("GetDevicePathSize(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath)")
    def get_device_path_size(self, call, path):
        return len(self._path(path))

    @method("DuplicateDevicePath(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath)")
    def duplicate_device_path(self, call, path):
        return give(self.uefi, self._path(path) or None)

    @method("AppendDevicePath(IN EFI_DEVICE_PATH_PROTOCOL *Src1, IN EFI_DEVICE_PATH_PROTOCOL *Src2)")
    def append_device_path(self, call, first, second):
        first, second = self._path(first, END_NODE), self._path(second, END_NODE)
        return give(self.uefi, first[:-HEADER] + second if first and second else None)

    @method("AppendDeviceNode(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath, IN EFI_DEVICE_PATH_PROTOCOL *DeviceNode)")
    def append_device_node(self, call, path, node):
        path = self._path(path, END_NODE)
        node = read_node(self.uefi, node) if node else None
        if not path or node == b"":
            return NULL
        return give(self.uefi, device_path.append(path, node or b""))

    @method("AppendDevicePathInstance(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath, "
            "IN EFI_DEVICE_PATH_PROTOCOL *DevicePathInstance)")
    def append_device_path_instance(self, call, path, instance):
        first, second = self._path(path), self._path(instance)
        if not second or path and not first:
            return NULL
        return give(self.uefi, first[:-HEADER] + END_INSTANCE_NODE + second if first else second)

    @method("GetNextDevicePathInstance(IN OUT EFI_DEVICE_PATH_PROTOCOL **DevicePathInstance, "
            "OUT UINTN *DevicePathInstanceSize)")
    def get_next_device_path_instance(self, call, path_pointer, size_pointer):
        """The caller's pointer goes on to the next instance, or becomes NULL with the last."""
        address = self.uefi.read_u64(path_pointer) if path_pointer else NULL
        path = self._path(address)
        if not path:
            return NULL
        size = 0
        while path[size] != END:
            size += int.from_bytes(path[size + 2:size + 4], "little")
        is_last = path[size + 1] == END_ENTIRE
        self.uefi.write_u64(path_pointer, NULL if is_last else address + size + HEADER)
        if size_pointer:
            self.uefi.write_u64(size_pointer, size + HEADER)
        return give(self.uefi, path[:size] + END_NODE)

    @method("IsDevicePathMultiInstance(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath)")
    def is_device_path_multi_instance(self, call, path):
        path = self._path(path)
        return int(bool(path) and any(node.type == END for node in device_path.parse(path)))

    @method("CreateDeviceNode(IN UINT8 NodeType, IN UINT8 NodeSubType, IN UINT16 NodeLength)")
    def create_device_node(self, call, type, subtype, length):
        if length < HEADER:
            return NULL
        return give(self.uefi, bytes((type, subtype)) + length.to_bytes(2, "little") + bytes(length - HEADER))


class DevicePathToText(Protocol):
    """Nodes and paths become text."""

    guid = Guid("8b843e20-8132-4852-90cc-551a4e4a7f1c")
    this = False
    members = "ConvertDeviceNodeToText ConvertDevicePathToText"

    @method("ConvertDeviceNodeToText(IN EFI_DEVICE_PATH_PROTOCOL *DeviceNode, IN BOOLEAN DisplayOnly, "
            "IN BOOLEAN AllowShortcuts)")
    def convert_device_node_to_text(self, call, node, display_only, shortcuts):
        node = read_node(self.uefi, node) if node else b""
        return give(self.uefi, utf16(node_text(device_path.node(node), bool(display_only), bool(shortcuts))) if node else None)

    @method("ConvertDevicePathToText(IN EFI_DEVICE_PATH_PROTOCOL *DevicePath, IN BOOLEAN DisplayOnly, "
            "IN BOOLEAN AllowShortcuts)")
    def convert_device_path_to_text(self, call, path, display_only, shortcuts):
        path = read_path(self.uefi, path)
        return give(self.uefi, utf16(path_text(path, bool(display_only), bool(shortcuts))) if path else None)


class DevicePathFromText(Protocol):
    """Text becomes nodes and paths."""

    guid = Guid("05c99a21-c70f-4ad2-8a5f-35df3343f51e")
    this = False
    members = "ConvertTextToDeviceNode ConvertTextToDevicePath"

    @method("ConvertTextToDeviceNode(IN CHAR16 *TextDeviceNode)")
    def convert_text_to_device_node(self, call, text):
        return give(self.uefi, node_from_text(self.uefi.read_string(text)) if text else None)

    @method("ConvertTextToDevicePath(IN CHAR16 *TextDevicePath)")
    def convert_text_to_device_path(self, call, text):
        return give(self.uefi, path_from_text(self.uefi.read_string(text)) if text else None)


@at_power_on
def power_on(uefi):
    handle = uefi.install(0, DevicePathUtilities(uefi))
    uefi.install(handle, DevicePathToText(uefi))
    uefi.install(handle, DevicePathFromText(uefi))
