"""What only the firmware's own code calls (stubs.asm)."""
from __future__ import annotations

from boot.uefi.service import internal_service
from boot.uefi.definitions import Status


@internal_service("TimerTick()")
def timer_tick(uefi, call):
    """IRQ 0, a hundred times a second: keys are taken from their devices, and notifications that are due follow by themselves."""
    uefi.input.poll()
    return Status.SUCCESS
