"""Images from a guest's own LoadFile, exits out of notifications, drivers, and what an image leaves behind."""
import struct

import pytest

from boot.uefi import device_path, images
from boot.uefi.boot_services.image_source import LOAD_FILE, LOAD_FILE2
from boot.uefi.database import DEVICE_PATH
from boot.uefi.definitions import Guid, Status
from boot.uefi.protocols.loaded_image import DEVICE_PATH_GUID, LoadedImage
from boot.uefi.service import find
from uefi.caller import STOPPER, Caller, pe
from uefi.efi_image import BOOT_SERVICE_DRIVER, RUNTIME_DRIVER

SIGNAL = 0x200
CALLBACK = 8
RETURN_42 = b"\xB8\x2A\0\0\0\xC3"        # mov eax, 42; ret
VENDOR = device_path.BY_NAME["VenHw"].build(bytes(16), Guid=bytes(range(16)))


@pytest.fixture
def caller():
    return Caller()


def load(caller, file: bytes) -> int:
    assert caller.call("LoadImage", 0, caller.image, 0, caller.block(len(file), file), len(file), caller.room) == Status.SUCCESS
    return caller.u64(caller.room)


def load_file(caller, data: bytes) -> int:
    """EFI_LOAD_FILE_PROTOCOL that gives `data`: on the first call its size, on the second the bytes."""
    size = struct.pack("<I", len(data))
    code = (b"\x48\x8B\x44\x24\x28\x48\x85\xC0\x74\x22\x56\x57"                         # Buffer? jz probe; push rsi, rdi
            + b"\x48\xBE" + caller.block(len(data), data).to_bytes(8, "little")        # mov rsi, data
            + b"\x48\x89\xC7\xB9" + size + b"\xF3\xA4\x5F\x5E\x49\xC7\x01" + size      # rep movsb; mov qword [r9], size
            + b"\x31\xC0\xC3"                                                          # return SUCCESS
            + b"\x49\xC7\x01" + size + b"\x48\xB8\x05\0\0\0\0\0\0\x80\xC3")            # probe: return BUFFER_TOO_SMALL
    return caller.block(8, caller.function(code).to_bytes(8, "little"))


def install(caller, handle: int, guid: Guid, address: int) -> int:
    place, name = caller.block(8, handle.to_bytes(8, "little")), caller.block(16, bytes(guid))
    assert caller.call("InstallProtocolInterface", place, name, 0, address) == Status.SUCCESS
    return caller.u64(place)


def with_path(caller, node: bytes) -> int:
    """A handle with the device path of that one node."""
    path = device_path.join([node])
    return install(caller, 0, DEVICE_PATH, caller.block(len(path), path))


# ---- sources ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("guid, policy, found", [(LOAD_FILE2, 0, True), (LOAD_FILE2, 1, False), (LOAD_FILE, 0, True),
                                                 (LOAD_FILE, 1, True)])
def test_a_guest_gives_an_image_by_its_load_file(caller, guid, policy, found):
    device = with_path(caller, VENDOR)
    install(caller, device, guid, load_file(caller, pe(RETURN_42)))
    path = device_path.join([VENDOR, device_path.file_path("\\it.efi")])
    status = caller.call("LoadImage", policy, caller.image, caller.block(len(path), path), 0, 0, caller.room)
    if not found:
        assert status == Status.NOT_FOUND
        return
    assert status == Status.SUCCESS
    image = caller.uefi.images.loaded[caller.u64(caller.room)]
    assert image.name == "it.efi" and image.loaded_image.field("DeviceHandle") == device
    assert device_path.read(caller.uefi, image.loaded_image.field("FilePath")) == device_path.join(path_nodes(path)[1:])
    whole = caller.uefi.database.interface(image.handle, DEVICE_PATH_GUID).address
    assert device_path.read(caller.uefi, whole) == path
    assert caller.call("StartImage", image.handle, 0, 0) == 42


def path_nodes(path):
    return [node.bytes for node in device_path.parse(path)]


