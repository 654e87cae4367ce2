"""Events: what is signaled, which timers run, which notification functions wait for their turn. Plain data.

    SignalEvent, SetTimer, ... --> signaled --> queue[TPL] --> dispatch: highest TPL first, in each the order of arrival

A notification runs once the task priority level is below its own. So `due` is asked at the end of every service, and on IRQ 0,
which comes a hundred times a second and at the very tick at which a timer expires.

As in EDK2, signaling an event of a group notifies all members that have a function, the youngest first.

Source: UEFI 2.10, section 7.1 "Event, Timer, and Task Priority Services".
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from boot.uefi.steps import Steps, run
from boot.uefi.tables import at_power_on
from boot.uefi.definitions import TPL_HIGH_LEVEL, Guid, MemoryType

TIMER, RUNTIME, NOTIFY_WAIT, NOTIFY_SIGNAL = 0x80000000, 0x40000000, 0x00000100, 0x00000200
SIGNAL_EXIT_BOOT_SERVICES, SIGNAL_VIRTUAL_ADDRESS_CHANGE = 0x00000201, 0x60000202

EXIT_BOOT_SERVICES = Guid("27abf055-b1b8-4c26-8048-748f37baa2df")
BEFORE_EXIT_BOOT_SERVICES = Guid("8be0e274-3970-4b44-80c5-1ab9502f3bfc")
VIRTUAL_ADDRESS_CHANGE = Guid("13fa7698-c831-49c7-87ea-8f43fcc25196")
MEMORY_MAP_CHANGE = Guid("78bee926-692f-48fd-9edb-01422ef0d7ab")
READY_TO_BOOT = Guid("7ce88fb3-4bd7-4679-87a8-a8d8dee50d2b")
EXIT_BOOT_SERVICES_FAILED = Guid("4f6c5507-232f-4787-b95e-72f862490cb1")        # EDK2's own
AFTER_READY_TO_BOOT = Guid("3a2a00ad-98b9-4cdf-a478-702777f1c10b")

UNITS = 10_000_000                      # of SetTimer in a second: 100 ns
DEFAULT_PERIOD = 100_000                # units: a periodic timer of 0 follows the firmware's tick, 10 ms
LEAST_PERIOD = LEAST_DELAY = 10_000     # units: 1 ms (EDK2's tick is 10 ms), or what waits in a loop would keep the host busy
NEVER = 1 << 62                         # ticks: what is later than that does not happen
EVENT_SIZE = 16                         # bytes of the block whose address is an EFI_EVENT
INTERRUPT_FLAG = 0x200


@dataclass
class Event:
    """One EFI_EVENT.

    type       as CreateEvent got it, or what a group makes of it
    tpl        of its notification function, whose address is `function` (0: it has none)
    group      the GUID of its group, or None
    expires    the tick at which its timer expires, or None
    period     ticks, 0 for a timer that expires once
    check      of an event of the firmware's own: says whether it is signaled. A bound method that pickles
    """
    address: int
    type: int
    tpl: int = 0
    function: int = 0
    context: int = 0
    group: Guid | None = None
    signaled: bool = False
    expires: int | None = None
    period: int = 0
    check: Callable[[], bool] | None = None


@dataclass
class Events:
    """All events.

    all        by address, in the order of their creation
    queue      TPL -> events whose notification waits
    timers     events whose timer runs, in the order in which they were set
    earliest   the tick at which the first of them expires
    map_key    of the memory map, when MEMORY_MAP_CHANGE was last signaled
    leaving    ExitBootServices was called
    stopped    so its timers are: time stands still
    """
    all: dict[int, Event] = field(default_factory=dict)
    queue: dict[int, list[int]] = field(default_factory=dict)
    timers: list[int] = field(default_factory=list)
    earliest: int = NEVER
    map_key: int = 0
    leaving: bool = False
    stopped: bool = False


@at_power_on
def power_on(uefi):
    uefi.events = Events(map_key=uefi.map.key)


def create(uefi, type: int = 0, tpl: int = 0, function: int = 0, context: int = 0, group: Guid | None = None,
           check: Callable[[], bool] | None = None) -> int:
    """A new event; its EFI_EVENT. OutOfMemory. Those of the firmware have a `check` and no function."""
    address = uefi.allocate_pool(EVENT_SIZE, MemoryType.RuntimeServicesData if type & RUNTIME else MemoryType.BootServicesData)
    uefi.write(address, b"evnt".ljust(EVENT_SIZE, b"\0"))
    uefi.events.all[address] = Event(address, type, tpl, function, context, group, check=check)
    return address


def close(uefi, address: int) -> None:
    """The event is no more; whoever was to be told of protocols through it is not told."""
    events = uefi.events
    cancel_timer(uefi, events.all[address])
    dequeue(events, address)
    del events.all[address]
    registrations = uefi.database.registrations
    for key in [key for key, each in registrations.items() if each.event == address]:
        del registrations[key]
        uefi.free_pool(key)
    uefi.write(address, bytes(EVENT_SIZE))
    uefi.free_pool(address)


# ---- signals ---------------------------------------------------------------------------------------------------------

def signal(uefi, address: int) -> None:
    """Signal an event, if it is not; its notification is queued, or those of its group."""
    event = uefi.events.all[address]
    if event.signaled:
        return
    event.signaled = True
    if event.type & NOTIFY_SIGNAL:
        if event.group is None:
            enqueue(uefi.events, event)
        else:
            signal_group(uefi, event.group)


def signal_group(uefi, group: Guid) -> None:
    """Queue the notifications of a group."""
    for event in reversed(list(uefi.events.all.values())):
        if event.group == group and event.type & NOTIFY_SIGNAL:
            enqueue(uefi.events, event)


def enqueue(events: Events, event: Event) -> None:
    """Its notification is the last of its level, be it for the second time."""
    dequeue(events, event.address)
    events.queue.setdefault(event.tpl, []).append(event.address)


def dequeue(events: Events, address: int) -> None:
    """Its notification does not run."""
    for level, waiting in list(events.queue.items()):
        if address in waiting:
            waiting.remove(address)
            if not waiting:
                del events.queue[level]


# ---- timers ----------------------------------------------------------------------------------------------------------

def ticks(uefi, units: int) -> int:
    """100 ns units in ticks of the machine's clock, rounded up."""
    return -(-units * uefi.machine.clock.frequency // UNITS)


def set_timer(uefi, event: Event, units: int, periodic: bool) -> None:
    """Let the timer of an event expire in `units`, and then again and again if it is periodic. 0, if not, is at once."""
    cancel_timer(uefi, event)
    if periodic:
        units = max(units, LEAST_PERIOD) if units else DEFAULT_PERIOD
        event.period = ticks(uefi, units)
    event.expires = uefi.machine.time + ticks(uefi, max(units, LEAST_DELAY) if units else 0)
    uefi.events.timers.append(event.address)
    expect(uefi)


def cancel_timer(uefi, event: Event) -> None:
    """Stop the timer of an event, if it runs."""
    event.period = 0
    if event.expires is not None:
        event.expires = None
        uefi.events.timers.remove(event.address)
        expect(uefi)


def expect(uefi) -> None:
    """Have the machine interrupt when the first timer expires."""
    events, clock = uefi.events, uefi.machine.clock
    events.earliest = min((events.all[address].expires for address in events.timers), default=NEVER)
    clock.cancel(uefi.name, "timer_expired")
    if events.earliest < NEVER and not events.stopped:
        clock.at(events.earliest, uefi.name, "timer_expired")


def run_timers(uefi) -> None:
    """Signal the events whose timer has expired. At TPL_HIGH_LEVEL time stands still, as it does with interrupts off."""
    events, now = uefi.events, uefi.machine.time
    if now < events.earliest or uefi.tpl >= TPL_HIGH_LEVEL or events.stopped:
        return
    over = [events.all[address] for address in events.timers if events.all[address].expires <= now]
    for event in sorted(over, key=lambda event: event.expires):
        events.timers.remove(event.address)
        signal(uefi, event.address)
        if event.period:
            event.expires += event.period
            if event.expires <= now:                            # a period or more was missed: those are not made up for
                event.expires = now + event.period
            events.timers.append(event.address)
        else:
            event.expires = None
    expect(uefi)


def stop_timers(uefi) -> None:
    """No timer expires any more."""
    uefi.events.stopped = True
    expect(uefi)


# ---- notifications ---------------------------------------------------------------------------------------------------

def due(uefi, result):
    """`result`, or an Invoke of the notification function that runs first; in the end `result` is the outcome."""
    events = uefi.events
    if uefi.map.key != events.map_key:
        events.map_key = uefi.map.key
        signal_group(uefi, MEMORY_MAP_CHANGE)
    run_timers(uefi)
    if not events.queue or max(events.queue) <= uefi.tpl:
        return result
    return run(uefi, None, result, Steps([(dispatch, ())]))


def dispatch(uefi, call, steps, value):
    """A step: run all notification functions whose level is above the present one; `value` goes on."""
    events = uefi.events
    level = max(events.queue, default=0)
    if level <= uefi.tpl:
        return value
    event = events.all[events.queue[level][0]]
    dequeue(events, event.address)
    if event.type & NOTIFY_SIGNAL:
        event.signaled = False
    cpu = uefi.machine.cpu
    steps.then(dispatched, uefi.tpl, cpu.rflags & INTERRUPT_FLAG, value)
    uefi.tpl = level
    cpu.rflags |= INTERRUPT_FLAG                                # also in the handler of the timer's interrupt
    return steps.invoke(event.function, event.address, event.context)


def dispatched(uefi, call, steps, returned, level, interrupts, value):
    cpu = uefi.machine.cpu
    uefi.tpl = level
    cpu.rflags = cpu.rflags & ~INTERRUPT_FLAG | interrupts
    steps.then(dispatch)
    return value
