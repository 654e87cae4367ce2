"""The 16550A UART: COM1, at ports 3F8h to 3FFh and IRQ 4.

    0  RBR, THR (DLAB: DLL)    receiver buffer, transmitter holding; divisor, low byte
    1  IER      (DLAB: DLM)    3 modem status  2 line status  1 THR empty  0 data available; divisor, high byte
    2  IIR, FCR                identification: 7 6 FIFOs on, 3 2 1 which, 0 none pending; FIFO control
    3  LCR                     7 DLAB  6 break  5 4 3 parity  2 two stop bits  1 0 data bits - 5
    4  MCR                     4 loop  3 OUT2 (the interrupt's gate)  2 OUT1  1 RTS  0 DTR
    5  LSR                     7 error in FIFO  6 transmitter empty  5 THR empty  4 break  3 framing  2 parity  1 overrun
                               0 data ready
    6  MSR                     7 DCD  6 RI  5 DSR  4 CTS, then which of them changed: 3 DCD  2 RI fell  1 DSR  0 CTS
    7  SCR                     a byte of memory

What is sent arrives at once, so that no guest waits for a line that is not there. What is received comes at the line's
pace, and the other end is patient, so that no byte is lost. It waits while the receiver is full, while the guest listens
to itself (loop), and while a guest that receives by interrupts has taken RTS back. What a guest clears from the receiver
unread, as drivers do when they open a port, comes again.

Source: National Semiconductor PC16550D data sheet; IBM PC/AT Technical Reference, "Serial/Parallel Adapter".
"""
from __future__ import annotations

import codecs
from collections.abc import Callable

from x86.devices.device import Device

CLOCK = 1_843_200                       # Hz; the baud rate is a sixteenth of it, by the divisor
FIFO = 16

MODEM_STATUS, LINE_STATUS, THR_EMPTY, DATA = 8, 4, 2, 1             # bits of IER
DLAB, BREAK = 0x80, 0x40
LOOP, OUT2, OUT1, RTS, DTR = 0x10, 0x08, 0x04, 0x02, 0x01
BREAK_RECEIVED, OVERRUN = 0x10, 0x02
TRANSMITTER_EMPTY = 0x60                # THRE and TEMT
LOOPED = 0x100                          # beside a byte in the receiver: it came from the guest itself
CONNECTED = 0xB0                        # DCD, DSR and CTS: somebody is at the other end

# Causes in IIR, the highest priority first
IIR_LINE, IIR_DATA, IIR_TIMEOUT, IIR_THR, IIR_MODEM, IIR_NONE = 0x06, 0x04, 0x0C, 0x02, 0x00, 0x01


