"""Events, timers, and task priority levels. Source: UEFI 2.10, section 7.1 "Event, Timer, and Task Priority Services"."""
from __future__ import annotations

from boot.uefi import events
from boot.uefi.boot_services.miscellaneous import pass_time
from boot.uefi.events import (EXIT_BOOT_SERVICES, INTERRUPT_FLAG, NOTIFY_SIGNAL, NOTIFY_WAIT, SIGNAL_EXIT_BOOT_SERVICES,
                              SIGNAL_VIRTUAL_ADDRESS_CHANGE, TIMER, VIRTUAL_ADDRESS_CHANGE)
from boot.uefi.service import boot_service
from boot.uefi.steps import begin
from boot.uefi.definitions import TPL_APPLICATION, TPL_CALLBACK, TPL_HIGH_LEVEL, TPL_NOTIFY, Status

TIMER_CANCEL, TIMER_PERIODIC, TIMER_RELATIVE = range(3)         # EFI_TIMER_DELAY

#: The types that there are; EDK2 refuses every other combination
TYPES = (0, TIMER, NOTIFY_WAIT, NOTIFY_SIGNAL, TIMER | NOTIFY_WAIT, TIMER | NOTIFY_SIGNAL, SIGNAL_EXIT_BOOT_SERVICES,
         SIGNAL_VIRTUAL_ADDRESS_CHANGE)

#: Types that stand for a group, and the other way round
GROUP_OF = {SIGNAL_EXIT_BOOT_SERVICES: EXIT_BOOT_SERVICES, SIGNAL_VIRTUAL_ADDRESS_CHANGE: VIRTUAL_ADDRESS_CHANGE}
TYPE_OF = {group: type for type, group in GROUP_OF.items()}


# ---- task priority ---------------------------------------------------------------------------------------------------

@boot_service("RaiseTPL(IN EFI_TPL NewTpl)")
def raise_tpl(uefi, call, level):
    before = uefi.tpl
    if not before <= level <= TPL_HIGH_LEVEL:
        uefi.complain(f"RaiseTPL({level}) at task priority level {before}: it may only be raised, up to {TPL_HIGH_LEVEL}", call)
    uefi.set_tpl(min(level, TPL_HIGH_LEVEL))
    return before


@boot_service("RestoreTPL(IN EFI_TPL OldTpl)")
def restore_tpl(uefi, call, level):
    if level > uefi.tpl:
        uefi.complain(f"RestoreTPL({level}) at task priority level {uefi.tpl}: it may only be lowered", call)
    uefi.set_tpl(min(level, TPL_HIGH_LEVEL))
    return Status.SUCCESS


# ---- events ----------------------------------------------------------------------------------------------------------

def create(uefi, type, tpl, function, context, group, pointer):
    """What CreateEvent and CreateEventEx do. group: the address of a GUID, or 0."""
    if not pointer or type not in TYPES:
        return Status.INVALID_PARAMETER
    guid = uefi.read_guid(group) if group else GROUP_OF.get(type)
    if group and type in GROUP_OF:
        return Status.INVALID_PARAMETER
    if group:
        type = TYPE_OF.get(guid, type)
    if type & (NOTIFY_WAIT | NOTIFY_SIGNAL):
        if not function or tpl not in (TPL_CALLBACK, TPL_NOTIFY):
            return Status.INVALID_PARAMETER
    else:
        tpl = function = context = 0
    uefi.write_u64(pointer, events.create(uefi, type, tpl, function, context, guid))
    return Status.SUCCESS


@boot_service("CreateEvent(IN UINT32 Type, IN EFI_TPL NotifyTpl, IN EFI_EVENT_NOTIFY NotifyFunction OPTIONAL, "
              "IN VOID *NotifyContext OPTIONAL, OUT EFI_EVENT *Event)")
def create_event(uefi, call, type, tpl, function, context, pointer):
    return create(uefi, type, tpl, function, context, 0, pointer)


@boot_service("CreateEventEx(IN UINT32 Type, IN EFI_TPL NotifyTpl, IN EFI_EVENT_NOTIFY NotifyFunction OPTIONAL, "
              "IN CONST VOID *NotifyContext OPTIONAL, IN CONST EFI_GUID *EventGroup OPTIONAL, OUT EFI_EVENT *Event)")