@pytest.mark.parametrize("size", [1 << 20, (1 << 31) - 1])
def test_a_load_file_that_wants_too_much_is_refused(caller, size):
    device = with_path(caller, VENDOR)
    code = b"\x49\xC7\x01" + struct.pack("<I", size) + b"\x48\xB8\x05\0\0\0\0\0\0\x80\xC3"       # always BUFFER_TOO_SMALL
    install(caller, device, LOAD_FILE2, caller.block(8, caller.function(code).to_bytes(8, "little")))
    path = device_path.join([VENDOR])
    place = caller.block(len(path), path)
    blocks = dict(caller.uefi.pool.blocks)
    assert caller.call("LoadImage", 0, caller.image, place, 0, 0, caller.room) == Status.NOT_FOUND
    assert caller.uefi.pool.blocks == blocks


def test_a_load_file_that_claims_more_than_there_is_room_for(caller):
    """The second call says that it wrote 4 GB; what it wrote at the start is an image all the same."""
    device, file = with_path(caller, VENDOR), pe(RETURN_42)
    table = load_file(caller, file)
    code = bytearray(caller.uefi.read(caller.u64(table), 64))
    at = code.index(b"\x49\xC7\x01") + 3
    code[at:at + 4] = struct.pack("<I", 0x7FFFFFFF)
    caller.uefi.write(caller.u64(table), bytes(code))
    install(caller, device, LOAD_FILE2, table)
    path = device_path.join([VENDOR])
    assert caller.call("LoadImage", 0, caller.image, caller.block(len(path), path), 0, 0, caller.room) == Status.SUCCESS
    assert caller.call("StartImage", caller.u64(caller.room), 0, 0) == 42


@pytest.mark.parametrize("path", [b"\x04\x04\0\0", b"\x04\x04\3\0", bytes(64), b"\x01\x04\x14\0" * 5000, b"\x7F\xFF\x04\0",
                                  b"\x7F\x01\x04\0" * 4 + b"\x7F\xFF\x04\0"])
def test_a_device_path_that_is_none_leads_nowhere(caller, path):
    place = caller.block(len(path) + 64, path)
    assert caller.call("LoadImage", 0, caller.image, place, 0, 0, caller.room) == Status.NOT_FOUND
    pointer, guid = caller.block(8, place.to_bytes(8, "little")), caller.block(16, bytes(LOAD_FILE))
    assert caller.call("LocateDevicePath", guid, pointer, caller.room) == Status.NOT_FOUND


# ---- exits -----------------------------------------------------------------------------------------------------------

def exit_code(caller, status: int) -> bytes:
    """Code that calls Exit(its own image's handle in EBX, status)."""
    stub = caller.uefi.stub(find("boot", "Exit"))
    return (b"\x48\x89\xD9\xBA" + struct.pack("<I", status) + b"\x45\x31\xC0\x45\x31\xC9\x48\x83\xEC\x28"
            + b"\x48\xB8" + stub.to_bytes(8, "little") + b"\xFF\xD0")


@pytest.mark.parametrize("timer", [False, True])
def test_an_image_leaves_from_a_notification(caller, timer):
    """The notification runs in the middle of a service, or of the timer's interrupt; nothing of that is left."""
    signal = caller.uefi.stub(find("boot", "SignalEvent"))
    set_timer = caller.uefi.stub(find("boot", "SetTimer"))
    function = caller.function(b"\x48\x89\xD3" + exit_code(caller, 7))               # the context is the image's handle
    event = caller.event(SIGNAL | 0x80000000, CALLBACK, function)
    code = b"\x48\x83\xEC\x28\x48\xB9" + event.to_bytes(8, "little")
    if timer:
        code += b"\xBA\x02\0\0\0\x41\xB8\x10\x27\0\0"                                   # SetTimer(event, relative, 1 ms)
    code += b"\x48\xB8" + (set_timer if timer else signal).to_bytes(8, "little") + b"\xFF\xD0\xEB\xFE"
    handle = load(caller, pe(code))
    caller.uefi.events.all[event].context = handle
    assert caller.call("StartImage", handle, 0, 0) == 7
    assert caller.uefi.tpl == 4 and caller.machine.cpu.rflags & 0x200
    assert handle not in caller.uefi.images.loaded and len(caller.uefi.frames) == 1
    start = caller.machine.time
    caller.call("Stall", 30_000)
    assert caller.machine.time - start < 1_500_000 + 60


