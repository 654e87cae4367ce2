"""Looking back: the last branches, found by running the recent past again."""
from machines import CODE, flat64, real

from x86.debug.replay import Recorder

LOOP = """
        mov ecx, 3
again:  dec ecx
        jnz again
        call there
        cli
        hlt
there:  ret
"""


def test_the_last_branches():
    machine = flat64(LOOP)
    recorder = Recorder(machine)
    assert machine.run(max_instructions=1000).kind == "hang"
    before = machine.snapshot().digest()
    branches = recorder.last_branches()
    assert [(branch.source - CODE, branch.target - CODE, branch.event) for branch in branches] == [
        (7, 5, None), (7, 5, None), (9, 16, None), (16, 14, None)]
    assert machine.snapshot().digest() == before


def test_no_more_than_asked_for():
    machine = flat64(LOOP)
    recorder = Recorder(machine)
    machine.run(max_instructions=1000)
    assert len(recorder.last_branches(count=2)) == 2


def test_interrupts_are_told_apart_from_branches():
    machine = real("""
        int 20h
        cli
        hlt
handler: iret
    """)
    machine.memory.write(0x20 * 4, b"\x04\x7c\x00\x00")
    recorder = Recorder(machine)
    machine.run(max_instructions=100)
    first, second = recorder.last_branches()
    assert (first.event.kind, first.event.vector) == ("software", 0x20)
    assert second.event is None


def test_what_was_typed_is_typed_again():
    """The same run needs the same inputs at the same times."""
    machine = flat64("""
again:  mov dx, 3FDh
        in al, dx
        test al, 1
        jz again
        mov dx, 3F8h
        in al, dx
        cli
        hlt
    """)
    recorder = Recorder(machine)
    machine.run(max_instructions=100)
    recorder.input("uart", "send", b"x")
    assert machine.run(max_instructions=1_000_000).kind == "hang"
    assert machine.cpu.al == ord("x")
    end = machine.time
    recorder.last_branches()
    assert machine.time == end and machine.cpu.al == ord("x")


def test_a_new_checkpoint_forgets_older_inputs():
    machine = flat64("jmp $")
    recorder = Recorder(machine, interval=1000)
    recorder.input("uart", "send", b"x")
    machine.run(max_instructions=5000)
    recorder.note()
    assert recorder.inputs == []
    assert recorder.checkpoint.time == 5000
