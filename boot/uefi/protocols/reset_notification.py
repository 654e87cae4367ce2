"""EFI_RESET_NOTIFICATION_PROTOCOL: functions that ResetSystem calls first, while there are boot services.

Source: UEFI 2.10, section 8.5.1.4 (ResetSystem) and 38.6 "Reset Notification Protocol".
"""
from __future__ import annotations

from boot.uefi.definitions import Guid, Status
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on


class ResetNotification(Protocol):
    """uefi.reset_notifications: the functions, in the order of their registration."""

    guid = Guid("9da34ae0-eaf9-4bbf-8ec3-fd60226c44be")
    members = "RegisterResetNotify UnregisterResetNotify"

    @method("RegisterResetNotify(IN EFI_RESET_SYSTEM ResetFunction)")
    def register_reset_notify(self, call, function):
        if not function:
            return Status.INVALID_PARAMETER
        if function in self.uefi.reset_notifications:
            return Status.ALREADY_STARTED
        self.uefi.reset_notifications.append(function)
        return Status.SUCCESS

    @method("UnregisterResetNotify(IN EFI_RESET_SYSTEM ResetFunction)")
    def unregister_reset_notify(self, call, function):
        if function not in self.uefi.reset_notifications:
            return Status.INVALID_PARAMETER
        self.uefi.reset_notifications.remove(function)
        return Status.SUCCESS


@at_power_on
def power_on(uefi):
    uefi.install(0, ResetNotification(uefi))