def test_what_an_image_signaled_runs_while_its_code_is_there(caller):
    log, raise_tpl, signal = caller.log(), *(caller.uefi.stub(find("boot", each)) for each in ("RaiseTPL", "SignalEvent"))
    event = caller.event(SIGNAL, CALLBACK, log, ord("s"))
    code = (b"\x53\x48\x83\xEC\x20\x48\x89\xCB\xB9\x10\0\0\0\x48\xB8" + raise_tpl.to_bytes(8, "little") + b"\xFF\xD0"
            + b"\x48\xB9" + event.to_bytes(8, "little") + b"\x48\xB8" + signal.to_bytes(8, "little") + b"\xFF\xD0"
            + exit_code(caller, 0))
    handle = load(caller, pe(code))
    image = caller.uefi.images.loaded[handle]
    seen = []
    caller.uefi.events.all[event].function = caller.function(
        b"\xE6\xF4\x48\xB8" + log.to_bytes(8, "little") + b"\xFF\xE0")               # out 0F4h, al; jmp log
    caller.begin("StartImage", handle, 0, 0)
    caller.machine.run(1_000_000)
    seen.append(handle in caller.uefi.images.loaded and caller.uefi.tpl == CALLBACK)
    assert caller.finish() == 0 and caller.logged == b"s" and seen == [True]
    assert image.handle not in caller.uefi.images.loaded and caller.uefi.tpl == 4


def test_a_driver_that_stays_puts_its_protocols_to_use(caller):
    """Handles that a driver has changed while it started are connected."""
    log = caller.log()
    binding = struct.pack("<3QIxxxx2Q", caller.function(b"\xBA\x73\0\0\0\x48\xB8" + log.to_bytes(8, "little") + b"\xFF\xD0"
                                                        + b"\x48\xB8\x03\0\0\0\0\0\0\x80\xC3"), 0, 0, 1, 0, 0)
    install(caller, 0, Guid("18a031ab-b443-4d1a-a5c0-0c09261e9f71"), caller.block(len(binding), binding))
    install_stub = caller.uefi.stub(find("boot", "InstallProtocolInterface"))
    place, guid = caller.block(8), caller.block(16, b"a protocol of its")
    code = (b"\x48\x83\xEC\x28\x48\xB9" + place.to_bytes(8, "little") + b"\x48\xBA" + guid.to_bytes(8, "little")
            + b"\x45\x31\xC0\x45\x31\xC9\x48\xB8" + install_stub.to_bytes(8, "little") + b"\xFF\xD0\x48\x83\xC4\x28\xC3")
    handle = load(caller, pe(code, BOOT_SERVICE_DRIVER))
    before = len(caller.logged)
    assert caller.call("StartImage", handle, 0, 0) == Status.SUCCESS
    assert caller.logged[before:] == b"s" and handle in caller.uefi.images.loaded
    assert caller.uefi.images.loaded[handle].loaded_image.field("ImageCodeType") == 3


def test_a_runtime_driver_lies_in_runtime_memory(caller):
    handle = load(caller, pe(b"\x31\xC0\xC3", RUNTIME_DRIVER))
    image = caller.uefi.images.loaded[handle]
    assert caller.uefi.map.find(image.base).type == 5
    assert caller.call("StartImage", handle, 0, 0) == Status.SUCCESS and handle in caller.uefi.images.loaded


def virtual_map(caller, above: int) -> tuple[int, int, int]:
    """(map, bytes, key): GetMemoryMap's descriptors, each with VirtualStart `above` PhysicalStart."""
    size, buffer = caller.block(8, (1 << 15).to_bytes(8, "little")), caller.block(1 << 15)
    assert caller.call("GetMemoryMap", size, buffer, caller.room, caller.room + 8, caller.room + 16) == Status.SUCCESS
    for at in range(buffer, buffer + caller.u64(size), caller.u64(caller.room + 8)):
        caller.uefi.write_u64(at + 16, caller.u64(at + 8) + above)
    return buffer, caller.u64(size), caller.u64(caller.room)


