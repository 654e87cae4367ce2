"""Events and timers: what runs when, to the tick; and the whole of it from any snapshot."""
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.uefi import events
from boot.uefi.definitions import Status
from boot.uefi.service import find
from uefi.caller import Caller

TIMER, WAIT, SIGNAL = 0x80000000, 0x100, 0x200
CALLBACK, NOTIFY, HIGH = 8, 16, 31
CANCEL, PERIODIC, RELATIVE = range(3)
MICROSECOND = 50                        # ticks
UNIT = 5                                # ticks of SetTimer's 100 ns
OVERHEAD = 150                          # instructions from the call of a service to its return


@pytest.fixture
def caller():
    return Caller()


# ---- time ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", [4, NOTIFY, HIGH])
@pytest.mark.parametrize("microseconds", [0, 1, 7, 1000, 50_000, 3_000_000])
def test_a_stall_lasts_as_long_as_it_should(caller, microseconds, level):
    caller.call("RaiseTPL", level)
    start = caller.machine.time
    assert caller.call("Stall", microseconds) == Status.SUCCESS
    assert 0 <= caller.machine.time - start - microseconds * MICROSECOND < 60


def test_a_stall_with_interrupts_off_and_masked_lasts_as_long(caller):
    caller.machine.cpu.rflags &= ~0x200
    caller.machine.bus.write(0x21, 0xFF, 1)
    start = caller.machine.time
    caller.call("Stall", 100_000)
    assert 0 <= caller.machine.time - start - 100_000 * MICROSECOND < 60
    assert not caller.machine.cpu.rflags & 0x200


def test_timers_expire_while_somebody_stalls(caller):
    event = caller.event(TIMER | SIGNAL, CALLBACK, caller.log(), ord("t"))
    caller.call("SetTimer", event, PERIODIC, 100_000)
    caller.call("Stall", 55_000)
    assert caller.logged == b"t" * 5


def test_the_longest_stall_ends_with_the_run(caller):
    caller.begin("Stall", (1 << 64) - 1)
    assert caller.machine.run(100_000_000).kind == "limit"


@pytest.mark.parametrize("units", [0, 1, 999, 12_345, 50_000_000])
def test_waiting_for_a_timer_ends_when_it_expires(caller, units):
    event = caller.event(TIMER)
    array = caller.block(8, event.to_bytes(8, "little"))
    start = caller.machine.time
    caller.call("SetTimer", event, RELATIVE, units)
    assert caller.call("WaitForEvent", 1, array, caller.room) == Status.SUCCESS
    wanted = max(units, events.LEAST_DELAY) * UNIT if units else 0
    assert 0 <= caller.machine.time - start - wanted < 3 * OVERHEAD
    assert caller.call("CheckEvent", event) == Status.NOT_READY


def test_a_notification_comes_when_its_timer_expires_though_nobody_asks(caller):
    event = caller.event(TIMER | SIGNAL, CALLBACK, caller.log(), ord("t"))
    caller.call("SetTimer", event, RELATIVE, 12_345)
    spin = caller.function(b"\xFF\xC9\x75\xFC\xC3")             # dec ecx; jnz $ - 2; ret
    start = caller.machine.time
    caller.enter(spin, 1_000_000)
    caller.machine.run(10_000_000, until=lambda machine: caller.logged, every=10)
    assert 0 <= caller.machine.time - start - 12_345 * UNIT < 250
    caller.finish()


