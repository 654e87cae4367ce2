"""`x86 run`: boots something, shows what it shows, and ends with a status that says how it ended."""
from __future__ import annotations

import argparse
import sys

from x86.cli import DEBUG_EXIT, DIED, LIMIT, OK, USAGE, options as machine_options, report, saved
from x86.cli.pace import MODES
from x86.cli.script import Script, pattern, plain
from x86.cli.session import Session
from x86.debug.explain import explain
from x86.debug.terminal import end_on_signals

LAST_LINES = 10                 # of output, shown where what was waited for did not come

STATUS = {"poweroff": OK, "until": OK, "reset": OK, "quit": OK, "idle": OK, "shutdown": DIED, "hang": DIED, "no-boot": USAGE,
          "limit": LIMIT, "timeout": LIMIT}


class Step(argparse.Action):
    """--send, --keys and --expect go into one list, in the order given."""

    def __call__(self, parser, namespace, value, option=None):
        steps = getattr(namespace, "script", None) or []
        namespace.script = [*steps, (option.lstrip("-"), value)]


def positive(text):
    number = float(text)
    if not number > 0:                  # so it is for nan as well
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
    shown.add_argument("--serial", metavar="stdio|FILE|none",
                       help="where COM1 goes (default stdio). On a terminal that is a terminal: each key goes to the guest, "
                            "Ctrl-A x leaves, Ctrl-A h names the other commands. If stdin is a pipe or a file, its bytes go "
                            "to COM1 as fast as the guest takes them, after --send, --expect and --keys; its end does not end "
                            "the run, but a guest that has read all of it and sleeps for two minutes of its own time does")
    shown.add_argument("--display", choices=("text", "none"),
                       help="the text screen, live on a terminal, else as it is at the end; none: never. Without this or "
                            "--serial, a terminal shows the screen or, where only that talks or a kernel was told "
                            "console=ttyS0, the serial port; Ctrl-A t changes")
    shown.add_argument("--pace", choices=MODES,
                       help="auto: full speed while the guest works, and while it waits (HLT, looking for input that is not "
                            "there) a second of its time takes a second; real: always; full: never (default auto on a "
                            "terminal, else full)")
    shown.add_argument("--screenshot", metavar="FILE.png", help="the screen at the end, as a picture")
    shown.add_argument("--timeline", action="store_true", help="which mode the processor entered when, and from where")
    shown.add_argument("--stats", action="store_true", help="instructions, rate, and what nobody answered")
    shown.add_argument("--trace-firmware", action="store_true",
                       help="each call of the BIOS or the UEFI as a line on stderr, with its arguments in words")
    shown.add_argument("--json", action="store_true", help="everything as one JSON object, and nothing else")
    shown.add_argument("--progress", choices=("always", "never", "auto"), default="auto",
                       help="how far a long run is, as a line on stderr while nothing is said (default auto: on a terminal)")
    shown.add_argument("--quiet", action="store_true", help="nothing on stdout")
    kept = parser.add_argument_group("a machine in a file")
    kept.add_argument("--save", metavar="FILE", help="keep the machine as it is at the end")
    kept.add_argument("--restore", metavar="FILE", help="go on with a machine that --save kept, in place of an IMAGE and all "
                                                        "that makes a machine; what it writes is forgotten without --write")
    script = parser.add_argument_group(
        "what is typed, and when it ends",
        "Steps are done in the order given. What --expect and --until look for must come after what was sent last, on the "
        "serial port or the screen; what was there before does not count.")
    script.add_argument("--send", metavar="TEXT", action=Step,
                        help="type on the serial port; knows \\n \\r \\e \\x41. Other text goes as UTF-8")
    script.add_argument("--keys", metavar="TEXT", action=Step,
                        help="type on the keyboard, of the US; knows \\n and <down> <f10> <ctrl-c> <altgr-e> <pause>")
    script.add_argument("--expect", metavar="REGEX", action=Step, help="wait for it before the next --send or --keys")
    script.add_argument("--expect-timeout", metavar="SECONDS", type=positive,
                        help="end with status 3 if one --expect is not seen within so many")
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
    demonstration = options.restore is None and machine_options.is_demonstration(options)
    if demonstration and not options.json and not options.quiet:
        options.timeline = options.stats = True
    end_on_signals()
    if options.restore is None:
        machine, drives = machine_options.build(options)
    else:
        machine, drives = saved.restore(options)
        script.begin(machine.serial.text, machine.screen.text)
    told = warn(drives)
    firmware = machine.devices.get("uefi") or machine.devices.get("bios")
    session = Session(machine, script, options, live=not demonstration and on_terminal(options))
    if options.trace_firmware:
        firmware.trace.append(session.tell)
    try:
        stop = session.run()
    finally:
        firmware.trace.clear()                  # the post-mortem runs the last stretch again
        for drive in drives:
            drive.flush()
        session.close()
        warn(drives, told)
    if options.save is not None:
        saved.save(machine, options, options.save)
    if options.screenshot:
        report.screenshot(machine, options.screenshot)
    status = status_of(stop, script)
    if options.json:
        report.as_json(machine, stop, status, session, script)
    elif not options.quiet:
        report.as_text(machine, options, session)
    complain(machine, stop, script, session)
    for line in getattr(firmware, "complaints", ()):
        session.tell(f"x86 run: {line}")
    return status


def warn(drives, told=()) -> list[str]:
    """Print what is odd about the drives, but for what was `told` already. Returns all that is odd."""
    lines = [line for drive in drives for line in drive.warnings]
    for line in lines:
        if line not in told:
            print(f"x86 run: {line}", file=sys.stderr)
    return lines


def status_of(stop, script=None) -> int:
    """Exit status for a Stop: see x86/cli/__init__.py. A good end with an --expect that was not seen is none."""
    if stop.kind == "returned":             # an application of UEFI's
        status = DIED if stop.code else OK
    elif stop.kind == "debug-exit":
        status = min(DEBUG_EXIT + (stop.code or 0), 255)
    else:
        status = STATUS.get(stop.kind, DIED)
    if status == OK and script is not None and stop.kind != "quit" and (script.waiting or stop.kind == "idle" and script.until):
        return LIMIT
    return status


def on_terminal(options):
    return sys.stdin.isatty() and sys.stdout.isatty() and not options.json and not options.quiet


def complain(machine, stop, script=None, session=None):
    """On stderr: why it ended, where that was not what was asked for."""
    status = status_of(stop, script)
    sys.stdout.flush()
    if status == DIED or stop.kind in ("limit", "timeout"):
        if session is not None and status == DIED:
            machine.last_branches = session.recorder.last_branches()
        print(explain(machine, stop), file=sys.stderr)
    elif status == USAGE or stop.kind == "idle":
        print(f"x86 run: {stop.message}", file=sys.stderr)
    if script is not None and stop.kind not in ("until", "quit") and script.wanted is not None:
        what = "--expect" if script.waiting is not None else "--until"
        print(f"x86 run: {what} {script.wanted.pattern!r} was not seen", file=sys.stderr)
        if not session.prints_serial:
            for line in plain(machine.serial.text).rstrip().splitlines()[-LAST_LINES:]:
                print(f"  {line}", file=sys.stderr)