def test_a_runtime_driver_follows_its_memory(caller):
    """Of two pointers to its own code it changes the second, which is its business from then on."""
    code = bytearray(b"\x48\x83\x05" + (24 - 8).to_bytes(4, "little") + b"\x05\x31\xC0\xC3".ljust(9, b"\xCC") + bytes(16))
    handle = load(caller, pe(bytes(code), RUNTIME_DRIVER, (16, 24)))                    # add qword [rip + 16], 5; return 0
    image = caller.uefi.images.loaded[handle]
    assert caller.call("StartImage", handle, 0, 0) == Status.SUCCESS
    first, second = image.entry + 16, image.entry + 24
    assert (caller.u64(first), caller.u64(second)) == (image.entry, image.entry + 5)
    above = 0xFFFF_F000_0000_0000
    descriptors, size, key = virtual_map(caller, above)
    assert caller.call("ExitBootServices", caller.image, key) == Status.SUCCESS
    service = caller.uefi.stub(find("runtime", "SetVirtualAddressMap"))
    assert caller.call_address(service, size, 48, 1, descriptors) == Status.SUCCESS
    assert caller.u64(first) == image.entry + above and caller.u64(second) == image.entry + 5


# ---- what is left ----------------------------------------------------------------------------------------------------

def test_nothing_is_left_of_an_image(caller):
    caller.call("StartImage", load(caller, pe(RETURN_42)), 0, 0)
    handles, ranges = list(caller.uefi.database.handles), caller.uefi.map.ranges
    file = pe(RETURN_42)
    block = caller.block(len(file), file)
    blocks = dict(caller.uefi.pool.blocks)
    for _ in range(3):
        assert caller.call("LoadImage", 0, caller.image, 0, block, len(file), caller.room) == Status.SUCCESS
        assert caller.call("StartImage", caller.u64(caller.room), 0, 0) == 42
    assert list(caller.uefi.database.handles) == handles and caller.uefi.map.ranges == ranges
    assert caller.uefi.pool.blocks == blocks


def test_an_event_whose_function_is_gone_is_complained_of(caller):
    handle = load(caller, pe(STOPPER))
    caller.event(SIGNAL, CALLBACK, caller.uefi.images.loaded[handle].entry)
    assert caller.call("UnloadImage", handle) == Status.SUCCESS
    assert caller.uefi.complaints == ["image has ended and left 1 event whose notification function lies in its memory, which is "
                                      "free now"]


def test_an_image_that_gave_its_own_memory_back_is_unloaded(caller):
    image = caller.uefi.images.loaded[load(caller, pe())]
    assert caller.call("FreePages", image.base, image.pages) == Status.SUCCESS
    assert caller.call("UnloadImage", image.handle) == Status.SUCCESS


def test_a_refused_image_leaves_nothing(caller):
    file = bytearray(pe())
    relocations = file.index(b".reloc")
    struct.pack_into("<I", file, relocations + 20, len(file) - 0x200)
    file[-0x200:-0x1F8] = struct.pack("<II", 0x1000, 0)                                  # SizeOfBlock 0
    ranges, handles = caller.uefi.map.ranges, list(caller.uefi.database.handles)
    block = caller.block(len(file), bytes(file))
    assert caller.call("LoadImage", 0, caller.image, 0, block, len(file), caller.room) == Status.LOAD_ERROR
    assert caller.uefi.map.ranges == ranges and list(caller.uefi.database.handles) == handles


def test_protections_end_with_the_image(caller):
    caller.uefi.options.protect_images = "always"
    image = caller.uefi.images.loaded[load(caller, pe(RETURN_42))]
    assert image.protected and caller.uefi.page_tables.protection(image.base) == (True, False, False)
    assert caller.call("UnloadImage", image.handle) == Status.SUCCESS
    assert caller.uefi.page_tables.protection(image.base) == (True, True, True)


@pytest.mark.parametrize("path, name", [(b"", "image"), (device_path.join([VENDOR]), "image"),
                                        (device_path.join([VENDOR, device_path.file_path("\\EFI\\a.efi")]), "a.efi"),
                                        (device_path.join([device_path.file_path("dir"), device_path.file_path("b")]), "b")])
def test_an_image_is_called_by_its_file(path, name):
    assert images.name_of(path) == name


def test_the_firmware_has_an_image_of_its_own(caller):
    interface = caller.uefi.database.interface(caller.uefi.images.firmware, LoadedImage.guid)
    assert caller.uefi.interfaces[interface.address].field("SystemTable") == caller.uefi.table.address
