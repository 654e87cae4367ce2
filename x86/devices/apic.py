"""The local APIC of the processor: what interrupts it, with which vector, in which order; and its timer.

    PIC's INTR ---> LINT0 \\
    NMI ----------> LINT1  \\                +--> IRR -- higher than PPR? --> INTR of the processor
    timer, error ---------- > LVT ---------> |                |
    I/O APIC (ioapic.py) ------------------> |               ISR <-- acknowledge    EOI -->
    ICR (to itself) -----------------------> +

    020 ID        080 TPR     0D0 LDR    100-170 ISR    280 ESR        320 LVT timer    360 LVT error
    030 version   0A0 PPR     0E0 DFR    180-1F0 TMR    300 ICR low    340 LVT perf     380 initial count
                  0B0 EOI     0F0 SVR    200-270 IRR    310 ICR high   350 LVT LINT0    390 current count
                                                                       350+ LINT1       3E0 divide

Each at a multiple of 16, 32 bits wide, from FEE00000h on. IA32_APIC_BASE keeps another address that is written there, but the
registers stay where they are, as in QEMU. The three long registers have a bit for each vector; a vector's class is its upper
four bits, and an interrupt of a class above that of PPR is delivered.

At power-on it is enabled and in virtual wire mode, as firmware leaves it, since a machine without firmware starts here:
what the 8259s ask for passes through LINT0. There is one processor, number 0, so nobody receives what is sent to another.

Source: Intel SDM volume 3, "Advanced Programmable Interrupt Controller (APIC)"; MultiProcessor Specification 1.4, section
3.6.2.2, "Virtual Wire Mode".
"""
from __future__ import annotations

from x86.devices.device import Device

BASE, SIZE = 0xFEE0_0000, 0x1000
GLOBAL_ENABLE = 1 << 11                 # of IA32_APIC_BASE
VERSION = 0x0005_0014                   # six entries in the LVT (their number less one in bits 23..16)

ID, VERSION_REGISTER, TPR, APR, PPR, EOI, LDR, DFR, SVR = 0x02, 0x03, 0x08, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F
ISR, TMR, IRR, ESR, ICR_LOW, ICR_HIGH = 0x10, 0x18, 0x20, 0x28, 0x30, 0x31
LVT, INITIAL_COUNT, CURRENT_COUNT, DIVIDE = 0x32, 0x38, 0x39, 0x3E              # offsets / 16

#   LVT    17 timer: periodic   16 masked   15 level   14 remote IRR   13 active low   10..8 delivery mode   7..0 vector
TIMER, THERMAL, PERFORMANCE, LINT0, LINT1, ERROR = range(6)
LVT_WRITABLE = (0x300FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF)
MASKED, PERIODIC = 1 << 16, 1 << 17
VIRTUAL_WIRE = (MASKED, MASKED, MASKED, 0x8700, 0x8400, MASKED)                 # LINT0 ExtINT, LINT1 NMI

FIXED, LOWEST_PRIORITY, SMI, NMI, INIT, STARTUP, EXTINT = 0, 1, 2, 4, 5, 6, 7   # delivery modes
SOFTWARE_ENABLE = 1 << 8                                                        # of SVR
LEVEL_TRIGGERED, ASSERT, LOGICAL = 1 << 15, 1 << 14, 1 << 11                    # of ICR
ALL_BUT_SELF, EVERYBODY = 3, 0xFF
SENT_ILLEGAL, RECEIVED_ILLEGAL, ILLEGAL_REGISTER = 1 << 5, 1 << 6, 1 << 7       # of ESR
LOWEST_VECTOR = 16                      # below are exceptions only
SHORTEST = 50                           # ticks between two events of the timer: more of them would only slow the host


