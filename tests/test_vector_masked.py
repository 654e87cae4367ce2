"""Masked moves and gathers where only part of the memory is there: what is not chosen cannot fault, what is done stays done."""
import pytest
import vectors
from test_instructions import CODE, processor

from x86 import decode

END = 0x200000                          # the first address without a page


@pytest.fixture
def cpu():
    return processor(64)


def vector(*elements, bits=32):
    return sum((element & (1 << bits) - 1) << bits * number for number, element in enumerate(elements))


def execute(cpu, code, alone):
    """One instruction; the fault that it met, or None."""
    cpu.memory.write(CODE, bytes.fromhex(code))
    cpu.run(1 if alone else 100)
    return next((event for event in cpu.events if event.kind == "fault"), None)


both = pytest.mark.parametrize("alone", [False, True], ids=["in a block", "alone"])


@both
@pytest.mark.parametrize("chosen, fault", [((1, 1, 0, 0), None), ((0, 0, 0, 0), None), ((0, 0, 0, 1), END + 4),
                                           ((1, 1, 1, 0), END)])
def test_a_load_faults_for_chosen_elements_only(cpu, chosen, fault, alone):
    cpu.rdi, cpu.ymm1, cpu.ymm3 = END - 8, 7, vector(*(-bit for bit in chosen))
    event = execute(cpu, "c4 e2 61 2c 0f", alone)                   # vmaskmovps xmm1, xmm3, [rdi]
    assert (event and event.address) == fault
    assert cpu.ymm1 == (7 if fault else vector(*(-bit for bit in chosen)))          # ones: no memory is there, but a page


@both
@pytest.mark.parametrize("chosen, fault", [((1, 0, 0, 0), None), ((0, 1, 1, 0), END + 7), ((0, 0, 0, 0), None),
                                           ((0, 0, 0, 1), END + 8)])
def test_a_store_faults_before_it_writes(cpu, chosen, fault, alone):
    """Of quadwords; a page fault is told of the last byte where the first one could be written, as the hardware does."""
    cpu.rdi, cpu.ymm1, cpu.ymm3 = END - 16, 7, vector(*(-bit for bit in chosen), bits=64)
    event = execute(cpu, "c4 e2 e5 8e 0f", alone)                   # vpmaskmovq [rdi], ymm3, ymm1
    assert (event and event.address) == fault


@both
def test_a_store_across_two_pages_writes_what_is_chosen(cpu, alone):
    cpu.memory.write(0x2FF0, bytes(range(32)))
    cpu.rdi, cpu.ymm1, cpu.ymm3 = 0x2FF2, vector(*range(0x11111111, 0x99999999, 0x11111111)), vector(-1, 0, 0, -1, -1, 0, 0, -1)
    assert execute(cpu, "c4 e2 65 2e 0f", alone) is None            # vmaskmovps [rdi], ymm3, ymm1
    expected = bytearray(range(34))
    expected[32:] = bytes(2)
    for element in (0, 3, 4, 7):
        expected[2 + 4 * element:6 + 4 * element] = bytes([0x11 * (element + 1)] * 4)
    assert cpu.memory.read(0x2FF0, 34) == bytes(expected)


@both
@pytest.mark.parametrize("code", ["66 0f f7 ca", "c5 f9 f7 ca"])
def test_maskmovdqu_needs_all_of_its_operand(cpu, code, alone):
    """Its upper half is asked for first; nothing is written."""
    cpu.rdi, cpu.ymm1, cpu.ymm2 = END - 12, vector(1, 2, 3, 4), 0
    assert execute(cpu, code, alone).address == END


# vpgatherdd ymm1, [rdi+ymm2], ymm3 and its kin; the third element is not chosen, the fourth has no page
GATHERS = (("c4 e2 65 90 0c 17", 256, 32, 32), ("c4 e2 61 90 0c 17", 128, 32, 32), ("c4 e2 e5 90 0c 17", 256, 32, 64),
           ("c4 e2 65 91 0c 17", 256, 64, 32), ("c4 e2 e5 91 0c 17", 256, 64, 64))


