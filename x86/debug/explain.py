"""Why the machine stopped, in words, for whoever wrote what ran on it.

A post-mortem goes from the event to its reason: the chain of faults, the instruction, what refused it (a page-table
entry, a descriptor, a gate), how execution got there, and what to do next. It reads guest memory through peek.py and
changes nothing.
"""
from __future__ import annotations

import re
import textwrap

from x86 import faults
from x86.debug import descriptors, peek
from x86.debug.advice import advise
from x86.registers import ACCESS_DB, CR0, CR4, EFER, GPR64, SEGMENTS, bit_names, flag_names

WIDTH = 100
BRANCHES = 8                            # of the last ones, a loop's counted as one
EARLIER = 4                             # interrupts or exceptions before the last ones
STACK_WORDS = 4
SCREEN_LINES = 3                        # the last ones with text: a panic message is mostly there
LOOP_STEPS = 400                        # instructions that are watched to tell a loop
LOOP_LENGTH = 24                        # distinct instructions that are still called one
FAULTS = ("fault", "double", "triple")
SELECTOR_FAULTS = {faults.TS, faults.NP, faults.SS, faults.GP}
ACCESSES = {"read": "read", "write": "write", "execute": "instruction fetch"}


def explain(machine, stop) -> str:
    """The post-mortem of `machine` for the Stop that its run() returned, several lines.

    stop.kind: shutdown, exception, firmware, returned, hang, no-boot, reset, limit, timeout; others get one line."""
    tell = {"shutdown": _shutdown, "exception": _unhandled, "firmware": _refused, "returned": _returned, "hang": _hang,
            "limit": _running, "timeout": _running, "no-boot": _no_boot}
    lines = tell.get(stop.kind, _plainly)(machine, stop)
    return "\n".join(lines)


# ---- what each kind of stop says -------------------------------------------------------------------------------------

def _shutdown(machine, stop) -> list[str]:
    chain = last_chain(machine.cpu.events)
    if not chain:
        return [f"The processor shut down {_moment(machine)}: {stop.message or 'triple fault'}."]
    first = chain[0]
    lines = [f"The processor shut down (triple fault) {_moment(machine)}, in {_mode(machine)}.", ""]
    lines += _chain_lines(chain)
    lines += _section("instruction", _instruction_lines(machine, first))
    lines += _refusals(machine, chain)
    lines += _section("on the way there", _history(machine, chain))
    lines += _state(machine) + _stack(machine)
    lines += _screen(machine)
    return lines + _advice(f"{advise(machine, chain)} {_a20_words(machine)}".strip())


def _unhandled(machine, stop) -> list[str]:
    """An exception that reached the handlers of a firmware, under which a program runs."""
    chain = last_chain(machine.cpu.events)
    lines = [f"The machine stopped {_moment(machine)}: {stop.message}.", ""]
    lines += _chain_lines(chain)
    if chain:
        lines += _section("instruction", _instruction_lines(machine, chain[0]))
    lines += _refusals(machine, chain)
    lines += _section("on the way there", _history(machine, chain))
    lines += _last_calls(machine) + _state(machine) + _stack(machine)
    firmware = machine.devices.get("uefi")
    words = firmware.advise(chain[0]) if firmware and chain else ""
    return lines + _screen(machine) + _advice(words or (advise(machine, chain) if chain else ""))


def _refused(machine, stop) -> list[str]:
    """A call that no firmware survives."""
    lines = [f"The machine stopped {_moment(machine)}: {stop.message}."]
    return lines + _last_calls(machine) + _state(machine) + _screen(machine)


def _returned(machine, stop) -> list[str]:
    return [f"{stop.message}, {_moment(machine)}, and there is nothing more to boot.", *_last_calls(machine)]


def _last_calls(machine) -> list[str]:
    """What the firmware was asked last, if it remembers."""
    firmware = machine.devices.get("uefi")
    return _section("last calls of the firmware", firmware.last_calls() if firmware else [])


