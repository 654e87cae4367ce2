"""`x86 trace`: boots something and prints an instruction a line, with what it changed."""
from __future__ import annotations

import sys

from x86.cli import LIMIT, OK, options as machine_options
from x86.cli.disasm import number
from x86.cli.run import complain, status_of
from x86.faults import ImageError

MODES = ("real", "v86", "protected", "compatibility", "long")
ENOUGH = 1000                           # lines, where nobody said how many


def add(commands) -> None:
    parser = commands.add_parser("trace", help="boot, an instruction a line",
                                 description="Boot something and print its instructions: how many were done before, "
                                             "where it lies, its bytes, its text, the registers it changed.")
    machine_options.add_machine_options(parser)
    part = parser.add_argument_group("which part")
    part.add_argument("--from", dest="start", metavar="N", type=number, default=0, help="skip the first N instructions")
    part.add_argument("--at", metavar="ADDRESS", type=number,
                      help="begin where the linear address of the instruction is this, as in 7C00h")
    part.add_argument("--mode", choices=MODES, help="show only instructions executed in this mode")
    part.add_argument("--count", metavar="N", type=number, help=f"so many lines (default {ENOUGH})")
    part.add_argument("--until-mode", choices=MODES, help="end where the processor enters this mode")
    parser.set_defaults(function=run)


def run(options) -> int:
    """Print the trace. Status 0 if it ended as asked for, else that of `x86 run`."""
    from x86.debug.trace import Tracer
    for name, value in (("from", options.start), ("count", options.count)):
        if (value or 0) < 0:
            raise ImageError(f"--{name} {value}: is negative")
    machine, _ = machine_options.build(options)
    tracer = Tracer(machine)
    tracer.skip(options.start)
    left = options.count if options.count is not None else None if options.until_mode else ENOUGH
    waiting = options.at
    if left == 0:
        return OK
    for step in tracer:
        if waiting is not None:
            if step.linear != waiting:
                continue
            waiting = None
        if step.mode == options.until_mode:
            return OK
        if options.mode in (None, step.mode):
            print(line(step))
            if left is not None:
                left -= 1
                if left == 0:
                    return OK
    sys.stdout.flush()
    complain(machine, tracer.stop)
    return status_of(tracer.stop) or (OK if waiting is None and options.until_mode is None else LIMIT)


def line(step) -> str:
    """One instruction as a line."""
    code = step.code.replace(" ", "")
    changes = " ".join(f"{name}={value}" if name == "flags" else f"{name}={value:X}"
                       for name, value in step.changes.items())
    text = f"{step.count:>10} {step.place:<16} {code:<20} {step.text:<32} {changes}".rstrip()
    return f"{text}   <{step.event}>" if step.event else text
