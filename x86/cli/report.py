"""What a run leaves to be read: the screen, the timeline, the figures, as text or as JSON, and the picture."""
from __future__ import annotations

import json

from x86.debug import timeline, undefined
from x86.faults import ImageError

WIDTH = 80
FIRMWARE = {"uefi": "UEFI", "bios": "BIOS"}    # devices that are one, and what it is called
PORTS = 10                              # that are named of those where nobody is


def rule(title: str) -> str:
    """'-- title ------', as wide as the screen."""
    return f"-- {title} ".ljust(WIDTH, "-")


def screen_text(machine) -> str:
    """The text screen without the blank lines at its end."""
    return "\n".join(line.rstrip() for line in machine.screen.text.rstrip().splitlines())


def as_text(machine, options, session) -> None:
    """Print what the options ask for to stdout."""
    parts = []
    screen = screen_text(machine)
    if options.display != "none" and not session.seen_screen and screen:
        parts += [rule("screen"), screen]
    if options.timeline:
        parts += [rule("timeline"), *timeline.lines(machine)]
    if options.stats:
        parts += [rule("figures"), *figures(machine, session)]
    if parts:
        said = machine.serial.text
        if said and session.prints_serial and not said.endswith("\n"):
            print()
        print("\n".join([*parts, "-" * WIDTH] if screen or options.timeline else parts))


def rate(instructions: int, seconds: float) -> float:
    """Millions of instructions a second of the host's."""
    return instructions / max(seconds, 1e-9) / 1e6


def figures(machine, session) -> list[str]:
    """Instructions and their rate, virtual time, resets, and everything the guest asked for in vain."""
    done, seconds = machine.instructions - session.instructions, session.seconds
    lines = [f"{done:,} instructions in {seconds:.3f} s: {rate(done, seconds):.0f} million a second",
             f"{machine.time / machine.clock.frequency:.3f} s of the machine's own time"]
    if machine.resets:
        lines.append(f"reset {machine.resets} times")
    if machine.bus.unclaimed:
        ports = sorted({port for port, _ in machine.bus.unclaimed})
        named = " ".join(f"{port:X}h" for port in ports[:PORTS]) + (" ..." if len(ports) > PORTS else "")
        lines.append(f"{sum(machine.bus.unclaimed.values()):,} accesses to ports with no device: {named}")
    for name, title in FIRMWARE.items():
        firmware = machine.devices.get(name)
        for call, count in sorted(firmware.unimplemented.items()) if firmware else ():
            lines.append(f"{call}: {count} times, and the {title} has no such service")
    return lines + undefined.lines(machine)


def as_json(machine, stop, status: int, session, script) -> None:
    """Print one object: how it ended, what was said and shown, the timeline, the figures."""
    done = machine.instructions - session.instructions
    firmware = next((machine.devices[name] for name in FIRMWARE if name in machine.devices), None)
    print(json.dumps({
        "stop": stop.kind, "code": stop.code, "message": stop.message, "status": status,
        "serial": machine.serial.text, "screen": machine.screen.text,
        "instructions": machine.instructions, "ticks": machine.time, "seconds": round(session.seconds, 6),
        "million_instructions_per_second": round(rate(done, session.seconds), 1),
        "script": [{"step": step.kind, "text": step.text, "instructions": step.instructions, "seen_on": step.where}
                   for step in script.done] + [{"step": kind, "text": text, "instructions": None, "seen_on": None}
                                               for kind, text in script.left],
        "mode": machine.cpu.mode, "resets": machine.resets,
        "timeline": [{"instruction": entry.time, "address": entry.address, "what": entry.text}
                     for entry in timeline.entries(machine)],
        "unclaimed_ports": {f"{port:04X}h {direction}": count
                            for (port, direction), count in sorted(machine.bus.unclaimed.items())},
        "unimplemented_services": dict(firmware.unimplemented) if firmware else {},
        "complaints": list(getattr(firmware, "complaints", ())),
        "undefined_instructions": [entry._asdict() for entry in undefined.entries(machine)],
    }, indent=1))


def screenshot(machine, path) -> None:
    """Write the screen at the end to a PNG file. ImageError where that cannot be."""
    try:
        machine.screen.screenshot(path)
    except OSError as error:
        raise ImageError(f"--screenshot {path}: {error.strerror}") from None
