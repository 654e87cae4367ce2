"""CalculateCrc32, CopyMem, SetMem, the monotonic count, the watchdog: what the guests in C do not ask."""
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi.definitions import Status
from uefi.caller import Caller

SECOND = 50_000_000


@pytest.fixture(scope="module")
def shared():
    return Caller()


@given(st.binary(min_size=1, max_size=300), st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(0, 255))
def test_memory_is_moved_filled_and_summed(shared, data, source, target, length, value):
    base = shared.room
    wanted = bytearray(data.ljust(600, b"\x5A"))
    shared.uefi.write(base, bytes(wanted))
    assert shared.call("CopyMem", base + target, base + source, length) == 0
    wanted[target:target + length] = bytes(wanted[source:source + length])
    assert shared.uefi.read(base, 600) == wanted
    assert shared.call("SetMem", base + source, length, value | 0xFF00) == 0
    wanted[source:source + length] = bytes([value]) * length
    assert shared.uefi.read(base, 600) == wanted
    assert shared.call("CalculateCrc32", base, 600, base + 1000) == Status.SUCCESS
    assert shared.uefi.read_u32(base + 1000) == zlib.crc32(wanted)


@pytest.mark.parametrize("arguments", [(0, 1, 8), (8, 0, 8), (8, 1, 0)])
def test_a_crc_of_nothing_is_an_invalid_parameter(shared, arguments):
    assert shared.call("CalculateCrc32", *(shared.room if each == 8 else each for each in arguments)) == \
        Status.INVALID_PARAMETER


def test_counts_are_never_the_same(shared):
    seen = []
    for _ in range(3):
        assert shared.call("GetNextMonotonicCount", shared.room) == Status.SUCCESS
        seen.append(shared.u64(shared.room))
    assert seen == sorted(set(seen))
    assert shared.call("GetNextMonotonicCount", 0) == Status.INVALID_PARAMETER


@pytest.mark.parametrize("service, arguments", [
    ("SetMem", (1 << 20, 1 << 62, 0)), ("SetMem", (1 << 40, 1, 0)), ("CopyMem", (1 << 20, 1 << 20, 1 << 60)),
    ("CopyMem", (1 << 20, 1 << 41, 8)), ("CalculateCrc32", (1 << 20, (1 << 64) - 1, 1 << 20))])
def test_memory_that_is_not_there_stops_the_machine_in_words(service, arguments):
    caller = Caller()
    caller.begin(service, *arguments)
    stop = caller.machine.run(1_000_000)
    assert stop.kind == "firmware" and "memory" in stop.message or "outside" in stop.message


# ---- the watchdog ----------------------------------------------------------------------------------------------------

def test_the_watchdog_resets_the_machine_with_the_program_s_words():
    caller = Caller()
    words = "too slow".encode("utf-16-le") + b"\0\0"
    start = caller.machine.time
    assert caller.call("SetWatchdogTimer", 2, 0x10000, len(words), caller.block(64, words)) == Status.SUCCESS
    stop = caller.spin(10 * SECOND)
    assert (stop.kind, stop.message) == ("reset", "the watchdog timer of 2 seconds expired, code 10000h: too slow")
    assert 2 * SECOND <= caller.machine.time - start < 2 * SECOND + 200


def test_a_watchdog_that_is_armed_anew_begins_anew_and_0_switches_it_off():
    caller = Caller()
    caller.call("SetWatchdogTimer", 2, 0, 0, 0)
    caller.call("Stall", 1_500_000)
    caller.call("SetWatchdogTimer", 2, 0, 0, 0)
    caller.call("Stall", 1_500_000)
    caller.call("SetWatchdogTimer", 0, 0, 0, 0)
    assert caller.spin(5 * SECOND).kind == "limit"


def test_a_watchdog_that_resets_starts_the_firmware_again():
    caller = Caller()
    caller.machine.no_reboot = False
    caller.call("SetWatchdogTimer", 1, 0, 0, 0)
    assert caller.spin(10 * SECOND).kind == "debug-exit"
    assert caller.machine.resets == 1 and caller.uefi.frames
