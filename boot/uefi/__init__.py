"""A UEFI firmware: tables in guest memory whose services are Python functions behind trap stubs, one file a protocol.

    boot.uefi(machine, application="app.efi")

To add a protocol, write a class in protocols/ (protocol.py says how) and name it in PARTS below. A service is a function under
`@boot_service(prototype)` or `@runtime_service(prototype)` (service.py). Importing this package registers them all.
"""
from __future__ import annotations

import sys
import types
from importlib import import_module

from boot.uefi import prototypes, service, tables
from boot.uefi.firmware import Uefi
from boot.uefi.start import boot

__all__ = ["Uefi", "boot"]

#: What has services, protocols, or something to build at power-on, in this order.
PARTS = """
    boot_services.memory
    boot_services.interfaces
    boot_services.lookup
    boot_services.events
    boot_services.images
    boot_services.drivers
    boot_services.miscellaneous
    boot_services.handover
    boot_services.internal
    runtime_services.variables
    runtime_services.time
    runtime_services.virtual_memory
    runtime_services.miscellaneous
    protocols.pci_root_bridge_io
    protocols.pci_io
    protocols.graphics_output
    protocols.edid
    protocols.serial_io
    protocols.simple_text_output
    protocols.hii
    protocols.unicode_collation
    protocols.simple_text_input
    protocols.device_path
    media
    protocols.reset_notification
    protocols.rng
    protocols.memory_attribute
    configuration
    boot_manager
""".split()
for part in PARTS:
    import_module(f"boot.uefi.{part}")

for kind, names in ((service.BOOT, tables.BOOT_SERVICES), (service.RUNTIME, tables.RUNTIME_SERVICES)):
    for name in names:
        if name != "-" and service.find(kind, name) is None:    # in the tables all the same, answering UNSUPPORTED
            service.register(kind, None, prototypes.parse(f"{name}()"), None)


class _Callable(types.ModuleType):
    """So that `boot.uefi(machine, esp="esp/")` is start.boot(machine, esp="esp/")."""

    __call__ = staticmethod(boot)


sys.modules[__name__].__class__ = _Callable
