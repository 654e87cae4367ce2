"""No missing instruction is silent: what raised #UD for want of a row is counted and named, and `--stats` says it."""
from __future__ import annotations

import json

import pytest
from machines import CODE, flat64, real

from x86.debug import undefined

SLOTS = 1024                            # of the table of counts, MOST_REFUSALS in _blocks.pxd


@pytest.mark.parametrize("bits, code, name", [
    (64, "0f 38 0f c1", "0F 38 0F /r"),
    (64, "66 0f 38 80 00", "66 0F 38 80 /r"),
    (64, "66 44 0f 3a 1c c1 08", "66 0F 3A 1C /r"),
    (64, "f3 0f ae f0", "F3 0F AE /6"),
    (64, "66 0f ae 20", "66 0F AE /4"),
    (64, "0f 01 c1", "0F 01 C1"),
    (64, "0f c7 30", "0F C7 /6"),
    (64, "66 0f 73 e8 04", "66 0F 73 /5"),
    (64, "0f 37", "0F 37"),
    (64, "66 f2 0f 53 c1", "F2 0F 53 /r"),
    (64, "d9 08", "D9 /1"),
    (64, "d9 e2", "D9 E2"),
    (32, "da e1", "DA E0+i"),
    (64, "06", "06"),
    (64, "66 67 ff f8", "FF /7"),
    (64, "8e c8", "8E /1"),
    (32, "c4 e2 79 1b 00", "VEX.128.66.0F38 1B /r"),
    (64, "c5 fb 53 c1", "VEX.128.F2.0F 53 /r"),
    (64, "62 f1 7c 48 58 c0", "EVEX.512.0F 58 /r"),
    (64, "f0 89 00", "lock mov"),
    (16, "f0 a4", "lock movsb"),
])
def test_names(bits, code, name):
    assert undefined.name_of(bytes.fromhex(code).ljust(15, b"\0"), bits) == name


def counted(machine, steps):
    """[(name, count)] after so many steps of a machine whose #UD handler ends in IRET behind the instruction, or halts."""
    machine.run(max_instructions=steps)
    return [(entry.name, entry.count) for entry in undefined.entries(machine)]


def skipping(code, size, **options):
    """A real-mode machine that runs `code` in a loop; its #UD handler goes on `size` bytes later."""
    #   handler: push bp; mov bp, sp; add word [bp+2], size; pop bp; iret
    handler = bytes.fromhex("55 89 e5 83 46 02") + bytes((size, 0x5D, 0xCF))
    machine = real(code + bytes((0xEB, 0xFE - len(code))), **options)
    machine.memory.write(6 * 4, b"\x00\x06\x00\x00")
    machine.memory.write(0x600, handler)
    return machine


def test_every_time_counts():
    machine = skipping(bytes.fromhex("90 0f 38 0f c1"), 4)
    assert counted(machine, 5 + 7 * 100) == [("0F 38 0F /r", 101)]
    entry, = undefined.entries(machine)
    assert (entry.time, entry.address) == (1, "0000:7C01")


def test_operands_do_not_matter_to_the_name():
    machine = skipping(bytes.fromhex("0f 38 0f c1 0f 38 0f c2 f0 88 c0 90"), 4)
    assert counted(machine, 2 * 16) == [("0F 38 0F /r", 4), ("lock mov", 2)]


def test_an_instruction_that_runs_alone_counts():
    machine = skipping(bytes.fromhex("0f 38 0f c1"), 4)
    machine.cpu.rflags |= 0x100                                 # TF: every instruction runs by itself
    assert counted(machine, 3)[0] == ("0F 38 0F /r", 1)


def test_across_two_pages():
    machine = flat64(bytes.fromhex("0f 38 0f c1"), origin=CODE + 0xFFE)
    assert counted(machine, 1) == [("0F 38 0F /r", 1)]


def test_what_is_undefined_on_purpose_does_not_count():
    assert counted(flat64(bytes.fromhex("0f 0b")), 1) == []
    machine = real(bytes.fromhex("0f 00 c8"))                   # STR in real mode
    assert counted(machine, 1) == [] and machine.cpu.events[0].vector == 6


def test_a_full_table_still_counts():
    """More instructions than slots whose bytes differ, all of the same name: some find no slot."""
    machine = real(b"")
    cpu, total = machine.cpu, SLOTS + 500
    machine.memory.write(0x1000, b"".join(b"\x0F\x38\x0F\x05" + number.to_bytes(4, "little") for number in range(total)))
    machine.memory.write(6 * 4, b"\x00\x06\x00\x00")
    machine.memory.write(0x600, b"\xF4")                        # hlt
    for number in range(total):
        cpu.cs, cpu.rip, cpu.rsp = 0, 0x1000 + 8 * number, 0x7C00
        machine.run(max_instructions=1)
        cpu.halted = False
    assert [(entry.name, entry.count) for entry in undefined.entries(machine)] == [("0F 38 0F /r", SLOTS), ("others", 500)]


def test_counting_is_not_part_of_the_state():
    machine = skipping(bytes.fromhex("0f 38 0f c1"), 4)
    before = machine.snapshot()
    machine.run(max_instructions=60)
    after = machine.snapshot()
    machine.restore(before)
    machine.run(max_instructions=60)
    assert machine.snapshot().digest() == after.digest()
    entry, = undefined.entries(machine)
    assert entry.count > 10 and entry.time == 0


# ---- from the command line ----------------------------------------------------------------------------------------------

#   xor ax, ax; mov ds, ax; mov word [18h], handler; mov [1Ah], ax; 0F 38 0F (nothing) twice; mov al, 5; out 0F4h, al; hlt
#   handler: push bp; mov bp, sp; add word [bp+2], 4; pop bp; iret
GUEST = bytes.fromhex("31 C0 8E D8 C7 06 18 00 1B 7C A3 1A 00 0F 38 0F C1 0F 38 0F C1 B0 05 E6 F4 F4 90"
                      "55 89 E5 83 46 02 04 5D CF")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "guest.img"
    path.write_bytes(GUEST.ljust(510, b"\0") + b"\x55\xAA")
    return path


def test_stats_name_it(x86, image):
    done = x86("run", image, "--stats")
    assert done.status == 16 + 5
    assert "0F 38 0F /r: 2 times #UD, the processor has no such instruction (first at 0000:7C0D)" in done.out


def test_json_has_it(x86, image):
    found, = json.loads(x86("run", image, "--json").out)["undefined_instructions"]
    assert (found["name"], found["count"], found["address"]) == ("0F 38 0F /r", 2, "0000:7C0D") and found["time"] > 0


def test_a_model_that_lacks_it_is_named_by_the_row():
    machine = skipping(bytes.fromhex("90 0f 38 f0 07"), 4)
    assert counted(machine, 40) == []
    machine = skipping(bytes.fromhex("90 0f 38 f0 07"), 4, cpu="pentium")
    assert counted(machine, 5 + 7 * 100) == [("movbe", 101)]
