r"""A call of the firmware as a line of text, its arguments in words.

    AllocatePages(Address, LoaderData, 4, 100000h) = NOT_FOUND
    File.Open("\EFI\BOOT\kernel.elf", READ) = SUCCESS -> 7FF4D58h
    GetVariable("BootOrder", EFI_GLOBAL_VARIABLE, 0 -> 2) = BUFFER_TOO_SMALL

What is shown of an argument follows from its type in the prototype: numbers, names of what is counted, text, GUIDs by name,
handles by what they are. What a call only gives back stands behind its status. A pointer to nowhere is shown as `?`.
"""
from __future__ import annotations

from boot.uefi import device_path, guids, tables
from boot.uefi.database import DEVICE_PATH
from boot.uefi.definitions import ERROR, MemoryType, Status, status_name
from boot.uefi.device_path_text import path_text
from boot.uefi.guest_memory import BadPointer
from boot.uefi.service import INTERNAL, SERVICES

LONGEST = 80                            # characters of a text that are shown
SMALL = 0x10000                         # numbers from here on are hexadecimal
UNKNOWN = "?"

#: Types whose numbers have names.
NAMES = {
    "EFI_ALLOCATE_TYPE": ("Any", "MaxAddress", "Address"),
    "EFI_TIMER_DELAY": ("Cancel", "Periodic", "Relative"),
    "EFI_INTERFACE_TYPE": ("Native",),
    "EFI_LOCATE_SEARCH_TYPE": ("AllHandles", "ByRegisterNotify", "ByProtocol"),
    "EFI_RESET_TYPE": ("Cold", "Warm", "Shutdown", "PlatformSpecific"),
    "EFI_GRAPHICS_OUTPUT_BLT_OPERATION": ("VideoFill", "VideoToBltBuffer", "BufferToVideo", "VideoToVideo"),
    "BOOLEAN": ("FALSE", "TRUE"),
    "EFI_MEMORY_TYPE": tuple(each.name for each in MemoryType),
}
LEVELS = {4: "APPLICATION", 8: "CALLBACK", 16: "NOTIFY", 31: "HIGH_LEVEL"}

#: (service, parameter) whose bits have names.
FLAGS = {
    ("Open", "OpenMode"): ((1, "READ"), (2, "WRITE"), (1 << 63, "CREATE")),
    ("OpenEx", "OpenMode"): ((1, "READ"), (2, "WRITE"), (1 << 63, "CREATE")),
    ("Open", "Attributes"): ((1, "READ_ONLY"), (2, "HIDDEN"), (4, "SYSTEM"), (16, "DIRECTORY"), (32, "ARCHIVE")),
    ("SetVariable", "Attributes"): ((1, "NV"), (2, "BS"), (4, "RT"), (8, "HW_ERROR"), (16, "AUTHENTICATED"),
                                    (32, "TIME_AUTHENTICATED"), (64, "APPEND")),
    ("OpenProtocol", "Attributes"): ((1, "BY_HANDLE"), (2, "GET"), (4, "TEST"), (8, "BY_CHILD"), (16, "BY_DRIVER"),
                                     (32, "EXCLUSIVE")),
    ("CreateEvent", "Type"): ((1 << 31, "TIMER"), (1 << 30, "RUNTIME"), (0x100, "NOTIFY_WAIT"), (0x200, "NOTIFY_SIGNAL")),
    ("CreateEventEx", "Type"): ((1 << 31, "TIMER"), (1 << 30, "RUNTIME"), (0x100, "NOTIFY_WAIT"), (0x200, "NOTIFY_SIGNAL")),
}
FLAGS["QueryVariableInfo", "Attributes"] = FLAGS["SetVariable", "Attributes"]
ADDRESSES = {"EFI_PHYSICAL_ADDRESS", "EFI_VIRTUAL_ADDRESS", "EFI_EVENT", "VOID", "EFI_HII_HANDLE"}

CONSOLES = ((tables.CONSOLE_IN_HANDLE, "ConIn"), (tables.CONSOLE_OUT_HANDLE, "ConOut"), (tables.STANDARD_ERROR_HANDLE, "StdErr"))

#: Bytes of what a pointer leads to, for types that are shown by value.
POINTED = {"UINTN": 8, "UINT64": 8, "UINT32": 4, "UINT16": 2, "UINT8": 1, "BOOLEAN": 1, "EFI_PHYSICAL_ADDRESS": 8, "EFI_TPL": 8,
           "EFI_HANDLE": 8, "EFI_EVENT": 8, "INTN": 8, "INT32": 4}


def before(uefi, call) -> list[str | None]:
    """What there is to say of each argument when the service is called; None for those that it only gives back."""
    return [_argument(uefi, call.service.prototype.name, parameter, value)
            for parameter, value in zip(call.service.prototype.parameters, call.arguments)]