@both
@pytest.mark.parametrize("code, size, index, element", GATHERS)
def test_a_gather_that_faults_keeps_what_is_done(cpu, code, size, index, element, alone):
    """The mask of what is done is 0, of what is still to do all ones. XMM registers lose their upper halves, as by any other
    VEX instruction; the upper half of the index's 256 bits is kept until the end."""
    cpu.memory.write(0x2000, bytes(range(64)))
    count = size // max(index, element)
    sign = 1 << element - 1
    cpu.rdi = 0x2000
    cpu.ymm1 = before = vector(*[0x77] * (256 // element), bits=element)
    cpu.ymm2 = vector(*[1, 8, 3, END, 5, 5, 5, 5][:count], bits=index)
    cpu.ymm3 = vector(*[sign, sign, sign - 1, sign, sign + 1, 0, 0, 0][:count], bits=element)
    event = execute(cpu, code, alone)
    assert event.vector == 14 and event.address == END + 0x2000
    size_of = element // 8
    done = vector(*(int.from_bytes(bytes(range(at, at + size_of)), "little") for at in (1, 8)), bits=element)
    kept = before >> 2 * element << 2 * element
    assert cpu.ymm1 == (kept & (1 << 128) - 1 if size == 128 else kept) | done
    assert cpu.ymm3 == vector(0, 0, 0, *[-1, -1][:count - 3], bits=element)
    # the page is there now: it goes on with the fourth element
    cpu.ymm2 = vector(*[END, END, END, 16, 24, END, END, END][:count], bits=index)
    again = vector(*(int.from_bytes(bytes(range(at, at + size_of)), "little") for at in (16, 24)[:count - 3]), bits=element)
    cpu.rip = CODE
    cpu.run(1)
    assert cpu.ymm1 == (done | vector(0, 0, 0x77, bits=element) | again << 3 * element | (kept >> 5 * element << 5 * element
                        if count == 8 else 0))
    assert cpu.ymm3 == 0


@pytest.mark.parametrize("destination, index, mask", [(1, 2, 1), (1, 1, 3), (1, 3, 3), (9, 2, 9), (2, 2, 2)])
def test_the_three_registers_of_a_gather_are_three(destination, index, mask):
    def encoded(mask):
        return bytes((0xC4, 0xE2 ^ (destination & 8) << 4 ^ (index & 8) << 3, (~mask & 15) << 3 | 5, 0x90,
                      (destination & 7) << 3 | 4, (index & 7) << 3 | 7))
    assert decode(encoded(mask)).form is None
    assert destination == index or decode(encoded(6)).form.mnemonic == "vpgatherdd"


@both
@pytest.mark.parametrize("code, checked", [
    ("c4 e2 61 2c 0f", False), ("c4 e2 61 2e 0f", False),           # vmaskmovps
    ("c4 e2 61 90 0c 17", False), ("c4 e2 e5 91 0c 17", False),     # vpgatherdd, vpgatherqq
    ("66 0f f7 ca", True), ("0f f7 ca", True),                      # maskmovdqu, maskmovq: as two operands of 8 bytes, as one
    ("0f 10 0f", False), ("c5 fc 10 0f", False), ("c4 e2 7d 1a 0f", False),         # movups, vmovups, vbroadcastf128
    ("f3 0f 7e 0f", True), ("66 0f c4 0f 01", True), ("c4 e2 79 18 0f", True),      # movq, pinsrw, vbroadcastss
])
def test_which_operands_are_checked_for_alignment(code, checked, alone):
    """At privilege 3, with CR0.AM and EFLAGS.AC: as an Intel processor has answered."""
    bench = vectors.Bench()
    case = {"code": code.replace(" ", ""), "before": {"flags": "40202", "rdi": "200101"},
            "after": {"rip": f"{0x100400 + len(bytes.fromhex(code)):x}"}}
    bench.prepare(case)
    bench.cpu.ymm2, bench.cpu.ymm3 = 0, (1 << 256) - 1
    event = bench.step(case) if alone else bench.run(case)
    assert (event and event.vector) == (17 if checked else None)
