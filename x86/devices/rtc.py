"""The MC146818 real-time clock and its battery-backed memory, at ports 70h (index) and 71h (data).

    00 seconds  01 alarm   02 minutes  03 alarm   04 hours  05 alarm   06 weekday  07 day  08 month  09 year
    0A UIP DV2 DV1 DV0 RS3 RS2 RS1 RS0      update in progress; divider (010: it runs); rate of periodic interrupts
    0B SET PIE AIE UIE SQWE DM 24/12 DSE    stop; interrupts: periodic, alarm, update ended; DM 1 binary, 0 BCD
    0C IRQF PF AF UF 0 0 0 0                what happened since this was read last
    0D VRT 0 0 0 0 0 0 0                    the battery is good
    0E-7F memory, with the century at 32h

The time is not counted: it follows from the clock. It starts at a fixed date, so that a run can be repeated.

Source: Motorola MC146818 data sheet (ADI1025); IBM PC/AT Technical Reference, "Real-time Clock/CMOS RAM Information";
QEMU's use of the memory-size bytes as its firmware expects them.
"""
from __future__ import annotations

import calendar
import datetime

from x86.devices.device import Device

IRQ = 8
EPOCH = datetime.datetime(2026, 1, 1)
CRYSTAL = 32_768
UPDATE = 73                             # crystal periods for which UIP is set: 244 us of warning, 1984 us of update
DAY = 86_400
ALARM_ANY = 0xC0                        # an alarm byte from here on matches everything

SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM, WEEKDAY, DATE, MONTH, YEAR, A, B, C, D = range(14)
CENTURY = 0x32
TIME = (SECONDS, MINUTES, HOURS, WEEKDAY, DATE, MONTH, YEAR, CENTURY)
UIP = 0x80
SET, PIE, AIE, UIE, BINARY, HOURS_24 = 0x80, 0x40, 0x20, 0x10, 0x04, 0x02
IRQF, PF, AF, UF = 0x80, 0x40, 0x20, 0x10
DIVIDER, RUNNING, RATE = 0x70, 0x20, 0x0F


