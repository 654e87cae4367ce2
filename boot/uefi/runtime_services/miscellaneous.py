"""ResetSystem, GetNextHighMonotonicCount, UpdateCapsule, QueryCapsuleCapabilities. Source: UEFI 2.10, section 8.5."""
from __future__ import annotations

from boot.uefi.definitions import PAGE, Guid, Status
from boot.uefi.service import runtime_service
from boot.uefi.steps import begin
from boot.uefi.tables import at_power_on
from boot.uefi.variables import ACCESS, NON_VOLATILE

COLD, WARM, SHUTDOWN, PLATFORM_SPECIFIC = range(4)              # EFI_RESET_TYPE
WORDS = {COLD: "cold", WARM: "warm", SHUTDOWN: "shutdown", PLATFORM_SPECIFIC: "platform specific"}

#: EDK2's variable with the upper half of the monotonic count
MONOTONIC = "MTC", Guid("eb704011-1402-11d3-8e77-00a0c969723b")
PERSIST_ACROSS_RESET, POPULATE_SYSTEM_TABLE, INITIATE_RESET = 0x10000, 0x20000, 0x40000


@at_power_on
def power_on(uefi):
    """No count comes twice: its upper half grows with every boot."""
    uefi.reset_notifications = []
    kept = uefi.variables.values.get(MONOTONIC)
    next_high(uefi, int.from_bytes(kept.data[:4], "little") if kept else 0)


def next_high(uefi, high: int) -> int:
    """The count goes on with the upper half behind `high`, which is kept."""
    high = high + 1 & 0xFFFFFFFF
    uefi.monotonic = high << 32
    uefi.variables.set(*MONOTONIC, NON_VOLATILE | ACCESS, high.to_bytes(4, "little"), False)
    return high


@runtime_service("GetNextHighMonotonicCount(OUT UINT32 *HighCount)")
def get_next_high_monotonic_count(uefi, call, pointer):
    if not pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u32(pointer, next_high(uefi, uefi.monotonic >> 32))
    return Status.SUCCESS


# ---- reset -----------------------------------------------------------------------------------------------------------

@runtime_service("ResetSystem(IN EFI_RESET_TYPE ResetType, IN EFI_STATUS ResetStatus, IN UINTN DataSize, "
                 "IN VOID *ResetData OPTIONAL)")
def reset_system(uefi, call, kind, status, size, data):
    if kind not in WORDS:
        kind = COLD                         # EDK2 leaves the machine as it is, and the caller expects no return
    functions = [] if uefi.exited else list(uefi.reset_notifications)
    return begin(uefi, call, notify, functions, kind, status, size, data)


def notify(uefi, call, steps, value, functions, kind, status, size, data):
    """A step: call the next of the functions, or reset."""
    if functions:
        steps.then(notify, functions[1:], kind, status, size, data)
        return steps.invoke(functions[0], kind, status, size, data)
    words = ""
    if size >= 2 and data:
        # Null-terminated text, then, where it is platform specific, a GUID
        raw = uefi.read(data, min(size, PAGE))
        words = raw[:len(raw) & ~1].decode("utf-16-le", "replace").split("\0")[0]
    uefi.flush()
    if kind == SHUTDOWN:
        uefi.machine.stop("poweroff", message=f"the guest switched the machine off (ResetSystem){': ' + words if words else ''}")
    else:
        uefi.machine.request_reset(f"ResetSystem({WORDS[kind]}){': ' + words if words else ''}")
    return Status.SUCCESS


# ---- capsules: nobody here takes any ----------------------------------------------------------------------------------

def flags_of(uefi, array, count):
    """The flags of all capsules of an array."""
    return [uefi.read_u32(uefi.read_u64(array + 8 * index) + 20) for index in range(count)]


@runtime_service("UpdateCapsule(IN EFI_CAPSULE_HEADER **CapsuleHeaderArray, IN UINTN CapsuleCount, "
                 "IN EFI_PHYSICAL_ADDRESS ScatterGatherList OPTIONAL)")
def update_capsule(uefi, call, array, count, scatter_gather):
    if not count or not array:
        return Status.INVALID_PARAMETER
    for flags in flags_of(uefi, array, min(count, PAGE)):
        if flags & (POPULATE_SYSTEM_TABLE | INITIATE_RESET) and not flags & PERSIST_ACROSS_RESET:
            return Status.INVALID_PARAMETER
        if flags & PERSIST_ACROSS_RESET and not scatter_gather:
            return Status.INVALID_PARAMETER
    return Status.UNSUPPORTED


@runtime_service("QueryCapsuleCapabilities(IN EFI_CAPSULE_HEADER **CapsuleHeaderArray, IN UINTN CapsuleCount, "
                 "OUT UINT64 *MaximumCapsuleSize, OUT EFI_RESET_TYPE *ResetType)")
def query_capsule_capabilities(uefi, call, array, count, maximum, reset_type):
    if not count or not array or not maximum or not reset_type:
        return Status.INVALID_PARAMETER
    for flags in flags_of(uefi, array, min(count, PAGE)):
        if flags & (POPULATE_SYSTEM_TABLE | INITIATE_RESET) and not flags & PERSIST_ACROSS_RESET:
            return Status.INVALID_PARAMETER
    return Status.UNSUPPORTED
