"""Bytes into memory: what a file says about where it belongs. What a kernel expects at entry is boot.protocols'."""
from __future__ import annotations


def kernel(machine, path, append="", initrd=None, modules=(), protocol=None, entry=None, floppies=(), disks=()):
    """Load the kernel at `path` by the protocol that it asks for: boot.protocols.choose.kernel has the details."""
    from boot.protocols.choose import kernel as choose
    choose(machine, path, append, initrd, modules, protocol, entry, floppies, disks)