def _hang(machine, stop) -> list[str]:
    cpu = machine.cpu
    message = stop.message or "HLT with interrupts off: nothing can wake the processor"
    lines = [f"The machine hangs {_moment(machine)}, in {_mode(machine)}: {message}."]
    before = _instruction_before(machine)
    lines += _section("last instruction", [f"{before} (it stopped here)"] if before else [])
    recent = [event for event in cpu.events if event.kind in FAULTS]
    lines += _section("on the way there", _history(machine, []))
    if recent:
        last = recent[-1]
        lines += _section("last exception", _event_lines(1, last) + _instruction_lines(machine, last))
        lines += _refusals(machine, [last])
    lines += _state(machine) + _stack(machine)
    lines += _screen(machine)
    if recent and recent[-1].cause:
        advice = "A handler probably stopped the machine after the exception above. " + advise(machine, recent[-1:])
    elif cpu.halted and not cpu.if_:
        advice = (
            "CLI; HLT is how a program stops for good, and then this is its end. If it was to wait for an interrupt, "
            "STI comes right before HLT, and the interrupt controller has to let one through.")
    else:
        advice = ""
    return lines + _advice(f"{advice} {_a20_words(machine)}".strip())


def _running(machine, stop) -> list[str]:
    """Stopped from outside: is it a loop?"""
    cpu = machine.cpu
    lines = [f"The machine was still running {_moment(machine)}, in {_mode(machine)}: {stop.message}."]
    path = _watch(machine)
    addresses = list(dict.fromkeys(address for address, _, _, _ in path))
    words = ""
    if path and len(addresses) <= LOOP_LENGTH and len(path) > 2 * len(addresses):
        shown = {address: (rip, bits, cs) for address, rip, bits, cs in path}
        listing = [_instruction_line(machine, address, *shown[address]) for address in sorted(addresses)]
        lines += _section(f"a loop of {len(addresses)} instruction{'s' * (len(addresses) > 1)}", listing)
        text = " ".join(listing)
        if re.search(r"\bin e?a[lx], ", text):
            words = "The loop reads a port: it waits for a device to say something that it does not say."
        elif re.search(r"\bhlt\b", text):
            words = "It sleeps in HLT and goes on after each interrupt: it waits for something that does not come."
        elif len(addresses) <= 2:
            words = "A jump to itself is how a program stops when it has nothing more to do."
    elif path:
        here = path[-1]
        lines += _section("instruction", [_instruction_line(machine, here[0], *here[1:])])
        if _is_zeros(machine, here[0]):
            words = "The code there is all zeros: a jump or a return went where nothing was loaded."
    if not words and not cpu.if_ and cpu.halted:
        words = "It is halted with interrupts off."
    lines += _state(machine) + _stack(machine)
    lines += _screen(machine)
    return lines + _advice(f"{words} {_a20_words(machine)}".strip())


def _no_boot(machine, stop) -> list[str]:
    lines = [f"Nothing was booted: {stop.message or 'the BIOS found no drive to start from'}."]
    return lines + _screen(machine) + _advice(
        "A drive that boots has 55h AAh in the last two bytes of its first sector (offset 510), and is in the boot "
        "order.")


def _plainly(machine, stop) -> list[str]:
    code = "" if stop.code is None else f" with code {stop.code}"
    message = f": {stop.message}" if stop.message else ""
    return [f"The machine stopped {_moment(machine)} ({stop.kind}{code}){message}."]


# ---- the chain of faults ---------------------------------------------------------------------------------------------

def last_chain(events) -> list:
    """The faults that belong to the last one: they came at one instruction, with none retired between them."""
    found = []
    for event in reversed(events):
        if event.kind not in (*FAULTS, "software", "interrupt"):
            continue
        if found and (event.time, event.cs, event.rip) != (found[0].time, found[0].cs, found[0].rip):
            break
        if not found and event.kind not in FAULTS:
            break
        found.insert(0, event)
    return found


def _chain_lines(chain) -> list[str]:
    lines = []
    for number, event in enumerate(chain, 1):
        lines += _event_lines(number, event, chain[number - 2] if number > 1 else None)
    return lines


