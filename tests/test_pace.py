"""What counts as waiting for somebody, what does not, and how long the host waits for it."""
from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st
from machines import real
from test_cli import ECHO_KEYS, guest, say, sector  # noqa: F401
from test_cli_terminal import Terminal

import boot
from x86 import Machine
from x86.cli import pace
from x86.cli.pace import Pace, Waiting

TICKS = 300_000                         # of each guest: some hundred looks even of those that look seldom

#   again: in al, 64h; test al, 1; jz again
KEYBOARD = bytes.fromhex("E4 64 A8 01 74 FA")
#   mov dx, 3FDh; again: in al, dx; test al, 1; jz again
SERIAL = bytes.fromhex("BA FD 03 EC A8 01 74 FB")
#   again: mov dx, 3FDh; in al, dx; mov dl, F8h; mov al, '.'; out dx, al; jmp again
SENDING = bytes.fromhex("BA FD 03 EC B2 F8 B0 2E EE EB F5")
#   again: in al, 64h; mov ecx, 80000h; dec ecx; jnz; jmp again
SELDOM = bytes.fromhex("E4 64 66 B9 00 00 08 00 66 49 75 FC EB F4")
BUSY = bytes.fromhex("EB FE")                           # jmp $
#   again: mov ah, 1 or 11h; int 16h; jz again
ASK, ASK_ENHANCED = bytes.fromhex("B4 01 CD 16 74 FA"), bytes.fromhex("B4 11 CD 16 74 FA")
SLEEP = bytes.fromhex("FB F4 EB FC")                    # sti; again: hlt; jmp again
SLEEP_AND_LOOK = bytes.fromhex("FB F4 E4 64 EB FB")     # sti; again: hlt; in al, 64h; jmp again


def share(machine, ticks=TICKS):
    """How much of the machine's next `ticks` it waits."""
    waiting, begun = Waiting(machine), machine.time
    assert machine.run(max_instructions=ticks).kind == "limit"
    return waiting.ticks() / (machine.time - begun)


@pytest.mark.parametrize("code, low, high", [
    (KEYBOARD, 0.99, 1), (SERIAL, 0.99, 1), (SENDING, 0, 0.01), (BUSY, 0, 0), (SELDOM, 0, 0.01)],
    ids=["keyboard", "serial", "sending", "busy", "seldom"])
def test_looks_at_the_chips(code, low, high):
    assert low <= share(real(code), 8 * TICKS if code is SELDOM else TICKS) <= high


@pytest.mark.parametrize("code, low, high", [
    (ASK, 0.95, 1), (ASK_ENHANCED, 0.95, 1), (SLEEP, 0.9, 1), (SLEEP_AND_LOOK, 0.9, 1), (BUSY, 0, 0.05)],
    ids=["key", "enhanced-key", "sleep", "sleep-and-look", "busy"])
def test_under_a_bios(code, low, high):
    machine = Machine("2M")
    boot.bios(machine, floppy=sector(code))
    machine.run(until=lambda machine: machine.memory.read(0x7C00, len(code)) == code, every=100_000,
                max_instructions=100_000_000)
    machine.run(max_instructions=100_000)
    assert low <= share(machine, 5_000_000 if b"\xF4" in code else TICKS) <= high


def test_a_key_that_is_there_was_not_waited_for():
    machine = real(KEYBOARD + BUSY)
    waiting = Waiting(machine)
    machine.keyboard.type_text("a")
    machine.run(max_instructions=5_000_000)
    assert waiting.ticks() < 5_000_000 / 2 and machine.bus.read(0x64, 1) & 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=6), st.sampled_from([KEYBOARD, SERIAL, SENDING, SELDOM]))