def line(uefi, call, result) -> str | None:
    """The call and what it returned; without a result, it is still going on. None for calls of the firmware by itself."""
    service = call.service
    if service.kind == INTERNAL:
        return None
    shown = call.shown if call.shown is not None else before(uefi, call)
    given = []
    for place, (parameter, value) in enumerate(zip(service.prototype.parameters, call.arguments)):
        if "OUT" not in parameter.direction or result is None or not value:
            continue
        text = _pointed(uefi, parameter, value)
        if parameter.direction == "IN OUT" and text is not None and text != shown[place]:
            shown[place] = f"{shown[place]} -> {text}"
        elif parameter.direction == "OUT" and text is not None and not int(result) & ERROR:
            given.append(text)
    if service.prototype.name in ("Open", "OpenEx") and len(call.arguments) > 2 and not call.arguments[2] >> 63:
        shown = shown[:3] + shown[4:]                           # attributes count where a file is created
    arguments = ", ".join(text for text in shown if text is not None)
    answer = " ..." if result is None else f" = {_result(int(result))}" + (f" -> {', '.join(given)}" if given else "")
    depth = sum(SERVICES[frame.service].kind != INTERNAL for frame in uefi.frames)
    return "  " * depth + f"{service.name}({arguments}){answer}" + (f"  ({call.note})" if call.note else "")


def _result(value):
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return status_name(value) if value & ERROR or value <= max(Status.WARN_STALE_DATA, 0) else f"{value:X}h"


def _argument(uefi, service, parameter, value):
    """One argument at the call."""
    if parameter.direction == "OUT":
        return None if value else "NULL"
    if parameter.stars:
        return _pointer(uefi, parameter, value)
    return _number(uefi, service, parameter, value)


def _number(uefi, service, parameter, value):
    if (service, parameter.name) in FLAGS:
        return flags(value, FLAGS[service, parameter.name])
    names = NAMES.get(parameter.type)
    if names:
        return names[value] if value < len(names) else f"{value:X}h"
    if parameter.type == "EFI_TPL":
        return LEVELS.get(value, str(value))
    if parameter.type == "EFI_STATUS":
        return _result(value)
    if parameter.type == "EFI_HANDLE":
        return handle(uefi, value)
    return f"{value:X}h" if parameter.type in ADDRESSES or value >= SMALL else str(value)


def _pointer(uefi, parameter, value):
    if not value:
        return "NULL"
    try:
        if parameter.stars == 1:
            if parameter.type == "CHAR16":
                return quoted(uefi.read_string(value))
            if parameter.type == "CHAR8":
                return quoted(uefi.read_ascii(value))
            if parameter.type == "EFI_GUID":
                return guids.name_of(uefi.read_guid(value))
            if parameter.type == "EFI_DEVICE_PATH_PROTOCOL":
                return path_text(device_path.read(uefi, value))
        text = _pointed(uefi, parameter, value) if parameter.direction == "IN OUT" else None
    except (BadPointer, ValueError):
        return UNKNOWN
    return text if text is not None else f"{value:X}h"


def _pointed(uefi, parameter, value):
    """What lies at a pointer that is given back; None where that is no single number."""
    size = POINTED.get(parameter.type) if parameter.stars == 1 else 8
    if parameter.type in ("CHAR16", "CHAR8") and parameter.stars == 1 or size is None:
        return None
    try:
        number = int.from_bytes(uefi.read(value, size), "little")
        if parameter.type == "EFI_HANDLE" and parameter.stars == 1:
            return handle(uefi, number)
    except BadPointer:
        return UNKNOWN
    return f"{number:X}h" if parameter.stars > 1 or parameter.type in ADDRESSES or number >= SMALL else str(number)


def handle(uefi, value: int) -> str:
    """A handle by what it is: the image, the device, or the number."""
    if uefi.images is not None and value in uefi.images.loaded:
        return uefi.images.loaded[value].name
    for offset, name in CONSOLES:
        if value and uefi.table is not None and uefi.read_u64(uefi.table.address + offset) == value:
            return name
    interface = uefi.database.interface(value, DEVICE_PATH)
    if interface:
        try:
            return path_text(device_path.read(uefi, interface.address))
        except (BadPointer, ValueError):
            return UNKNOWN
    return f"{value:X}h" if value else "NULL"


def quoted(text: str) -> str:
    r"""A text in quotation marks, with \r and \n as they are written, cut where it is long."""
    text = text.replace("\r", r"\r").replace("\n", r"\n").replace('"', r'\"')
    text = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return f'"{text[:LONGEST]}"' + ("..." if len(text) > LONGEST else "")


def flags(value: int, names) -> str:
    """`READ|WRITE`."""
    found = [name for bit, name in names if value & bit]
    rest = value & ~sum(bit for bit, _ in names)
    return "|".join(found + ([f"{rest:X}h"] if rest else [])) or "0"
