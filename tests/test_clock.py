"""Virtual time and its events."""
from __future__ import annotations

import pickle
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from x86.clock import Clock


class Bell:
    """A device that writes down when it was called."""

    def __init__(self, machine):
        self.machine = machine
        self.log = []

    def ring(self):
        self.log.append((self.machine.time, None))

    def toll(self, argument):
        self.log.append((self.machine.time, argument))

    def again(self, ticks):
        self.ring()
        self.machine.clock.after(ticks, "bell", "again", ticks)


@pytest.fixture
def machine():
    machine = SimpleNamespace(time=0, devices={})
    machine.clock = Clock(machine)
    machine.clock.source = lambda: machine.time
    machine.devices["bell"] = Bell(machine)
    return machine


def run_to(machine, time):
    """As a run loop does it: from event to event."""
    while (event := machine.clock.next()) is not None and event <= time:
        machine.time = max(machine.time, event)
        machine.clock.run_due()
    machine.time = time


def test_events_come_in_order_of_time_and_then_of_asking(machine):
    for time, argument in ((30, "d"), (10, "a"), (20, "b"), (20, "c")):
        machine.clock.at(time, "bell", "toll", argument)
    assert machine.clock.next() == 10
    machine.time = 25
    machine.clock.run_due()
    assert machine.devices["bell"].log == [(25, "a"), (25, "b"), (25, "c")]
    assert machine.clock.next() == 30


def test_events_without_an_argument(machine):
    machine.time = 5
    machine.clock.after(7, "bell", "ring")
    run_to(machine, 11)
    assert machine.devices["bell"].log == []
    run_to(machine, 12)
    assert machine.devices["bell"].log == [(12, None)]
    assert machine.clock.next() is None


def test_an_event_may_ask_for_the_next(machine):
    machine.clock.at(100, "bell", "again", 50)
    run_to(machine, 299)
    assert [time for time, _ in machine.devices["bell"].log] == [100, 150, 200, 250]


def test_cancel(machine):
    machine.devices["other"] = Bell(machine)
    for device, method in (("bell", "ring"), ("bell", "toll"), ("other", "ring")):
        machine.clock.at(10, device, method, None if method == "ring" else 1)
    machine.clock.cancel("bell", "toll")
    run_to(machine, 10)
    assert (machine.devices["bell"].log, machine.devices["other"].log) == ([(10, None)], [(10, None)])
    machine.clock.at(20, "bell", "ring")
    machine.clock.at(20, "bell", "toll", 1)
    machine.clock.cancel("bell")
    assert machine.clock.next() is None


def test_the_run_loop_is_told_of_earlier_events_only(machine):
    told = []
    machine.clock.on_earlier = told.append
    for time in (100, 200, 50, 50, 70):
        machine.clock.at(time, "bell", "ring")
    assert told == [100, 50]


@pytest.mark.parametrize("seconds, ticks", [(1, 50_000_000), (0.001, 50_000), (1e-12, 1), (0, 1)])
def test_ticks(machine, seconds, ticks):
    assert machine.clock.ticks(seconds) == ticks


@given(hertz=st.integers(1, 10**9), cycle=st.integers(0, 10**15), frequency=st.integers(1, 10**9))
def test_time_of_a_cycle_is_the_first_tick_of_it(hertz, cycle, frequency):
    clock = Clock(None, frequency)
    time = clock.time_of(cycle, hertz)
    clock.source = lambda: time
    assert clock.cycles(hertz) >= cycle
    assert clock.cycles(hertz) == cycle or hertz > frequency
    if time:
        clock.source = lambda: time - 1
        assert clock.cycles(hertz) < cycle


def test_snapshot_brings_back_what_was_to_come(machine):
    machine.clock.at(100, "bell", "toll", (1, "x"))
    machine.clock.at(100, "bell", "ring")
    state = pickle.loads(pickle.dumps(machine.clock.snapshot()))
    run_to(machine, 150)
    expected, machine.devices["bell"].log = machine.devices["bell"].log, []
    machine.clock.at(10_000, "bell", "ring")
    told = []
    machine.clock.on_earlier = told.append
    machine.time = 0
    machine.clock.restore(state)
    assert told == [100]
    run_to(machine, 20_000)
    assert machine.devices["bell"].log == expected == [(100, (1, "x")), (100, None)]
