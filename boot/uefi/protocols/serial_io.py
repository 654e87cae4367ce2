"""EFI_SERIAL_IO_PROTOCOL: COM1, at whose other end the console's terminal is.

    EFI_SERIAL_IO_MODE   00 ControlMask (4)  04 Timeout (4)  08 BaudRate (8)  10 ReceiveFifoDepth (4)  14 DataBits (4)
                         18 Parity (4)  1C StopBits (4)

Source: UEFI 2.10, section 12.8 "Serial I/O Protocol"; what is refused is what EDK2 refuses.
"""
from __future__ import annotations

import struct

from boot.uefi.boot_services.miscellaneous import pass_time
from boot.uefi.definitions import Guid, Status
from boot.uefi.device_path import BY_NAME, pci, pci_root
from boot.uefi.protocol import Protocol, method
from boot.uefi.steps import begin
from boot.uefi.tables import at_power_on
from x86.devices.uart import CLOCK, DLAB, FIFO

DEVICE_PATH = Guid("09576e91-6d3f-11d2-8e39-00a0c969723b")
COM1 = 0x3F8
DATA, DIVISOR_HIGH, FIFO_CONTROL, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS, MODEM_STATUS = 0, 1, 2, 3, 4, 5, 6
DATA_READY = 0x01
ONE_CHARACTER, FOURTEEN_CHARACTERS = 0x07, 0xC7     # to FIFO_CONTROL: on, emptied, and the trigger level

DTR, RTS, INPUT_EMPTY, OUTPUT_EMPTY = 0x0001, 0x0002, 0x0100, 0x0200
LOOP, SOFTWARE_LOOP, FLOW_CONTROL = 0x1000, 0x2000, 0x4000
SETTABLE = DTR | RTS | LOOP | SOFTWARE_LOOP | FLOW_CONTROL
CONTROL_MASK = SETTABLE | INPUT_EMPTY | OUTPUT_EMPTY | 0x00F0       # and CTS, DSR, RI, DCD, at the bits of MSR
MCR_LOOP = 0x10

MODE = struct.Struct("<IIQIIII")
BAUD, BITS, NO_PARITY, ONE_STOP_BIT, ONE_AND_A_HALF, TWO_STOP_BITS = 115_200, 8, 1, 1, 2, 3
PARITY_BITS = {NO_PARITY: 0x00, 2: 0x18, 3: 0x08, 4: 0x28, 5: 0x38}     # even, odd, mark, space -> bits of LCR
LONGEST_TIMEOUT = 100_000_000           # microseconds
TOLERANCE = 25                          # a speed that is met to a 25th stands in Mode as it was asked for
AT_A_TIME = 1 << 16                     # bytes of one Read or Write

PNP_SERIAL = 0x050141D0                 # PNP0501
#: PciRoot(0x0)/Pci(0x1,0x0)/Serial(0x0)/Uart(115200,8,N,1)
PATH = pci_root(pci(1, 0), BY_NAME["Acpi"].build(HID=PNP_SERIAL, UID=0),
                BY_NAME["Uart"].build(BaudRate=BAUD, DataBits=BITS, Parity=NO_PARITY, StopBits=ONE_STOP_BIT))