def _event_lines(number, event, before=None) -> list[str]:
    """One event: what, where, why."""
    name = faults.name_of(event.vector)
    error = "" if event.error is None else f", error code {event.error:04X}h"
    if event.error:
        error += f" ({faults.describe_error(event.vector, event.error)})"
    if before is None:
        place = f" at {_where(event.cs, event.rip)}, CPL {event.cpl}"
    elif event.kind == "double":
        place = " in place of the two"
    else:
        place = f" while {faults.name_of(before.vector).split()[0]} was being delivered"
    lines = [f"{number}. {name}{error}{place}"]
    if event.vector == faults.PF and event.kind != "double":
        lines.append(f"   address {event.address:016X}")
    if event.cause and event.kind != "double":          # #DF has no reason of its own
        lines.append(f"   {faults.reason(event.cause)}{_detail(event)}")
    return lines


def _detail(event) -> str:
    kind = faults.DETAILS.get(event.cause, "")
    if not kind or event.vector == faults.PF:
        return ""
    if kind == "register":
        name = (*SEGMENTS, "ldtr", "tr")[event.detail].upper() if event.detail < 8 else "?"
        return f" ({name})"
    if kind == "exceptions":
        names = [name for bit, name in enumerate(faults.FLOAT_EXCEPTIONS) if event.detail >> bit & 1]
        return f" ({', '.join(names)})"
    digits = {"selector": 4, "vector": 2, "port": 4}.get(kind, 0)
    return f" ({kind} {event.detail:0{digits}X}h)"


# ---- the instruction -------------------------------------------------------------------------------------------------

def _instruction_lines(machine, event) -> list[str]:
    address = peek.event_address(machine, event)
    lines = [_instruction_line(machine, address, event.rip, machine.cpu.code_bits, event.cs)]
    if event.vector != faults.PF and not peek.code(machine, address, 1):
        lines.append("No memory is there, so the bus reads FFh. It ran through whatever lies before, or jumped there.")
    if _is_zeros(machine, address):
        lines.append("The bytes there are all zeros: it went where nothing was loaded.")
    return lines


def _instruction_line(machine, address, rip, bits, cs) -> str:
    raw, text, _ = peek.instruction(machine, address, rip, bits)
    symbols = getattr(machine, "symbols", None)
    name = symbols.name(rip) if symbols else None
    return f"{_where(cs, rip)}{f' <{name}>' if name else ''}  {raw}  {text}".rstrip()


def _instruction_before(machine) -> str:
    """The one-byte instruction in front of RIP if it is the HLT that the processor rests on."""
    cpu = machine.cpu
    if not cpu.halted or cpu.rip == 0:
        return ""
    address = cpu.linear("cs", cpu.rip - 1)
    if peek.code(machine, address, 1) != b"\xf4":
        return ""
    return _instruction_line(machine, address, cpu.rip - 1, cpu.code_bits, cpu.cs)


def _is_zeros(machine, address) -> bool:
    data = peek.code(machine, address, 16)
    return len(data) == 16 and not any(data)


def _a20_words(machine) -> str:
    """What nobody thinks of: with the gate shut, protected mode has only every other megabyte."""
    if machine.cpu.a20 or machine.cpu.mode in ("real", "v86"):
        return ""
    return "The A20 gate is shut, so that what goes to 1 MB and above lands at 0 and above: open it first."


# ---- what refused ----------------------------------------------------------------------------------------------------

def _refusals(machine, chain) -> list[str]:
    """A section for each page walk, descriptor and gate in a chain, each of them once."""
    lines, seen = [], set()
    for event in chain:
        for title, body in _refused_by(machine, event):
            if title not in seen:
                seen.add(title)
                lines += _section(title, body)
    return lines


