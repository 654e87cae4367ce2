"""RDRAND and RDSEED: the same numbers in every run, others for another seed, and a snapshot goes on where it was."""
from machines import flat64

CODE = "rdrand rax\nrdseed rbx\nrdrand ecx\nrdrand dx\nhlt"


def numbers(machine):
    machine.run(max_instructions=4)
    assert not machine.cpu.events and machine.cpu.cf
    return machine.cpu.rax, machine.cpu.rbx, machine.cpu.rcx, machine.cpu.dx


def test_the_same_machine_draws_the_same_numbers():
    first, second = numbers(flat64(CODE, fill="random:7")), numbers(flat64(CODE, fill="random:7"))
    assert first == second and len(set(first)) == 4
    assert first[2] < 1 << 32


def test_another_seed_draws_others():
    assert not set(numbers(flat64(CODE, fill="random:7"))) & set(numbers(flat64(CODE, fill="random:8")))


def test_a_snapshot_has_the_place_in_the_sequence():
    machine = flat64(CODE)
    machine.step()
    snapshot = machine.snapshot()
    rest = [machine.step() and (machine.cpu.rbx, machine.cpu.rcx) for _ in range(2)]
    machine.restore(snapshot)
    assert [machine.step() and (machine.cpu.rbx, machine.cpu.rcx) for _ in range(2)] == rest


def test_the_numbers_are_spread():
    """Of 200 numbers each bit is set in about half."""
    machine = flat64("again: rdrand rax\njmp again")
    drawn = []
    for _ in range(200):
        machine.run(max_instructions=2)
        drawn.append(machine.cpu.rax)
    for bit in range(64):
        assert 60 < sum(number >> bit & 1 for number in drawn) < 140