class Uart(Device):
    """A serial port; machine.serial is COM1.

    output      all bytes that the guest sent
    on_byte     called with each of them, or None
    on_arrival  called when characters have come into the receiver, or None
    """

    name = "uart"
    STATE = ("divisor", "ier", "fcr", "lcr", "mcr", "scr", "delta", "errors", "receiver", "thr_pending", "timed_out",
             "moved", "timing", "line", "throttled", "input", "arriving", "output")

    def __init__(self, machine, name: str = "uart", port: int = 0x3F8, irq: int = 4):
        super().__init__(machine)
        self.name = name
        self.irq = irq
        self.clock = machine.clock
        self.pic = machine.devices["pic"]
        self.on_byte: Callable[[int], None] | None = None
        self.on_arrival: Callable[[], None] | None = None
        self.output = bytearray()
        self.input = bytearray()        # what the other end sent and the line has not delivered
        self.receiver: list[int] = []   # the FIFO, or the buffer register
        self.line = False               # the interrupt line, as it was driven last
        self._forget_text()
        self.reset()
        self._readers = (self._read_data, self._read_ier, self._read_iir, lambda: self.lcr, lambda: self.mcr,
                         self._read_lsr, self._read_msr, lambda: self.scr)
        self._writers = (self._write_data, self._write_ier, self._write_fcr, self._write_lcr, self._write_mcr,
                         self._ignore, self._ignore, self._write_scr)
        machine.bus.add(self.name, port, 8, read=self._read, write=self._write)

    def reset(self) -> None:
        """Master reset. What was sent stays in `output`, and input that nobody has read still comes."""
        self.clock.cancel(self.name)
        self._clear()
        self.divisor = 12               # 9600 baud, as QEMU starts
        self.ier = self.fcr = self.lcr = self.mcr = self.scr = 0
        self.delta = 0                  # bits 3..0 of MSR
        self.errors = 0                 # OE and BI of LSR
        self.character_ticks = self._character_ticks()
        self.thr_pending = False        # the THR became empty, and nobody has seen it
        self.timed_out = False          # characters lie in the FIFO below its trigger level
        self.moved = 0                  # when something came into the FIFO or was taken from it
        self.timing = False             # the clock will call timeout()
        self.throttled = False          # the guest took RTS back
        self.arriving = False           # the next characters are on the line
        self._update()
        self._arrive()

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.character_ticks = self._character_ticks()
        self._forget_text()

    # ---- the other end of the line ---------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All that the guest sent, as UTF-8; bytes that are none show as U+FFFD."""
        if self._decoded > len(self.output):
            self._forget_text()
        if self._decoded < len(self.output):
            self._text += self._decoder.decode(bytes(self.output[self._decoded:]))
            self._decoded = len(self.output)
        return self._text + "\N{REPLACEMENT CHARACTER}" if self._decoder.getstate()[0] else self._text

    def _forget_text(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoded, self._text = 0, ""

    def send(self, data: bytes) -> None:
        """Send bytes to the guest, at the pace of the line and as fast as it reads."""
        self.input += data
        self._arrive()

    def _character_ticks(self):
        """How long one character takes at the present baud rate and format."""
        bits = 1 + 5 + (self.lcr & 3) + bool(self.lcr & 8) + 1 + bool(self.lcr & 4)
        return max(1, bits * 16 * (self.divisor or 0x10000) * self.clock.frequency // CLOCK)

    def _room(self):
        """How many more characters the receiver takes."""
        return (FIFO if self.fcr & 1 else 1) - len(self.receiver)

    def _arrive(self):
        """Let the next characters come, if there are some and room for them: as many as make an interrupt, together."""
        if self.input and not self.arriving and not self.throttled and not self.mcr & LOOP:
            count = min(len(self.input), self._room(), self._trigger() if self.fcr & 1 else 1)
            if count > 0:
                self.arriving = True
                self.clock.after(count * self.character_ticks, self.name, "arrived", count)

    def arrived(self, count: int) -> None:
        """Clock event: characters have come. Those that the guest left no room for wait on."""
        self.arriving = False
        if not self.throttled and not self.mcr & LOOP:
            count = min(count, self._room())
            if count > 0:
                self.receiver += self.input[:count]
                del self.input[:count]
                self._moved()
                self._update()
                if self.on_arrival is not None:
                    self.on_arrival()
        self._arrive()

    # ---- receiver and transmitter ----------------------------------------------------------------------------------

    def _receive(self, value):
        """A character that the guest sent to itself."""
        if self._room() <= 0:
            self.errors |= OVERRUN
            if not self.fcr & 1:        # the register is overwritten; a full FIFO keeps what it has
                self.receiver[0] = value | LOOPED
        else:
            self.receiver.append(value | LOOPED)
        self._moved()
        self._update()

    def _clear(self):
        """Empty the receiver. What came by the line goes back to where it came from."""
        self.input[:0] = bytes(value for value in self.receiver if value < LOOPED)
        self.receiver.clear()
        self.timed_out = False

    def _moved(self):
        """Four character times after the last movement in a FIFO that is not empty, its time-out is due."""
        self.timed_out = False
        if self.fcr & 1:
            self.moved = self.clock.now
            if self.receiver and not self.timing:
                self.timing = True
                self.clock.after(4 * self.character_ticks, self.name, "timeout")

    def timeout(self) -> None:
        """Clock event: look whether nothing has moved in the receiver FIFO for four characters."""
        self.timing = False
        if self.receiver and self.fcr & 1:
            due = self.moved + 4 * self.character_ticks
            if self.clock.now < due:
                self.timing = True
                self.clock.at(due, self.name, "timeout")
            else:
                self.timed_out = True
                self._update()

    def _transmit(self, value):
        if self.mcr & LOOP:
            self._receive(value)
            return
        self.output.append(value)
        if self.on_byte is not None:
            self.on_byte(value)

    # ---- interrupts ------------------------------------------------------------------------------------------------

    def _cause(self):
        """What IIR says: the pending interrupt of the highest priority."""
        ier = self.ier
        if ier == 0:
            return IIR_NONE
        if ier & LINE_STATUS and self.errors:
            return IIR_LINE
        if ier & DATA and self.receiver:
            if len(self.receiver) >= (self._trigger() if self.fcr & 1 else 1):
                return IIR_DATA
            if self.timed_out:
                return IIR_TIMEOUT
        if ier & THR_EMPTY and self.thr_pending:
            return IIR_THR
        if ier & MODEM_STATUS and self.delta:
            return IIR_MODEM
        return IIR_NONE

    def _trigger(self):
        return (1, 4, 8, 14)[self.fcr >> 6]

    def _update(self):
        """Drive the interrupt line. On a PC it passes a gate that OUT2 opens; in loop mode OUT2 is inactive."""
        line = self.mcr & (OUT2 | LOOP) == OUT2 and self._cause() != IIR_NONE
        if line != self.line:
            self.line = line
            self.pic.set_irq(self.irq, line)

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        return self._readers[offset]()

    def _write(self, offset, value, size):
        self._writers[offset](value)

    def _read_data(self):
        if self.lcr & DLAB:
            return self.divisor & 0xFF
        if not self.receiver:
            return 0
        value = self.receiver.pop(0) & 0xFF
        self._moved()
        self._update()
        self._arrive()
        return value

    def _write_data(self, value):
        if self.lcr & DLAB:
            self._set_divisor(self.divisor & 0xFF00 | value)
            return
        self.thr_pending = False
        if self.ier & THR_EMPTY:
            self._update()              # the line falls, and rises again for the next edge
        self._transmit(value)
        self.thr_pending = True
        if self.ier & THR_EMPTY:
            self._update()

    def _set_divisor(self, divisor):
        self.divisor = divisor
        self.character_ticks = self._character_ticks()

    def _read_ier(self):
        return self.divisor >> 8 if self.lcr & DLAB else self.ier

    def _write_ier(self, value):
        if self.lcr & DLAB:
            self._set_divisor(self.divisor & 0xFF | value << 8)
            return
        if value & ~self.ier & THR_EMPTY:
            self.thr_pending = True     # the THR is empty, always
        self.ier = value & 0x0F
        if not value & DATA:
            self._throttle(False)
        self._update()

    def _read_iir(self):
        cause = self._cause()
        if cause == IIR_THR:
            self.thr_pending = False    # to read it is to know it
            self._update()
        return cause | (0xC0 if self.fcr & 1 else 0)

    def _write_fcr(self, value):
        """
            7 6 trigger level: 1, 4, 8, 14   3 DMA mode   2 clear transmitter   1 clear receiver   0 FIFOs on
        """
        if (value ^ self.fcr) & 1:
            value |= 0x02               # to switch the FIFOs empties them
        if value & 0x02:
            self._clear()
        self.fcr = value & 0xC9 if value & 1 else 0
        self._update()
        self._arrive()

    def _write_lcr(self, value):
        began = value & ~self.lcr & BREAK
        self.lcr = value
        self.character_ticks = self._character_ticks()
        if began and self.mcr & LOOP:   # what is sent comes back: a break, as a character of zeros
            self.errors |= BREAK_RECEIVED
            self._receive(0)

    def _write_mcr(self, value):
        before = self._modem_lines()
        fell = self.mcr & ~value & RTS
        self.mcr = value & 0x1F
        if not self.mcr & LOOP:
            self._throttle(not value & RTS and (self.throttled or bool(fell and self.ier & DATA)))
        after = self._modem_lines()
        changed = (before ^ after) >> 4
        self.delta |= changed & 0x0B | (changed & before >> 4 & 0x04)      # RI counts when it ends
        self._update()

    def _throttle(self, on):
        """RTS as flow control: a guest that goes on receiving by interrupts lowers it to be left in peace."""
        self.throttled = on
        self._arrive()

    def _read_lsr(self):
        status = TRANSMITTER_EMPTY | self.errors | bool(self.receiver)
        if self.errors:
            if self.fcr & 1 and self.errors & BREAK_RECEIVED:
                status |= 0x80
            self.errors = 0
            self._update()
        return status

    def _modem_lines(self):
        """DCD RI DSR CTS in bits 7 to 4; in loop mode they are OUT2 OUT1 DTR RTS."""
        mcr = self.mcr
        if not mcr & LOOP:
            return CONNECTED
        return (mcr & OUT2) << 4 | (mcr & OUT1) << 4 | (mcr & DTR) << 5 | (mcr & RTS) << 3

    def _read_msr(self):
        status = self._modem_lines() | self.delta
        if self.delta:
            self.delta = 0
            self._update()
        return status

    def _write_scr(self, value):
        self.scr = value

    def _ignore(self, value):
        """LSR and MSR are read only."""