def _refused_by(machine, event):
    if event.kind == "double":
        return
    if event.vector == faults.PF:
        yield f"page walk for {event.address:016X}", _walk_lines(machine, event)
        return
    if event.vector not in SELECTOR_FAULTS or machine.cpu.mode in ("real", "v86"):
        return
    error = event.error or 0
    if error & 2:
        yield from _entry_sections(descriptors.gate_entry(machine, error >> 3))
    elif error & 0xFFFC:
        yield from _entry_sections(descriptors.segment_entry(machine, error & 0xFFFC | event.detail & 3))
    if faults.CAUSE_IDT_TARGET_NULL <= event.cause <= faults.CAUSE_IDT_TARGET_OFFSET and not error & 2:
        selector = event.detail & 0xFFFF
        if selector and selector != error & 0xFFFC:
            yield from _entry_sections(descriptors.segment_entry(machine, selector))
    if event.cause == faults.CAUSE_NULL_SELECTOR or event.cause in (
            faults.CAUSE_SEGMENT_LIMIT, faults.CAUSE_STACK_LIMIT, faults.CAUSE_EXPAND_DOWN_LIMIT):
        yield "segment registers", _segment_lines(machine)


def _entry_sections(entry):
    title, *body = entry.lines()
    yield title, [line.strip() for line in body]


def _walk_lines(machine, event) -> list[str]:
    """Every entry that the walk read, down to the one that refused."""
    error = event.error or 0
    access = "execute" if error & 16 else "write" if error & 2 else "read"
    walk = machine.walk(event.address, access, bool(error & 4))
    lines = [f"CR3 = {machine.cpu.cr3:X}h, {ACCESSES[access]} in {'user' if error & 4 else 'supervisor'} mode"]
    for step in walk.steps:
        refused = walk.error is not None and step.level == walk.level
        lines.append(f"{step.name:5} at {step.address:09X}  {step.value:016X}  {entry_words(step.value)}"
                     + ("   <-- refused" if refused else ""))
    if walk.error is None:
        lines.append(f"The tables lead to {walk.physical:X}h now: they have changed since, or an old translation was "
                     "in the TLB (INVLPG)")
    return lines


def entry_words(value: int) -> str:
    """A paging-structure entry's bits: `P R/W U/S A D PS XD`, or `not present`."""
    if not value & 1:
        return "not present" if value else "not present: zero"
    names = {"R/W": 1, "U/S": 2, "PWT": 3, "PCD": 4, "A": 5, "D": 6, "PS": 7, "G": 8, "XD": 63}
    return f"-> {value & 0x000FFFFFFFFFF000:X}h, " + " ".join(
        ["P", *(name for name, bit in names.items() if value >> bit & 1)])


# ---- how it got there, and the state it is in ------------------------------------------------------------------------

def _history(machine, chain) -> list[str]:
    """The last branches if somebody has found them out, else the last interrupts; and the last exceptions before."""
    branches = _branch_lines(list(getattr(machine, "last_branches", ())))
    earlier = [event for event in machine.cpu.events if event not in chain]
    if branches:
        earlier = [event for event in earlier if event.kind in FAULTS]
    return [_past(event) for event in earlier[-EARLIER:]] + branches


def _past(event) -> str:
    """An earlier event in a line."""
    return f"{event.time:>13,}  {_event_name(event)} at {_where(event.cs, event.rip)}"


def _event_name(event) -> str:
    if event.kind in FAULTS:
        return f"exception {faults.name_of(event.vector)}"
    return f"{'INT' if event.kind == 'software' else 'interrupt'} {event.vector:02X}h"


def _branch_lines(branches) -> list[str]:
    """The last branches; a loop's, which are all the same, take one line."""
    runs: list[list] = []
    for branch in branches:
        key = branch.source_cs, branch.source, branch.target_cs, branch.target
        if runs and runs[-1][0] == key:
            runs[-1][2] += 1
        else:
            runs.append([key, branch, 1])
    lines = []
    for (source_cs, source, target_cs, target), branch, count in runs[-BRANCHES:]:
        event = "" if branch.event is None else f", {_event_name(branch.event)}"
        times = f", {count} times" if count > 1 else ""
        lines.append(f"{branch.time:>13,}  {_where(source_cs, source)} -> {_where(target_cs, target)}{event}{times}")
    return lines


