"""The two 8237A DMA controllers and their page registers. Programs find and set them up; no device here asks for a transfer.

    00h-0Fh   the first: channels 0 to 3, bytes          C0h-DFh   the second: channels 4 to 7, words
              0 2 4 6    address of a channel                      the same registers, two ports each; channel 4 is the
              1 3 5 7    its count, one less                       input that the first one is cascaded to
              8          command; reads as status          81h-8Fh   page registers: the address above bit 15
              9          request                                   87h 83h 81h 82h of channels 0 to 3
              A          mask of one channel                       8Fh 8Bh 89h 8Ah of channels 4 to 7 (4: refresh)
              B          mode                                      all others only remember; 80h has the POST codes
              C          the next byte is the low one
              D          master clear; reads as the temporary register
              E          all masks off
              F          all masks, which can be read here

    status    7..4 request of a channel   3..0 terminal count, which nothing reaches
    request, mask of one channel    2 on or off   1..0 channel
    mode      7..6 demand, single, block, cascade   5 downwards   4 again and again   3..2 direction   1..0 channel

Source: Intel 8237A data sheet (231466), "Register Description" and "Programming"; Intel 82371AB (PIIX4) data sheet, "DMA
Registers"; IBM PC/AT Technical Reference, "Direct Memory Access".
"""
from __future__ import annotations

from x86.devices.device import Device, copy_of

STATUS, REQUEST, MASK, MODE, FLIP_FLOP, MASTER_CLEAR, CLEAR_MASKS, MASKS = range(8, 16)
ALL = 0x0F                              # a bit for each channel
FIRST_PAGE = 0x81


class Controller:
    """One 8237A.

    addresses, counts   of its four channels; base and current registers are one, since nothing counts
    modes               bits 7 to 2 of the mode registers
    high                whether the next byte of an address or a count is the high one
    """

    STATE = ("addresses", "counts", "modes", "command", "requests", "masks", "high")
    __slots__ = STATE

    def __init__(self):
        self.addresses, self.counts, self.modes = [0] * 4, [0] * 4, [0] * 4
        self.master_clear()

    def master_clear(self) -> None:
        """Like the RESET pin: all channels masked. Addresses, counts and modes stay."""
        self.command = self.requests = 0
        self.masks = ALL
        self.high = False

    def read(self, register: int) -> int:
        """One of the sixteen registers, a byte; all ones where there is nothing to be read."""
        if register < STATUS:
            value = self._words(register)[register >> 1]
            high, self.high = self.high, not self.high
            return value >> 8 if high else value & 0xFF
        return {STATUS: self.requests << 4, MASTER_CLEAR: 0, MASKS: self.masks}.get(register, 0xFF)

    def write(self, register: int, value: int) -> None:
        """A byte for one of the sixteen."""
        bit = 1 << (value & 3)
        if register < STATUS:
            words, channel = self._words(register), register >> 1
            words[channel] = words[channel] & 0x00FF | value << 8 if self.high else words[channel] & 0xFF00 | value
            self.high = not self.high
        elif register == STATUS:
            self.command = value
        elif register == REQUEST:
            self.requests = self.requests | bit if value & 4 else self.requests & ~bit
        elif register == MASK:
            self.masks = self.masks | bit if value & 4 else self.masks & ~bit
        elif register == MODE:
            self.modes[value & 3] = value & 0xFC
        elif register == FLIP_FLOP:
            self.high = False
        elif register == MASTER_CLEAR:
            self.master_clear()
        else:
            self.masks = 0 if register == CLEAR_MASKS else value & ALL

    def _words(self, register):
        return self.counts if register & 1 else self.addresses


class Dma(Device):
    """Both controllers.

    controllers     the one of channels 0 to 3, and that of 4 to 7
    pages           the bytes at 81h to 8Fh
    """

    name = "dma"

    def __init__(self, machine):
        super().__init__(machine)
        self.reset()
        machine.bus.add(self.name, 0x00, 16, read=self._read_first, write=self._write_first)
        machine.bus.add(self.name, FIRST_PAGE, 15, read=self._read_page, write=self._write_page)
        machine.bus.add(self.name, 0xC0, 32, read=self._read_second, write=self._write_second)

    def reset(self) -> None:
        """Power-on state: all channels masked."""
        self.controllers = [Controller(), Controller()]
        self.pages = bytearray(15)

    def snapshot(self) -> dict:
        return {"pages": bytes(self.pages), "controllers": [
            {field: copy_of(getattr(controller, field)) for field in Controller.STATE} for controller in self.controllers]}

    def restore(self, state: dict) -> None:
        self.pages = bytearray(state["pages"])
        for controller, fields in zip(self.controllers, state["controllers"]):
            for field in Controller.STATE:
                setattr(controller, field, copy_of(fields[field]))

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _read_first(self, offset, size):
        return self.controllers[0].read(offset)

    def _write_first(self, offset, value, size):
        self.controllers[0].write(offset, value)

    def _read_second(self, offset, size):
        return self.controllers[1].read(offset >> 1)

    def _write_second(self, offset, value, size):
        self.controllers[1].write(offset >> 1, value)

    def _read_page(self, offset, size):
        return self.pages[offset]

    def _write_page(self, offset, value, size):
        self.pages[offset] = value