def test_a_periodic_timer_keeps_its_pace(caller):
    event = caller.event(TIMER | SIGNAL, CALLBACK, caller.log(), ord("t"))
    caller.call("SetTimer", event, PERIODIC, 10_000)
    start = caller.machine.time
    for _ in range(100):
        caller.call("Stall", 1_000)
    elapsed = caller.machine.time - start
    assert len(caller.logged) in (elapsed // 50_000, elapsed // 50_000 + 1)


def test_the_shortest_period_leaves_time_for_the_program(caller):
    event = caller.event(TIMER | SIGNAL, NOTIFY, caller.log(), ord("t"))
    caller.call("SetTimer", event, PERIODIC, 1)
    caller.enter(caller.function(b"\xFF\xC9\x75\xFC\xC3"), 100_000)
    caller.finish(500_000)
    assert caller.logged


def test_a_timer_that_its_own_function_sets_anew_leaves_time_for_the_program(caller):
    stub = caller.uefi.stub(find("boot", "SetTimer"))
    function = caller.function(b"\x48\x83\xEC\x28\xBA\2\0\0\0\x41\xB8\1\0\0\0\x48\xB8" + stub.to_bytes(8, "little")
                               + b"\xFF\xD0\x48\x83\xC4\x28\xC3")                     # SetTimer(Event, relative, 1)
    event = caller.event(TIMER | SIGNAL, NOTIFY, function)
    caller.call("SetTimer", event, RELATIVE, 1)
    caller.enter(caller.function(b"\xFF\xC9\x75\xFC\xC3"), 100_000)
    caller.finish(1_000_000)


def test_a_timer_beyond_all_time_never_expires(caller):
    event = caller.event(TIMER)
    assert caller.call("SetTimer", event, RELATIVE, (1 << 64) - 1) == Status.SUCCESS
    caller.call("Stall", 1_000_000)
    assert caller.call("CheckEvent", event) == Status.NOT_READY


def test_a_closed_event_has_no_timer(caller):
    event = caller.event(TIMER | SIGNAL, CALLBACK, caller.log(), ord("t"))
    caller.call("SetTimer", event, PERIODIC, 10_000)
    assert caller.call("CloseEvent", event) == Status.SUCCESS
    caller.call("Stall", 50_000)
    assert caller.logged == b"" and caller.uefi.events.timers == []
    assert caller.call("SetTimer", event, RELATIVE, 1) == Status.INVALID_PARAMETER


# ---- levels ----------------------------------------------------------------------------------------------------------

@settings(max_examples=20)
@given(st.lists(st.sampled_from([CALLBACK, NOTIFY]), min_size=1, max_size=6), st.data())
def test_notifications_run_by_level_and_then_in_order(levels, data):
    caller = Caller()
    log = caller.log()
    made = [caller.event(SIGNAL, level, log, number) for number, level in enumerate(levels)]
    order = data.draw(st.permutations(range(len(made))))
    caller.call("RaiseTPL", HIGH)
    for number in order:
        caller.call("SignalEvent", made[number])
    assert caller.logged == b""
    caller.call("RestoreTPL", CALLBACK)
    wanted = [number for number in order if levels[number] == NOTIFY]
    assert list(caller.logged) == wanted
    caller.call("RestoreTPL", 4)
    assert list(caller.logged) == wanted + [number for number in order if levels[number] == CALLBACK]
    assert caller.uefi.tpl == 4 and caller.machine.cpu.rflags & 0x200


def test_a_notification_that_signals_a_higher_one_is_interrupted_by_it(caller):
    log = caller.log()
    higher = caller.event(SIGNAL, NOTIFY, log, ord("h"))
    stub = caller.uefi.stub(find("boot", "SignalEvent"))
    code = (b"\x48\x83\xEC\x28" + b"\x48\xB9" + higher.to_bytes(8, "little")            # sub rsp, 28h; mov rcx, higher
            + b"\x48\xB8" + stub.to_bytes(8, "little") + b"\xFF\xD0"                      # mov rax, SignalEvent; call rax
            + b"\xBA\x6C\0\0\0" + b"\x48\xB8" + log.to_bytes(8, "little") + b"\xFF\xD0"   # mov edx, "l"; mov rax, log; call rax
            + b"\x48\x83\xC4\x28\xC3")
    lower = caller.event(SIGNAL, CALLBACK, caller.function(code))
    caller.call("SignalEvent", lower)
    assert caller.logged == b"hl"


def test_levels_may_only_be_raised_and_restored(caller):
    caller.call("RaiseTPL", NOTIFY)
    caller.call("RaiseTPL", CALLBACK)
    caller.call("RestoreTPL", HIGH)
    first, second = caller.uefi.complaints
    assert first.startswith("RaiseTPL(8) at task priority level 16: it may only be raised")
    assert second.startswith("RestoreTPL(31) at task priority level 8: it may only be lowered")


# ---- the firmware's own ----------------------------------------------------------------------------------------------

class Later:
    """Says that it is signaled from a time on."""

    def __init__(self, uefi, time):
        self.uefi = uefi
        self.time = time

    def reached(self):
        return self.uefi.machine.time >= self.time


def test_an_event_with_a_check_is_waited_for(caller):
    later = Later(caller.uefi, caller.machine.time + 2_000_000)
    event = events.create(caller.uefi, check=later.reached)
    assert caller.call("CheckEvent", event) == Status.NOT_READY
    array = caller.block(8, event.to_bytes(8, "little"))
    start = caller.machine.cpu.time
    assert caller.call("WaitForEvent", 1, array, caller.room) == Status.SUCCESS
    assert 2_000_000 - 1000 <= caller.machine.time - start < 2_000_000 + 550_000       # it is looked at with every tick


# ---- snapshots -------------------------------------------------------------------------------------------------------

def scene():
    """A caller before a wait for the second of two timers, with notifications in between."""
    caller = Caller()
    tick = caller.event(TIMER | SIGNAL, NOTIFY, caller.log(), ord("n"))
    caller.call("SetTimer", tick, PERIODIC, 10_000)
    event = caller.event(TIMER)
    array = caller.block(8, event.to_bytes(8, "little"))
    caller.call("SetTimer", event, RELATIVE, 55_000)
    caller.begin("WaitForEvent", 1, array, caller.room)
    return caller


def test_a_snapshot_in_the_middle_of_a_wait_goes_on_as_if_nothing_had_been():
    straight = scene()
    straight.finish()
    wanted = straight.machine.snapshot().digest()
    broken, number = scene(), 0
    while broken.machine.run(997).kind == "limit":
        number += 1
        if number % 11 == 0:
            saved = pickle.loads(pickle.dumps(broken.machine.snapshot()))
            broken = scene() if number % 3 == 0 else broken
            broken.machine.restore(saved)
    assert number > 20 and broken.logged == straight.logged == b"nnnnn"
    assert broken.machine.snapshot().digest() == wanted


# ---- hostile ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("service, arguments", [
    ("WaitForEvent", (1 << 60, "zeros", 0)), ("CheckEvent", (0x123,)), ("CheckEvent", (0,)), ("SignalEvent", (1 << 63,)),
    ("SetTimer", ("zeros", 1, 1)), ("CloseEvent", ("zeros",)), ("CreateEvent", (SIGNAL, NOTIFY, 1, 0, 0)),
    ("CreateEventEx", (SIGNAL, NOTIFY, 1, 0, 0, 0))])
def test_what_is_no_event_is_an_invalid_parameter(caller, service, arguments):
    arguments = [caller.block(64) if each == "zeros" else each for each in arguments]
    assert caller.call(service, *arguments) == Status.INVALID_PARAMETER


@pytest.mark.parametrize("service, arguments", [
    ("WaitForEvent", (1, 1 << 40, 0)), ("CreateEvent", (0, 0, 0, 0, 1 << 45)), ("CreateEventEx", (0, 0, 0, 0, 1 << 51, 1 << 50))])
def test_a_pointer_to_nowhere_stops_the_machine_in_words(caller, service, arguments):
    caller.begin(service, *arguments)
    stop = caller.machine.run(1_000_000)
    assert stop.kind == "firmware" and "where no memory is" in stop.message