class SerialIo(Protocol):
    """A serial port. looped: what came back in software's loop mode and is not read yet; control: bits of SETTABLE."""

    guid = Guid("bb25cf6f-f1d4-11d2-9a0c-0090273fc1fd")
    members = "Revision:UINT32 Reset SetAttributes SetControl GetControl Write Read Mode:EFI_SERIAL_IO_MODE*"

    def __init__(self, uefi, port=COM1):
        super().__init__(uefi)
        self.port = port
        self.control = 0
        self.looped = bytearray()
        self.timeout = 0
        self.mode_address = uefi.allocate_pool(MODE.size)
        self._set_line(BAUD, FIFO, 0, NO_PARITY, BITS, ONE_STOP_BIT)
        self._set_control(0)

    def initial(self):
        return {"Revision": 0x00010000, "Mode": self.mode_address}

    def _in(self, register):
        return self.uefi.machine.bus.read(self.port + register, 1)

    def _out(self, register, value):
        self.uefi.machine.bus.write(self.port + register, value, 1)

    # ---- attributes --------------------------------------------------------------------------------------------------

    def _set_line(self, baud, depth, timeout, parity, bits, stop_bits):
        """Program the port and write Mode. False for a speed that the divisor cannot have."""
        divisor = -(-CLOCK // (16 * baud))
        if divisor > 1 and abs(baud - CLOCK // 16 // (divisor - 1)) * TOLERANCE <= baud:
            divisor -= 1
        if divisor > 0xFFFF:
            return False
        line = bits - 5 | (4 if stop_bits != ONE_STOP_BIT else 0) | PARITY_BITS[parity]
        self._out(LINE_CONTROL, line | DLAB)
        self._out(DATA, divisor & 0xFF)
        self._out(DIVISOR_HIGH, divisor >> 8)
        self._out(LINE_CONTROL, line)
        self._out(FIFO_CONTROL, ONE_CHARACTER if depth == 1 else FOURTEEN_CHARACTERS)
        met = CLOCK // 16 // divisor
        if abs(baud - met) * TOLERANCE > baud:
            baud = met
        self.timeout = timeout or 2 * (1 + bits + stop_bits) * 1_000_000 // baud        # two characters, as EDK2's terminal has
        self.uefi.write(self.mode_address, MODE.pack(CONTROL_MASK, self.timeout, baud, depth, bits, parity, stop_bits))
        return True

    @method("Reset()")
    def reset(self, call):
        self.looped.clear()
        self._set_line(BAUD, FIFO, 0, NO_PARITY, BITS, ONE_STOP_BIT)
        self._set_control(0)
        return Status.SUCCESS

    @method("SetAttributes(IN UINT64 BaudRate, IN UINT32 ReceiveFifoDepth, IN UINT32 Timeout, IN EFI_PARITY_TYPE Parity, "
            "IN UINT8 DataBits, IN EFI_STOP_BITS_TYPE StopBits)")
    def set_attributes(self, call, baud, depth, timeout, parity, bits, stop_bits):
        baud, depth, bits = baud or BAUD, depth or FIFO, bits or BITS
        parity, stop_bits = parity or NO_PARITY, stop_bits or ONE_STOP_BIT
        if (depth > FIFO or timeout > LONGEST_TIMEOUT or parity not in PARITY_BITS or not 5 <= bits <= 8
                or stop_bits > TWO_STOP_BITS or stop_bits == ONE_AND_A_HALF and bits != 5
                or not self._set_line(baud, depth, timeout, parity, bits, stop_bits)):
            return Status.INVALID_PARAMETER
        return Status.SUCCESS

    # ---- lines -------------------------------------------------------------------------------------------------------

    def _set_control(self, control):
        self.control = control
        self._out(MODEM_CONTROL, control & (DTR | RTS) | (MCR_LOOP if control & LOOP else 0))

    @method("SetControl(IN UINT32 Control)")
    def set_control(self, call, control):
        if control & ~SETTABLE:
            return Status.UNSUPPORTED
        self._set_control(control)
        return Status.SUCCESS

    @method("GetControl(OUT UINT32 *Control)")
    def get_control(self, call, pointer):
        if not pointer:
            return Status.INVALID_PARAMETER
        control = self.control | self._in(MODEM_STATUS) & 0xF0 | OUTPUT_EMPTY
        if not self.looped and not self._in(LINE_STATUS) & DATA_READY:
            control |= INPUT_EMPTY
        self.uefi.write_u32(pointer, control)
        return Status.SUCCESS

    # ---- bytes -------------------------------------------------------------------------------------------------------

    @method("Write(IN OUT UINTN *BufferSize, IN VOID *Buffer)")
    def write(self, call, size_pointer, buffer):
        size = self.uefi.read_u64(size_pointer) if size_pointer else 0
        if not size:
            return Status.SUCCESS
        if not buffer:
            self.uefi.write_u64(size_pointer, 0)
            return Status.DEVICE_ERROR
        self.uefi.read(buffer + size - 1, 1)            # more than there is of memory is refused at once
        for start in range(0, size, AT_A_TIME):
            data = self.uefi.read(buffer + start, min(AT_A_TIME, size - start))
            if self.control & SOFTWARE_LOOP:
                self.looped = (self.looped + data)[:AT_A_TIME]
                continue
            for byte in data:
                self._out(DATA, byte)
        return Status.SUCCESS

    @method("Read(IN OUT UINTN *BufferSize, OUT VOID *Buffer)")
    def read(self, call, size_pointer, buffer):
        size = self.uefi.read_u64(size_pointer) if size_pointer else 0
        if not size:
            return Status.SUCCESS
        if not buffer:
            self.uefi.write_u64(size_pointer, 0)
            return Status.DEVICE_ERROR
        return begin(self.uefi, call, read_on, self, size_pointer, buffer, size, 0)

    def take(self, room: int) -> bytes:
        """The bytes that are here, at most `room`."""
        data = bytearray()
        while len(data) < room:
            if self.looped:
                data.append(self.looped.pop(0))
            elif self._in(LINE_STATUS) & DATA_READY:
                data.append(self._in(DATA))
            else:
                break
        return bytes(data)


def read_on(uefi, call, steps, value, serial, size_pointer, buffer, size, done):
    """A step: take what is here; if that is not enough, wait, at most the timeout for each time that nothing has come."""
    data = serial.take(size - done)
    uefi.write(buffer + done, data)
    done += len(data)
    if done == size or value == Status.TIMEOUT and not data:
        uefi.write_u64(size_pointer, done)
        return Status.SUCCESS if done == size else Status.TIMEOUT
    machine = uefi.machine
    steps.then(read_on, serial, size_pointer, buffer, size, done)
    steps.then(waited)
    steps.then(pass_time, machine.time + serial.timeout * machine.clock.frequency // 1_000_000)


def waited(uefi, call, steps, value):
    return Status.TIMEOUT


@at_power_on
def power_on(uefi):
    path = uefi.allocate_pool(len(PATH))
    uefi.write(path, PATH)
    uefi.serial_port = uefi.install(uefi.install(0, DEVICE_PATH, path), SerialIo(uefi))
