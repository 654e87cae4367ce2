"""The command `x86`: its arguments, its exit statuses, and errors of one line.

    0  the guest powered off, or --until matched        3       a limit came first, or the end before an --expect
    1  the guest died; the reason is on stderr          16 + n  the guest wrote n to the debug exit, port F4h
    2  bad usage, or a file that cannot be used

Each command is a file beside this one, with `add(commands)` for its arguments and a function that runs it.
"""
from __future__ import annotations

import argparse
import os
import sys

OK, DIED, USAGE, LIMIT, DEBUG_EXIT = 0, 1, 2, 3, 16
INTERRUPTED = 130                       # 128 + SIGINT, as shells have it


class Parser(argparse.ArgumentParser):
    """argparse whose complaint is one line."""

    def error(self, message):
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> Parser:
    from x86.cli import disasm, doctor, run, trace
    top = Parser(prog="x86", description="A PC in a Python package: boots disks and kernels, and says why they die.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for command in (run, trace, disasm, doctor):
        command.add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command line (default: sys.argv) and return its exit status."""
    from x86.cli.script import ScriptError
    from x86.faults import ImageError, MachineError
    for stream in ("stdout", "stderr"):         # None where the file was closed before we came
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, "w", errors="replace"))
    options = parser().parse_args(arguments)
    name = f"x86 {options.command}"
    try:
        status = options.function(options)
        sys.stdout.flush()
        return status
    except (ImageError, MachineError, ScriptError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:             # whoever read our output has gone; leave nothing to be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return INTERRUPTED
    except OSError as error:
        print(f"{name}: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