class LocalApic(Device):
    """The local APIC. Its timer counts ticks of the machine's clock, divided as register 3E0 says.

    irr, isr, tmr    numbers of 256 bits, one for each vector
    pic_requests     the INTR output of the 8259s
    """

    name = "apic"
    STATE = ("identity", "tpr", "ldr", "dfr", "svr", "irr", "isr", "tmr", "esr", "errors", "icr", "lvt", "initial", "divide",
             "started", "pic_requests")

    def __init__(self, machine):
        super().__init__(machine)
        self.clock = machine.clock
        self.pic = machine.devices["pic"]
        self.pic_requests = False
        machine.memory.map_mmio(BASE, SIZE, "local APIC", self._read, self._write)
        self.reset()

    def reset(self) -> None:
        """Virtual wire mode."""
        self.clock.cancel(self.name)
        self.identity = 0
        self.tpr = 0
        self.ldr, self.dfr = 0, 0xFFFF_FFFF
        self.svr = SOFTWARE_ENABLE | 0xFF
        self.irr = self.isr = self.tmr = 0
        self.esr = self.errors = 0      # what was read last shows, and what has gathered since
        self.icr = 0
        self.lvt = list(VIRTUAL_WIRE)
        self.initial = self.divide = 0
        self.started = 0                # the tick at which the timer held its initial count
        self.update()

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.update()

    # ---- the processor's side ----------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Whether there is a local APIC, as far as the processor is concerned: IA32_APIC_BASE bit 11."""
        return bool(self.machine.cpu.apic_base & GLOBAL_ENABLE)

    def changed(self) -> None:
        """CR8 or IA32_APIC_BASE was written."""
        if self.enabled:
            self.tpr = self.machine.cpu.cr8 << 4
        else:                           # all of it is forgotten, and the 8259s have the processor for themselves
            self.reset()
            self.svr, self.lvt = 0xFF, [MASKED] * len(VIRTUAL_WIRE)
        self.update()

    def acknowledge(self) -> int:
        """The processor takes an interrupt: its vector."""
        if self.enabled:
            vector = self._deliverable()
            if vector >= 0:
                self.irr &= ~(1 << vector)
                self.isr |= 1 << vector
                self.update()
                return vector
            if not self._passes_pic():
                return self.svr & 0xFF                  # spurious
        return self.pic.acknowledge()

    def _deliverable(self):
        """The highest vector that is requested, if nothing as high keeps it out; else -1."""
        vector = self.irr.bit_length() - 1
        return vector if self.svr & SOFTWARE_ENABLE and vector >> 4 > self.ppr >> 4 else -1

    @property
    def ppr(self) -> int:
        """The processor priority register: the higher of TPR and what is in service."""
        served = max(self.isr.bit_length() - 1, 0)
        return self.tpr if self.tpr >> 4 >= served >> 4 else served & 0xF0

    def _passes_pic(self):
        """Whether the 8259s ask, and LINT0 or the I/O APIC lets that through."""
        if not self.pic_requests:
            return False
        lint0 = self.lvt[LINT0]
        return not lint0 & MASKED and lint0 >> 8 & 7 == EXTINT or self.machine.devices["ioapic"].passes_pic

    def update(self) -> None:
        """Drive INTR, as what is requested here and by the 8259s may have changed."""
        self.machine.cpu.intr = (self._deliverable() >= 0 or self._passes_pic()) if self.enabled else self.pic_requests

    # ---- what comes in -----------------------------------------------------------------------------------------------

    def set_pic(self, on: bool) -> None:
        """The INTR output of the 8259s."""
        rises = on and not self.pic_requests
        self.pic_requests = on
        if rises and self.enabled and self.lvt[LINT0] >> 8 & 7 != EXTINT:
            self._local(LINT0)
        self.update()

    def nmi(self) -> None:
        """The NMI input."""
        if self.enabled:
            self._local(LINT1)
        else:
            self.machine.cpu.nmi()

    def _local(self, entry):
        """An interrupt of the processor's own, as its entry in the LVT says."""
        value = self.lvt[entry]
        if not value & MASKED:
            self.request(value & 0xFF, FIXED if entry in (TIMER, ERROR) else value >> 8 & 7, bool(value & 1 << 15))

    def request(self, vector: int, mode: int = FIXED, level: bool = False) -> bool:
        """An interrupt message has come; whether it is accepted. SMI, INIT and STARTUP have nobody to do them."""
        if mode == NMI:
            self.machine.cpu.nmi()
            return True
        if mode not in (FIXED, LOWEST_PRIORITY) or not self.svr & SOFTWARE_ENABLE:
            return False
        if vector < LOWEST_VECTOR:
            self._error(RECEIVED_ILLEGAL)
            return False
        bit = 1 << vector
        self.irr |= bit
        self.tmr = self.tmr | bit if level else self.tmr & ~bit
        self.update()
        return True

    def accepts(self, destination: int, logical: bool) -> bool:
        """Whether a message for `destination` (8 bits) is for this processor."""
        if destination == EVERYBODY:
            return True
        if not logical:
            return destination == self.identity
        if self.dfr >> 28 == 0xF:                       # flat: a bit a processor
            return bool(self.ldr & destination)
        return self.ldr >> 4 == destination >> 4 and bool(self.ldr & destination & 0xF)     # clusters of four

    def _error(self, bits):
        if not self.errors & bits:
            self.errors |= bits
            self._local(ERROR)

    def _end(self):
        """EOI: the highest in service is done."""
        vector = self.isr.bit_length() - 1
        if vector < 0:
            return
        self.isr &= ~(1 << vector)
        if self.tmr >> vector & 1:
            self.machine.devices["ioapic"].end(vector)
        self.update()

    def _send(self):
        """The interrupt command register was written: to this processor, or to nobody."""
        icr, vector, mode = self.icr, self.icr & 0xFF, self.icr >> 8 & 7
        shorthand = icr >> 18 & 3
        if mode in (FIXED, LOWEST_PRIORITY) and vector < LOWEST_VECTOR:
            self._error(SENT_ILLEGAL)
        elif shorthand in (1, 2) or shorthand == 0 and self.accepts(icr >> 56, bool(icr & LOGICAL)):
            self.request(vector, mode)

    # ---- the timer ---------------------------------------------------------------------------------------------------

    @property
    def _period(self):
        """Ticks from the initial count to zero. The divisor: 000 by 2 ... 110 by 128, 111 by 1, in bits 3, 1, 0."""
        code = self.divide >> 1 & 4 | self.divide & 3
        return self.initial << ((code + 1) & 7)

    def _current_count(self):
        if not self.initial:
            return 0
        elapsed = self.clock.now - self.started
        if self.lvt[TIMER] & PERIODIC:
            elapsed %= self._period
        left = max(self._period - elapsed, 0)
        return -(-left * self.initial // self._period)

    def _schedule(self):
        """Ask for the time at which the count reaches zero, if that matters to anybody."""
        self.clock.cancel(self.name)
        if not self.initial or self.lvt[TIMER] & MASKED:
            return
        elapsed = self.clock.now - self.started
        if self.lvt[TIMER] & PERIODIC:
            periods = elapsed // self._period + max(1, -(-SHORTEST // self._period))
            self.clock.at(self.started + periods * self._period, self.name, "timer")
        elif elapsed < self._period:
            self.clock.at(self.started + self._period, self.name, "timer")

    def timer(self) -> None:
        """Clock event: the count has reached zero."""
        self._local(TIMER)
        self._schedule()

    # ---- registers ---------------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        value = self._register(offset >> 4) if self.enabled else 0xFFFF_FFFF
        return value >> 8 * (offset & 3) & (1 << 8 * size) - 1 if offset & 0xC == 0 else 0

    def _register(self, number):
        for first, bits in ((ISR, self.isr), (TMR, self.tmr), (IRR, self.irr)):
            if first <= number < first + 8:
                return bits >> 32 * (number - first) & 0xFFFF_FFFF
        if LVT <= number < LVT + len(self.lvt):
            return self.lvt[number - LVT]
        fields = {ID: self.identity << 24, VERSION_REGISTER: VERSION, TPR: self.tpr, APR: self.ppr, PPR: self.ppr, EOI: 0,
                  LDR: self.ldr << 24, DFR: self.dfr, SVR: self.svr, ESR: self.esr, ICR_LOW: self.icr & 0xFFFF_FFFF,
                  ICR_HIGH: self.icr >> 32, INITIAL_COUNT: self.initial, CURRENT_COUNT: None, DIVIDE: self.divide}
        if number not in fields:
            self._error(ILLEGAL_REGISTER)
            return 0
        return self._current_count() if number == CURRENT_COUNT else fields[number]

    def _write(self, offset, value, size):
        """Only whole registers count."""
        if not self.enabled or offset & 0xF or size != 4:
            return
        number = offset >> 4
        if LVT <= number < LVT + len(self.lvt):
            self._write_lvt(number - LVT, value)
        elif number in self._WRITERS:
            self._WRITERS[number](self, value)
            if number in (ID, LDR, DFR, SVR):
                self.machine.devices["ioapic"].send_again()
        elif number not in (VERSION_REGISTER, APR, PPR, CURRENT_COUNT) and not ISR <= number < ESR:
            self._error(ILLEGAL_REGISTER)
        self.update()

    def _write_lvt(self, entry, value):
        self.lvt[entry] = value & LVT_WRITABLE[entry] | (0 if self.svr & SOFTWARE_ENABLE else MASKED)
        if entry == TIMER:
            self._schedule()

    def _write_id(self, value):
        self.identity = value >> 24

    def _write_tpr(self, value):
        self.tpr = value & 0xFF
        self.machine.cpu.cr8 = self.tpr >> 4

    def _write_eoi(self, value):
        self._end()

    def _write_ldr(self, value):
        self.ldr = value >> 24

    def _write_dfr(self, value):
        self.dfr = value | 0x0FFF_FFFF

    def _write_svr(self, value):
        self.svr = value & 0x3FF
        if not value & SOFTWARE_ENABLE:
            self.lvt = [entry | MASKED for entry in self.lvt]
            self._schedule()

    def _write_esr(self, value):
        self.esr, self.errors = self.errors, 0

    def _write_icr_low(self, value):
        self.icr = self.icr & ~0xFFFF_FFFF | value & 0xCCFFF
        if value >> 8 & 7 != INIT or value & ASSERT:
            self._send()

    def _write_icr_high(self, value):
        self.icr = self.icr & 0xFFFF_FFFF | (value & 0xFF00_0000) << 32

    def _write_initial_count(self, value):
        self.initial = value
        self.started = self.clock.now
        self._schedule()

    def _write_divide(self, value):
        count = self._current_count()
        self.divide = value & 0x0B
        if self.initial:                # what is left goes on at the new pace
            self.started = self.clock.now - (self.initial - count) * self._period // self.initial
            self._schedule()

    _WRITERS = {ID: _write_id, TPR: _write_tpr, EOI: _write_eoi, LDR: _write_ldr, DFR: _write_dfr, SVR: _write_svr,
                ESR: _write_esr, ICR_LOW: _write_icr_low, ICR_HIGH: _write_icr_high, INITIAL_COUNT: _write_initial_count,
                DIVIDE: _write_divide}
