"""`x86 run`: boots something, shows what it shows, and ends with a status that says how it ended."""
from __future__ import annotations

import argparse
import sys
import time

from x86.cli import DEBUG_EXIT, DIED, LIMIT, OK, USAGE, options as machine_options, report
from x86.cli.script import Script, pattern, plain
from x86.debug.explain import explain
from x86.debug.replay import Recorder
from x86.faults import ImageError

SLICE = 2_000_000               # ticks between two looks at the host's clock,
WATCHING = 500_000              # where something is waited for,
TALKING = 200_000               # and while the guest sends or is typed to, so that an answer is not far from its prompt
FRAME = 1 / 50                  # seconds between two drawings of the screen

STATUS = {"poweroff": OK, "until": OK, "reset": OK, "quit": OK, "shutdown": DIED, "hang": DIED, "no-boot": USAGE,
          "limit": LIMIT, "timeout": LIMIT}


class Step(argparse.Action):
    """--send, --keys and --expect go into one list, in the order given."""

    def __call__(self, parser, namespace, value, option=None):
        steps = getattr(namespace, "script", None) or []
        namespace.script = [*steps, (option.lstrip("-"), value)]


def positive(text):
    number = float(text)
    if number <= 0:
        raise ValueError
    return number


def count(text):
    number = int(text.replace("_", "").replace(",", ""), 0)
    if number < 0:
        raise ValueError
    return number


positive.__name__, count.__name__ = "number above 0", "number"          # argparse says "invalid number value"


def add(commands) -> None:
    parser = commands.add_parser("run", help="boot a disk, a UEFI application or a kernel",
                                 description="Boot a disk image by the BIOS or a UEFI, or a kernel directly.")
    machine_options.add_machine_options(parser)
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--serial", metavar="stdio|FILE|none", help="where COM1 goes (default stdio)")
    shown.add_argument("--display", choices=("text", "none"), default="text",
                       help="the text screen: live on a terminal, else as it is at the end (default text)")
    shown.add_argument("--screenshot", metavar="FILE.png", help="the screen at the end, as a picture")
    shown.add_argument("--timeline", action="store_true", help="which mode the processor entered when, and from where")
    shown.add_argument("--stats", action="store_true", help="instructions, rate, and what nobody answered")
    shown.add_argument("--trace-firmware", action="store_true",
                       help="each call of the BIOS or the UEFI as a line on stderr, with its arguments in words")
    shown.add_argument("--json", action="store_true", help="everything as one JSON object, and nothing else")
    shown.add_argument("--quiet", action="store_true", help="nothing on stdout")
    script = parser.add_argument_group("what is typed, and when it ends")
    script.add_argument("--send", metavar="TEXT", action=Step, help="type on the serial port; knows \\n \\r \\e \\x41")
    script.add_argument("--keys", metavar="TEXT", action=Step, help="type on the keyboard; knows \\n and <down> <f10> <ctrl-c>")
    script.add_argument("--expect", metavar="REGEX", action=Step, help="wait for it before the next --send or --keys")
    script.add_argument("--until", metavar="REGEX",
                        help="end with status 0 once the serial port or the screen shows it")
    script.add_argument("--max-instructions", metavar="N", type=count, help="end with status 3 after so many")
    script.add_argument("--timeout", metavar="SECONDS", type=positive, help="end with status 3 after so many")
    parser.set_defaults(function=run, script=[])


def run(options) -> int:
    """Run and report; returns the exit status."""
    script = Script(until=pattern(options.until) if options.until is not None else None)
    for kind, text in options.script:
        script.add(kind, text)
    demonstration = machine_options.is_demonstration(options)
    if demonstration and not options.json and not options.quiet:
        options.timeline = options.stats = True
    machine, drives = machine_options.build(options)
    told = warn(drives)
    firmware = machine.devices.get("uefi") or machine.devices.get("bios")
    if options.trace_firmware:
        firmware.trace.append(tell)
    session = Session(machine, script, options, live=not demonstration and on_terminal(options))
    try:
        stop = session.run()
    finally:
        firmware.trace.clear()                  # the post-mortem runs the last stretch again
        for drive in drives:
            drive.flush()
        session.close()
        warn(drives, told)
    if options.screenshot:
        report.screenshot(machine, options.screenshot)
    status = status_of(stop)
    if options.json:
        report.as_json(machine, stop, status, session.seconds)
    elif not options.quiet:
        report.as_text(machine, options, session)
    complain(machine, stop, script, session.recorder)
    for line in getattr(firmware, "complaints", ()):
        tell(f"x86 run: {line}")
    return status


def tell(line: str) -> None:
    """A line on stderr, behind what is on stdout so far."""
    sys.stdout.flush()
    print(line, file=sys.stderr)


def warn(drives, told=()) -> list[str]:
    """Print what is odd about the drives, but for what was `told` already; all of it."""
    lines = [line for drive in drives for line in drive.warnings]
    for line in lines:
        if line not in told:
            print(f"x86 run: {line}", file=sys.stderr)
    return lines


def status_of(stop) -> int:
    """Exit status for a Stop: see x86/cli/__init__.py."""
    if stop.kind == "returned":             # an application of UEFI's
        return DIED if stop.code else OK
    if stop.kind == "debug-exit":
        return min(DEBUG_EXIT + (stop.code or 0), 255)
    return STATUS.get(stop.kind, DIED)


def on_terminal(options):
    return sys.stdin.isatty() and sys.stdout.isatty() and not options.json and not options.quiet