def test_who_watches_changes_nothing(pieces, code):
    watched, plain = real(code), real(code)
    waiting = Waiting(watched)
    for ticks in pieces:
        end = watched.time + ticks
        waiting.leave_at = 0.0                          # every look ends the run
        for _ in range(3):
            if end > watched.time and watched.run(max_instructions=end - watched.time).kind == "limit":
                break
        waiting.leave_at = None
        if end > watched.time:
            watched.run(max_instructions=end - watched.time)
    plain.run(max_instructions=sum(pieces))
    assert watched.snapshot().digest() == plain.snapshot().digest()


def test_a_guest_that_looks_is_left_in_time():
    machine = real(KEYBOARD)
    waiting = Waiting(machine)
    waiting.leave_at = 0.0
    assert machine.run(max_instructions=TICKS).kind == "look" and machine.time < 100


# ---- the arithmetic -------------------------------------------------------------------------------------------------

class Host:
    """A host whose clock goes on only where the test says so, and a machine of which it says how it passed its time."""

    def __init__(self, monkeypatch, mode):
        self.now = 1000.0
        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now)
        self.machine = real(BUSY)
        self.time = 0
        self.pace = Pace(self.machine, mode)

    def stretch(self, works=0.0, looks=0.0, sleeps=0.0, takes=0.0, apart=0.0, **options):
        """The guest's seconds of each kind, the host's seconds for them, and those between two stretches."""
        self.now += apart
        self.pace.begin()
        ticks = self.machine.clock.ticks
        self.machine.sleep_until(self.machine.time + sum(ticks(part) for part in (works, looks, sleeps) if part))
        self.machine.slept -= sum(ticks(part) for part in (works, looks) if part)
        if self.pace._waiting:
            self.pace._waiting._looks += ticks(looks) if looks else 0
        self.now += takes
        return pytest.approx(self.pace.ahead(**options), abs=1e-6)


def test_what_waits_takes_its_time_and_what_works_does_not(monkeypatch):
    host = Host(monkeypatch, "auto")
    assert host.stretch(works=1.0, takes=0.05) == 0
    assert not host.pace.waits and host.pace._waiting.leave_at is None
    assert host.stretch(sleeps=0.02) == 0.02
    assert host.pace.waits
    assert host.stretch(sleeps=0.02, apart=0.02) == 0.02                    # it was waited for
    assert host.stretch(looks=0.02, takes=0.01, apart=0.02) == 0.01         # and looking takes the host some time
    assert host.stretch(works=0.01, sleeps=0.01, takes=0.004, apart=0.01) == 0.008      # half of its 4 ms was work
    assert host.stretch(sleeps=0.02, apart=0.013) == 0.015                  # 5 ms late
    assert host.stretch(sleeps=0.02, apart=5.0) == 0                        # too late to make up for
    assert host.stretch(sleeps=0.02) == 0.02


def test_real_and_full(monkeypatch):
    host = Host(monkeypatch, "real")
    assert host.stretch(works=1.0, takes=0.05) == 0.95
    assert host.stretch(works=0.5, apart=0.95, hurry=True) == 0
    host = Host(monkeypatch, "full")
    assert host.stretch(works=1.0, looks=1.0, sleeps=1.0) == 0
    assert not host.pace.waits


# ---- at a terminal --------------------------------------------------------------------------------------------------

#   sti; mov cx, 18; again: hlt; loop again: one second by IRQ 0
SECOND = bytes.fromhex("FB B9 12 00 F4 E2 FD")


@pytest.mark.parametrize("mode, at_least", [("auto", 0.9), ("full", 0.0)])
def test_a_second_of_sleep(guest, mode, at_least):  # noqa: F811
    with Terminal("run", guest(say("<") + SECOND + say(">") + ECHO_KEYS), "--serial", "stdio", "--pace", mode) as terminal:
        assert terminal.wait_for(lambda: b"<" in terminal.raw)
        begun = time.monotonic()
        assert terminal.wait_for(lambda: b">" in terminal.raw)
        assert time.monotonic() - begun >= at_least
        terminal.type(b"\x01x")
        assert terminal.wait_for(lambda: terminal.process.poll() is not None) and terminal.process.returncode == 0