def _segment_lines(machine) -> list[str]:
    lines = []
    for name in SEGMENTS:
        segment = machine.cpu.segment(name)
        words = "null" if not segment.access & 0x80 else \
            f"{'code' if segment.access & 8 else 'data'}, DPL {segment.access >> 5 & 3}"
        lines.append(f"{name.upper()} {segment.selector:04X}  base {segment.base:08X}  limit {segment.limit:08X}  "
                     f"{words}")
    return lines


def _state(machine) -> list[str]:
    cpu = machine.cpu
    wide = cpu.mode in ("long", "compatibility")
    digits, per_line = (16, 4) if wide else (8, 8)
    names = GPR64 if wide else GPR64[:8]
    values = [f"{(name if wide else 'e' + name[1:]).upper():>3}={getattr(cpu, name) & (1 << 4 * digits) - 1:0{digits}X}"
              for name in names]
    lines = [" ".join(values[at:at + per_line]) for at in range(0, len(values), per_line)]
    lines.append(" ".join(f"{name.upper()}={getattr(cpu, name):04X}" for name in SEGMENTS)
                 + f"  GDT {cpu.gdtr[0]:X}/{cpu.gdtr[1]:X}  IDT {cpu.idtr[0]:X}/{cpu.idtr[1]:X}")
    lines.append(f"CR0={cpu.cr0:X} ({bit_names(cpu.cr0, CR0)})  CR2={cpu.cr2:X}  CR3={cpu.cr3:X}  "
                 f"CR4={cpu.cr4:X} ({bit_names(cpu.cr4, CR4)})")
    lines.append(f"EFER={cpu.efer:X} ({bit_names(cpu.efer, EFER)})  flags {flag_names(cpu.rflags)}"
                 + ("" if cpu.a20 else "  A20 SHUT"))
    return _section("registers", lines)


def _stack(machine) -> list[str]:
    """The words on top of the stack: return addresses are there."""
    cpu = machine.cpu
    size, pointer = cpu.code_bits // 8, cpu.rsp
    if cpu.code_bits < 64:
        pointer &= 0xFFFFFFFF if cpu.segment("ss").access & ACCESS_DB else 0xFFFF
    data = peek.linear(machine, cpu.linear("ss", pointer), STACK_WORDS * size)
    if data is None:
        return _section("stack", [f"at {pointer:X}h, which cannot be read"])
    words = [f"{peek.number(data[at:at + size]):0{2 * size}X}" for at in range(0, len(data), size)]
    return _section("stack", [f"{_where(cpu.ss, pointer)}  {' '.join(words)}"])


def _screen(machine) -> list[str]:
    """The last lines of the screen and of the serial port, where a kernel says why it gives up."""
    lines = []
    for source in ("screen", "serial"):
        text = getattr(getattr(machine, source, None), "text", "")
        said = [line.rstrip() for line in text.splitlines() if line.strip()][-SCREEN_LINES:]
        lines += _section(f"last on the {source}" if source == "screen" else "last on the serial port", said)
    return lines


def _advice(text: str) -> list[str]:
    return _section("what to do next", textwrap.wrap(text, WIDTH - 2)) if text else []


def _section(title: str, body: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in body)] if body else []


def _where(cs: int, rip: int) -> str:
    return f"{cs:04X}:{rip:0{16 if rip >> 32 else 8 if rip >> 16 else 4}X}"


def _moment(machine) -> str:
    return f"after {machine.time:,} instructions"


def _mode(machine) -> str:
    cpu = machine.cpu
    names = {"real": "real mode", "v86": "virtual-8086 mode", "compatibility": "compatibility mode",
             "long": "64-bit mode"}
    return names.get(cpu.mode, f"{cpu.code_bits}-bit protected mode")


def _watch(machine) -> list[tuple[int, int, int, int]]:
    """(linear address, RIP, code size, CS) of the next instructions; the machine is then put back to where it was."""
    state = machine.snapshot()
    path = []
    for _ in range(LOOP_STEPS):
        cpu = machine.cpu
        rip = cpu.rip - bool(cpu.halted)            # the HLT itself, which is still going on
        path.append((cpu.linear("cs", rip), rip, cpu.code_bits, cpu.cs))
        if machine.step().kind != "limit":
            break
    machine.restore(state)
    return path