def complain(machine, stop, script=None, recorder=None):
    """On stderr: why it ended, where that was not what was asked for."""
    status = status_of(stop)
    sys.stdout.flush()
    if status in (DIED, LIMIT):
        if recorder is not None and status == DIED:
            machine.last_branches = recorder.last_branches()
        print(explain(machine, stop), file=sys.stderr)
    elif status == USAGE:
        print(f"x86 run: {stop.message}", file=sys.stderr)
    if script is not None and stop.kind not in ("until", "quit"):
        if script.waiting is not None:
            print(f"x86 run: --expect {script.waiting.pattern!r} was not seen", file=sys.stderr)
        elif script.until is not None:
            print(f"x86 run: --until {script.until.pattern!r} was not seen", file=sys.stderr)


class Session:
    """One run: the machine, what is typed into it, and where its output goes."""

    def __init__(self, machine, script, options, live=False):
        self.machine = machine
        self.script = script
        self.limit = options.max_instructions
        self.timeout = options.timeout
        self.recorder = Recorder(machine)       # what it takes to run the last stretch again, for the post-mortem
        self.seconds = 0.0                      # that the machine ran; drawing and waiting for keys do not count
        self._written = 0                       # bytes from the serial port that have been passed on
        self._file = None
        self._out = None
        self._display = self._keyboard = None
        serial = options.serial or ("none" if options.json or options.quiet else "stdio")
        self.prints_serial = serial == "stdio" and not live
        self.live_screen = live and options.display == "text" and options.serial != "stdio"
        if serial == "stdio":
            self._out = sys.stdout.buffer
        elif serial != "none":
            try:
                self._file = self._out = open(serial, "wb")
            except OSError as error:
                raise ImageError(f"--serial {serial}: {error.strerror}") from None
        if live:
            from x86.debug.console import Display, Keyboard
            self._keyboard = Keyboard(to_serial=not self.live_screen)
            if self.live_screen:
                self._display = Display(self._to_terminal)

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def run(self):
        """Run to the end; returns a Stop."""
        if self._keyboard is None:
            return self._loop()
        from x86.debug.console import Quit
        from x86.machine import Stop
        with self._keyboard:
            try:
                return self._loop()
            except Quit:
                return Stop("quit")

    def _loop(self):
        from x86.machine import Stop
        machine = self.machine
        begun = time.monotonic()
        first = machine.time
        frame = int(FRAME * machine.clock.frequency)
        pace = Pace(machine, begun)
        while True:
            talking = self._output() or self.script.steps
            if self.script.advance(machine.serial.text, machine.screen.text, self._send, self._press):
                return Stop("until", message=f"--until {self.script.until.pattern!r} was seen")
            ticks = frame if self._keyboard else TALKING if talking else WATCHING if self.script.until else SLICE
            if self.limit is not None:
                ticks = min(ticks, first + self.limit - machine.time)
                if ticks <= 0:
                    return Stop("limit", message=f"--max-instructions {self.limit} reached")
            if self.timeout is not None and time.monotonic() - begun > self.timeout:
                return Stop("timeout", message=f"--timeout {self.timeout:g} reached")
            self.recorder.note()
            started = time.perf_counter()
            stop = machine.run(max_instructions=ticks)
            self.seconds += time.perf_counter() - started
            if stop.kind != "limit":
                self._output()
                if self.script.advance(machine.serial.text, machine.screen.text, self._send, self._press):
                    return Stop("until", message=f"--until {self.script.until.pattern!r} was seen")
                return stop
            if self._keyboard:
                serial, keys = self._keyboard.poll(pace.ahead())
                if serial:
                    self.recorder.input("uart", "send", serial)
                if keys:
                    self.recorder.input("ps2", "type_keys", keys)

    def _send(self, text):
        data = text.encode("latin-1") if max(text, default="") <= "\xff" else text.encode()
        self.recorder.input("uart", "send", data)

    def _press(self, text):
        self.recorder.input("ps2", "type_text", text)

    # ---- output -------------------------------------------------------------------------------------------------------

    def _output(self):
        """Pass on what the serial port and the screen have to say. True if the serial port said anything."""
        fresh = bytes(self.machine.serial.output[self._written:])
        self._written += len(fresh)
        if self._display is not None:
            screen = self.machine.screen
            self._display.draw(screen.cells(), screen.cursor)
            if self._out is sys.stdout.buffer:
                self._display.serial(plain(fresh.decode("utf-8", "replace")))
        if fresh and self._out is not None and (self._display is None or self._out is not sys.stdout.buffer):
            self._out.write(fresh)
            self._out.flush()
        return bool(fresh)

    @staticmethod
    def _to_terminal(text):
        sys.stdout.write(text)
        sys.stdout.flush()

    def close(self):
        """Leave the terminal and the files in order."""
        if self._display is not None:
            self._display.close()
            self._display = None
        if self._file is not None:
            self._file.close()
            self._file = None


class Pace:
    """Virtual time held back to real time, for somebody who sits before the machine."""

    def __init__(self, machine, begun):
        self.machine = machine
        self.real, self.virtual = begun, machine.time

    def ahead(self) -> float:
        """Seconds by which the machine is ahead. One that fell behind does not have to catch up."""
        now = time.monotonic()
        ahead = (self.machine.time - self.virtual) / self.machine.clock.frequency - (now - self.real)
        if ahead < -0.1:
            self.real, self.virtual = now, self.machine.time
        return max(ahead, 0.0)