class Rtc(Device):
    """The clock. Its time and memory survive reset(), as they have a battery.

    origin   the tick at which the divider was (or would have been) at 0: the time changes a whole second after it
    base     the time there, in seconds since 1970; None while the time stands still in the registers
    checked  the tick up to which PF, AF and UF are worked out
    """

    name = "rtc"
    STATE = ("index", "memory", "nmi_masked", "origin", "base", "weekday", "flags", "checked")

    def __init__(self, machine, epoch: datetime.datetime = EPOCH):
        super().__init__(machine)
        self.clock = machine.clock
        self.second = machine.clock.frequency
        self.memory = bytearray(128)
        self.origin = self.checked = self.clock.now
        self.base = calendar.timegm(epoch.timetuple())
        self.weekday = 0                # what the weekday register is ahead of the calendar
        self._shown = (None, {})        # what the time registers were worked out from last, and are
        self.memory[A] = RUNNING | 6
        self.memory[B] = HOURS_24
        self._describe_machine()
        self.reset()
        machine.bus.add(self.name, 0x70, 2, read=self._read, write=self._write)

    def _describe_machine(self):
        """The bytes that tell firmware what there is, in its own layout and in QEMU's."""
        memory = self.machine.memory
        low, high = memory.ram_low, memory.ram_high
        extended = min(max(0, low - (1 << 20)) >> 10, 0xFFFF)
        above_16mb = min(max(0, low - (16 << 20)) >> 16, 0xFFFF)
        cmos = self.memory
        cmos[0x14] = 0x06                                           # equipment: coprocessor, PS/2 mouse, VGA
        for register, value, length in ((0x15, min(640, low >> 10), 2), (0x17, extended, 2), (0x30, extended, 2),
                                        (0x34, above_16mb, 2), (0x5B, high >> 16, 3)):
            cmos[register:register + length] = value.to_bytes(length, "little")
        total = sum(cmos[0x10:0x2E])
        cmos[0x2E], cmos[0x2F] = total >> 8, total & 0xFF           # the AT's checksum, high byte first

    def reset(self) -> None:
        """RESET#: interrupts are off and forgotten; time and memory go on."""
        self.memory[B] &= ~(PIE | AIE | UIE | 0x08)
        self.index = 0
        self.nmi_masked = False
        self.flags = 0
        self.checked = self.clock.now
        self._signal()

    # ---- time ------------------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> int:
        """The time it shows, in seconds since 1970."""
        if self.base is None:
            return self._decode()
        return self.base + (self.clock.now - self.origin) // self.second

    def _encode_number(self, value):
        return value if self.memory[B] & BINARY else value // 10 << 4 | value % 10

    def _decode_number(self, value):
        return value if self.memory[B] & BINARY else (value >> 4) * 10 + (value & 15)

    def _encode_hour(self, hour):
        if self.memory[B] & HOURS_24:
            return self._encode_number(hour)
        return self._encode_number(hour % 12 or 12) | (0x80 if hour >= 12 else 0)       # bit 7: PM

    def _decode_hour(self, value):
        if self.memory[B] & HOURS_24:
            return self._decode_number(value)
        return self._decode_number(value & 0x7F) % 12 + (12 if value & 0x80 else 0)

    def _running(self):
        """The eight time registers while the time runs: worked out once a second, however often they are asked for."""
        key = (self.seconds, self.memory[B], self.weekday)
        if self._shown[0] != key:
            self._shown = (key, self._encode(key[0]))
        return self._shown[1]

    def _encode(self, seconds):
        """The eight time registers for a time."""
        days, second = divmod(seconds, DAY)
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days)
        number = self._encode_number
        weekday = (date.isoweekday() % 7 + self.weekday) % 7 + 1                        # 1 is Sunday
        return {SECONDS: number(second % 60), MINUTES: number(second // 60 % 60), HOURS: self._encode_hour(second // 3600),
                WEEKDAY: number(weekday), DATE: number(date.day), MONTH: number(date.month),
                YEAR: number(date.year % 100), CENTURY: number(date.year // 100)}

    def _decode(self):
        """The time in the registers. What cannot be (the 31st of June) counts on into the next month."""
        number, memory = self._decode_number, self.memory
        year = min(max(number(memory[CENTURY]) * 100 + number(memory[YEAR]), 2), 9998)
        month = min(max(number(memory[MONTH]), 1), 12)
        days = datetime.date(year, month, 1).toordinal() - datetime.date(1970, 1, 1).toordinal()
        days += number(memory[DATE]) - 1
        return (days * DAY + self._decode_hour(memory[HOURS]) * 3600 + number(memory[MINUTES]) * 60
                + number(memory[SECONDS]))

    def _store_time(self):
        """Put the time that runs into the registers."""
        for register, value in self._encode(self.seconds).items():
            self.memory[register] = value

    def _run_from_registers(self):
        """Let the time run on from what the registers say."""
        seconds = self._decode()
        date = datetime.date(1970, 1, 1) + datetime.timedelta(seconds // DAY)
        self.weekday = (self._decode_number(self.memory[WEEKDAY]) - 1 - date.isoweekday() % 7) % 7
        self.base = seconds - (self.clock.now - self.origin) // self.second

    def _stop_or_go(self):
        """Registers A or B were written: does the time run now?"""
        go = self.memory[A] & DIVIDER == RUNNING and not self.memory[B] & SET
        if go and self.base is None:
            self._run_from_registers()
        elif not go and self.base is not None:
            self._store_time()
            self.base = None

    def _updating(self):
        """UIP: the next second is near."""
        if self.base is None:
            return False
        into = (self.clock.now - self.origin) % self.second
        return (self.second - into) * CRYSTAL <= UPDATE * self.second

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        if offset == 0:
            return 0xFF                 # the index cannot be read
        index = self.index
        if index > D:
            if index == CENTURY and self.base is not None:
                return self._running()[CENTURY]
            return self.memory[index]
        if index in TIME:
            return self.memory[index] if self.base is None else self._running()[index]
        if index == A:
            return self.memory[A] | (UIP if self._updating() else 0)
        if index == C:
            self._settle()
            flags, self.flags = self.flags, 0
            self._signal()
            return flags
        return 0x80 if index == D else self.memory[index]

    def _write(self, offset, value, size):
        if offset == 0:
            self.index = value & 0x7F
            self.nmi_masked = bool(value & 0x80)
            return
        index = self.index
        if index in TIME:
            if self.base is None:
                self.memory[index] = value
            else:                       # changed while it runs
                self._store_time()
                self.memory[index] = value
                self._run_from_registers()
            self._expect()
        elif index > D:
            self.memory[index] = value
        elif index == A:
            self._settle()
            held = self.memory[A] & DIVIDER != RUNNING
            self.memory[A] = value & 0x7F
            if held and value & DIVIDER == RUNNING:
                self.origin = self.clock.now - self.second // 2     # the first update comes half a second later
                self.checked = self.clock.now
            self._stop_or_go()
            self._expect()
        elif index == B:
            self._settle()
            if self.base is not None:
                self._store_time()      # in the format of before: a time that stands still is not converted
            self.memory[B] = value & ~UIE if value & SET else value
            if value & SET:
                self.base = None
            self._stop_or_go()
            self._signal()
        elif index not in (C, D):       # an alarm
            self._settle()
            self.memory[index] = value
            self._expect()

    # ---- interrupts ------------------------------------------------------------------------------------------------

    def _rate(self):
        """Periodic interrupts a second, 0 for none."""
        rate = self.memory[A] & RATE
        if rate == 0 or self.memory[A] & DIVIDER != RUNNING:
            return 0
        return CRYSTAL >> (rate + 6 if rate < 3 else rate - 1)

    def _next_alarm(self, after):
        """The first time later than `after` (seconds since 1970) that the alarm registers match, or None."""
        wanted = {}
        for register, alarm in ((SECONDS, SECONDS_ALARM), (MINUTES, MINUTES_ALARM), (HOURS, HOURS_ALARM)):
            byte = self.memory[alarm]
            encode, limit = (self._encode_hour, 24) if register == HOURS else (self._encode_number, 60)
            wanted[register] = [value for value in range(limit) if byte >= ALARM_ANY or encode(value) == byte]
        if not all(wanted.values()):
            return None
        midnight = (after + 1) // DAY * DAY
        start = after + 1 - midnight
        for hour in wanted[HOURS]:
            if hour < start // 3600:
                continue
            for minute in wanted[MINUTES]:
                if hour * 60 + minute < start // 60:
                    continue
                for second in wanted[SECONDS]:
                    if hour * 3600 + minute * 60 + second >= start:
                        return midnight + hour * 3600 + minute * 60 + second
        return midnight + DAY + wanted[HOURS][0] * 3600 + wanted[MINUTES][0] * 60 + wanted[SECONDS][0]

    def _settle(self):
        """Set the flags for what happened since they were worked out last."""
        now, then, origin = self.clock.now, self.checked, self.origin
        self.checked = now
        rate = self._rate()
        if rate and (now - origin) * rate // self.second > (then - origin) * rate // self.second:
            self.flags |= PF
        if self.base is None:
            return
        shown, before = (now - origin) // self.second, (then - origin) // self.second
        if shown > before:
            self.flags |= UF
            alarm = None if self.flags & AF else self._next_alarm(self.base + before)
            if alarm is not None and alarm <= self.base + shown:
                self.flags |= AF

    def _signal(self):
        """Drive IRQ 8 by the flags whose interrupts are enabled, and ask for the next event."""
        active = self.flags & self.memory[B] & (PF | AF | UF)       # PIE, AIE, UIE lie at the same bits
        self.flags = self.flags & ~IRQF | (IRQF if active else 0)
        self.machine.devices["pic"].set_irq(IRQ, bool(active))
        self._expect()

    def _expect(self):
        """Ask the clock for the earliest moment at which an interrupt that is enabled can become due."""
        self.clock.cancel(self.name)
        due = self.memory[B] & ~self.flags
        now, times = self.clock.now, []
        rate = self._rate()
        if due & PIE and rate:
            period = (now - self.origin) * rate // self.second + 1
            times.append(self.origin - (-period * self.second // rate))
        if self.base is not None:
            shown = (now - self.origin) // self.second
            if due & UIE:
                times.append(self.origin + (shown + 1) * self.second)
            if due & AIE:
                alarm = self._next_alarm(self.base + shown)
                if alarm is not None:
                    times.append(self.origin + (alarm - self.base) * self.second)
        if times and not self.flags & IRQF:
            self.clock.at(min(times), self.name, "interrupt")

    def interrupt(self) -> None:
        """Clock event: something that interrupts has happened."""
        self._settle()
        self._signal()
