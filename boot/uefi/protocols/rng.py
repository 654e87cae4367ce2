"""EFI_RNG_PROTOCOL: random numbers, which are the same in every run.

Each block of 32 bytes is SHA-256 of the time, the board's clock and how many blocks there were before: a loader's seed differs
from boot to boot if the clock does, and a run repeats.

Source: UEFI 2.10, section 37.5 "Random Number Generator Protocol".
"""
from __future__ import annotations

import hashlib

from boot.uefi.definitions import Guid, Status
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on

RAW = Guid("e43176d7-b6e8-4827-b784-7ffdc4b68561")
ALGORITHMS = (RAW,)                     # the first is the default
MOST = 1 << 20                          # bytes of one call


class Rng(Protocol):
    """blocks: how many were made."""

    guid = Guid("3152bca5-eade-433d-862e-c01cdc291f44")
    members = "GetInfo GetRNG"

    def __init__(self, uefi):
        super().__init__(uefi)
        self.blocks = 0

    @method("GetInfo(IN OUT UINTN *RNGAlgorithmListSize, OUT EFI_RNG_ALGORITHM *RNGAlgorithmList OPTIONAL)")
    def get_info(self, call, size_pointer, buffer):
        if not size_pointer:
            return Status.INVALID_PARAMETER
        found = b"".join(ALGORITHMS)
        room = self.uefi.read_u64(size_pointer)
        self.uefi.write_u64(size_pointer, len(found))
        if room < len(found):
            return Status.BUFFER_TOO_SMALL
        if not buffer:
            return Status.INVALID_PARAMETER
        self.uefi.write(buffer, found)
        return Status.SUCCESS

    @method("GetRNG(IN EFI_RNG_ALGORITHM *RNGAlgorithm OPTIONAL, IN UINTN RNGValueLength, OUT UINT8 *RNGValue)")
    def get_rng(self, call, algorithm, length, buffer):
        if not length or not buffer:
            return Status.INVALID_PARAMETER
        if algorithm and self.uefi.read_guid(algorithm) not in ALGORITHMS:
            return Status.UNSUPPORTED
        if length > MOST:
            return Status.DEVICE_ERROR
        self.uefi.write(buffer, self.take(length))
        return Status.SUCCESS

    def take(self, length: int) -> bytes:
        """The next bytes."""
        machine, data = self.uefi.machine, bytearray()
        while len(data) < length:
            data += hashlib.sha256(f"{machine.time} {machine.devices['rtc'].seconds} {self.blocks}".encode()).digest()
            self.blocks += 1
        return bytes(data[:length])


@at_power_on
def power_on(uefi):
    uefi.install(0, Rng(uefi))