def create_event_ex(uefi, call, type, tpl, function, context, group, pointer):
    return create(uefi, type, tpl, function, context, group, pointer)


@boot_service("CloseEvent(IN EFI_EVENT Event)")
def close_event(uefi, call, event):
    if event not in uefi.events.all:
        return Status.INVALID_PARAMETER
    events.close(uefi, event)
    return Status.SUCCESS


@boot_service("SignalEvent(IN EFI_EVENT Event)")
def signal_event(uefi, call, event):
    if event not in uefi.events.all:
        return Status.INVALID_PARAMETER
    events.signal(uefi, event)
    return Status.SUCCESS


@boot_service("SetTimer(IN EFI_EVENT Event, IN EFI_TIMER_DELAY Type, IN UINT64 TriggerTime)")
def set_timer(uefi, call, event, delay, trigger_time):
    found = uefi.events.all.get(event)
    if found is None or delay > TIMER_RELATIVE or not found.type & TIMER:
        return Status.INVALID_PARAMETER
    if delay == TIMER_CANCEL:
        events.cancel_timer(uefi, found)
    else:
        events.set_timer(uefi, found, trigger_time, delay == TIMER_PERIODIC)
    return Status.SUCCESS


# ---- waiting ---------------------------------------------------------------------------------------------------------

@boot_service("CheckEvent(IN EFI_EVENT Event)")
def check_event(uefi, call, event):
    return begin(uefi, call, check, event)


def check(uefi, call, steps, value, address):
    """A step: whether an event is signaled, which it is no longer afterwards. A NOTIFY_WAIT function runs first, to see."""
    event = uefi.events.all.get(address)
    if event is None or event.type & NOTIFY_SIGNAL:
        return Status.INVALID_PARAMETER
    events.run_timers(uefi)
    if event.check is not None:
        event.signaled = event.signaled or event.check()
    elif not event.signaled and event.type & NOTIFY_WAIT:
        events.enqueue(uefi.events, event)
        steps.then(checked, address)
        steps.then(events.dispatch)
        return Status.NOT_READY
    return checked(uefi, call, steps, value, address)


def checked(uefi, call, steps, value, address):
    event = uefi.events.all.get(address)
    if event is None or not event.signaled:
        return Status.NOT_READY
    event.signaled = False
    return Status.SUCCESS


@boot_service("WaitForEvent(IN UINTN NumberOfEvents, IN EFI_EVENT *Event, OUT UINTN *Index)")
def wait_for_event(uefi, call, count, array, index_pointer):
    if uefi.tpl != TPL_APPLICATION:
        return Status.UNSUPPORTED
    if count == 0 or not array:
        return Status.INVALID_PARAMETER
    return begin(uefi, call, wait_round, count, array, index_pointer)


def wait_round(uefi, call, steps, value, count, array, index_pointer):
    """A step: look at all events once."""
    steps.then(wait_next, count, array, index_pointer, 0)
    steps.then(check, uefi.read_u64(array))
    steps.then(events.dispatch)


def wait_next(uefi, call, steps, status, count, array, index_pointer, index):
    """A step: go on behind event `index`, which has that status; after the last, sleep until the next interrupt."""
    if status != Status.NOT_READY:
        if index_pointer:
            uefi.write_u64(index_pointer, index)
        return status
    if index + 1 < count:
        steps.then(wait_next, count, array, index_pointer, index + 1)
        steps.then(check, uefi.read_u64(array + 8 * (index + 1)))
        return Status.NOT_READY
    steps.then(wait_round, count, array, index_pointer)
    if uefi.events.stopped:                                     # ExitBootServices was refused: no timer interrupts any more
        steps.then(pass_time, uefi.machine.time + events.ticks(uefi, events.DEFAULT_PERIOD))
        return Status.NOT_READY
    uefi.machine.cpu.rflags &= ~INTERRUPT_FLAG                  # until `idle` sleeps: no interrupt slips in between
    return steps.invoke(uefi.labels["idle"])
