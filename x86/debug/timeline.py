"""The machine's way through the processor's modes: when, from where, and what changed.

Source of the events: Machine.timeline, a list of events of kind "mode" whose `detail` is one of the numbers below, with
`time` in instructions since power-on, and `cs`, `rip` of the instruction that did it.
"""
from __future__ import annotations

from typing import NamedTuple

CHANGES = {
    1: "protected mode (CR0.PE set)",
    2: "real mode (CR0.PE cleared)",
    3: "paging on (CR0.PG set)",
    4: "paging off (CR0.PG cleared)",
    5: "PAE (CR4.PAE set)",
    6: "long mode asked for (EFER.LME set)",
    7: "long mode active (EFER.LMA)",
    8: "64-bit code",
    9: "32-bit code",
    10: "16-bit protected-mode code",
    11: "A20 gate open",
    12: "A20 gate shut",
    13: "compatibility-mode code",
}
RESET = "reset, real mode"
LIMIT = 40                      # lines at most; of what lies between the first and the last ones the number is told


class Entry(NamedTuple):
    """One mode change: ticks since power-on, the instruction that made it, and the change in words."""
    time: int
    cs: int
    rip: int
    text: str

    @property
    def address(self) -> str:
        """`0008:7D12`, with as many digits as it needs."""
        digits = 16 if self.rip >> 32 else 8 if self.rip >> 16 else 4
        return f"{self.cs:04X}:{self.rip:0{digits}X}"


def entries(machine) -> list[Entry]:
    """Power-on, then every mode change in order; one that has no name here is told by its number."""
    return [Entry(0, 0xF000, 0xFFF0, RESET)] + [
        Entry(event.time, event.cs, event.rip, CHANGES.get(event.detail, f"mode change {event.detail}"))
        for event in machine.timeline]


def lines(machine, limit: int = LIMIT) -> list[str]:
    """The table for people, one line an entry and one above them:

        instruction  address    what
                  0  F000:FFF0  reset, real mode
            214,311  0000:7E5C  protected mode (CR0.PE set)

    Of more than `limit` entries only the first and the last are shown: some loaders change mode for every BIOS call."""
    found = entries(machine)
    table = [("instruction", "address", "what")]
    head = len(found) if len(found) <= limit else limit * 3 // 4
    tail = found[len(found) - (limit - head):] if head < len(found) else []
    table += [(f"{entry.time:,}", entry.address, entry.text) for entry in found[:head]]
    if tail:
        table.append(("...", "", f"({len(found) - limit:,} more changes)"))
    table += [(f"{entry.time:,}", entry.address, entry.text) for entry in tail]
    times = max(len(row[0]) for row in table)
    addresses = max(len(row[1]) for row in table)
    return [f"{time:>{times}}  {address:<{addresses}}  {text}".rstrip() for time, address, text in table]
