"""A UEFI firmware: tables in guest memory whose services are Python functions behind trap stubs, one file a protocol.

    boot.uefi(machine, application="app.efi")

To add a protocol, write a class in protocols/ (protocol.py says how) and import it below. A service is a function under
`@boot_service(prototype)` or `@runtime_service(prototype)` (service.py). Importing this package registers them all.
"""
from __future__ import annotations

import sys
import types

from boot.uefi import boot_manager, prototypes, service, tables
from boot.uefi.boot_services import drivers, handover, interfaces, internal, lookup, memory, miscellaneous
from boot.uefi.boot_services import events as event_services, images as image_services
from boot.uefi.firmware import Uefi
from boot.uefi.protocols import simple_text_output
from boot.uefi.runtime_services import variables
from boot.uefi.start import boot

__all__ = ["Uefi", "boot", "boot_manager", "drivers", "event_services", "handover", "image_services", "interfaces", "internal",
           "lookup", "memory", "miscellaneous", "simple_text_output", "variables"]

for kind, names in ((service.BOOT, tables.BOOT_SERVICES), (service.RUNTIME, tables.RUNTIME_SERVICES)):
    for name in names:
        if name != "-" and service.find(kind, name) is None:    # in the tables all the same, answering UNSUPPORTED
            service.register(kind, None, prototypes.parse(f"{name}()"), None)


class _Callable(types.ModuleType):
    """So that `boot.uefi(machine, esp="esp/")` is start.boot(machine, esp="esp/")."""

    __call__ = staticmethod(boot)


sys.modules[__name__].__class__ = _Callable
