"""Models of processors: what each has is there, and what it has not is refused as a processor without it would."""
import re
from pathlib import Path

import pytest
from machines import flat32

from x86 import Machine, registers
from x86.faults import MachineError
from x86.models import BITS, MODELS, NO_BIT, UNFINISHED

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def has(*features):
    return [name for name, model in MODELS.items() if set(features) <= model.features]


def cpuid(name, leaf, subleaf=0):
    """(eax, ebx, ecx, edx) as the processor of this name gives them."""
    machine = flat32(f"mov eax, {leaf:#x}\nmov ecx, {subleaf}\ncpuid\nhlt", cpu=name)
    machine.run(max_instructions=3)
    assert not machine.cpu.events
    return tuple(getattr(machine.cpu, register) for register in ("eax", "ebx", "ecx", "edx"))


# ---- the table ------------------------------------------------------------------------------------------------------------

def test_every_feature_has_one_place_and_one_model_at_least():
    everything = [*NO_BIT, *(feature for bits in BITS.values() for feature in bits)]
    assert len(everything) == len(set(everything))
    assert set().union(*(model.features for model in MODELS.values())) <= set(everything)
    assert set(UNFINISHED) <= set(everything)


def test_the_core_knows_the_bits_by_the_same_numbers():
    text = (ROOT / "x86/_model.pxd").read_text()
    core = {name: int(bit) for name, bit in re.findall(r"FEATURE_(\w+) = 1 << (\d+)", text)}
    assert core == {feature: bit for bits in BITS.values() for feature, bit in bits.items()}


@pytest.mark.parametrize("prefix, bits", [("CR0", registers.CR0), ("CR4", registers.CR4), ("EFER", registers.EFER)])
def test_the_core_knows_the_control_bits_by_the_same_numbers(prefix, bits):
    text = (ROOT / "x86/_model.pxd").read_text()
    core = {name: int(bit) for name, bit in re.findall(rf"\b{prefix}_(\w+) = 1 << (\d+)", text)}
    assert core and core.items() <= bits.items()


# ---- CPUID ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", has("CPUID"))
def test_cpuid_shows_the_features(name):
    model = MODELS[name]
    highest = cpuid(name, 0)
    assert highest[0] == model.highest_leaf
    assert b"".join(highest[number].to_bytes(4, "little") for number in (1, 3, 2)) == b"GenuineIntel"
    eax, _, ecx, edx = cpuid(name, 1)
    assert (eax, ecx, edx) == (model.signature, model.word("leaf1_ecx"), model.word("leaf1_edx"))
    if model.highest_leaf >= 7:
        assert cpuid(name, 7)[1:] == (model.word("leaf7_ebx"), model.word("leaf7_ecx"), model.word("leaf7_edx"))
    if model.highest_extended:
        assert cpuid(name, 0x80000000)[0] == model.highest_extended
        _, _, ecx, edx = cpuid(name, 0x80000001)
        assert (ecx, edx) == (model.word("extended_ecx"), model.word("extended_edx") & ~(1 << 11))      # SYSCALL: 64-bit code
        assert cpuid(name, 0x80000008)[0] == model.linear_bits << 8 | model.physical_bits
    else:
        assert cpuid(name, 0x80000000) == cpuid(name, model.highest_leaf)


def test_reset_leaves_the_signature_in_edx(model):
    assert Machine("1M", cpu=model.name).cpu.rdx == model.signature


# ---- registers ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bit", range(32))
def test_bits_of_cr4_exist_or_are_reserved(model, bit):
    """A reserved one is #GP; where there is no bit at all there is no CR4, and #UD."""
    if 1 << bit in (registers.CR4_PCIDE, registers.CR4_LA57):
        pytest.skip("cannot be set outside of long mode, or not inside")
    machine = flat32(f"mov eax, {1 << bit:#x}\nmov cr4, eax\nmov ebx, cr4\nhlt", cpu=model.name)
    machine.run(max_instructions=3)
    vectors = [event.vector for event in machine.cpu.events if event.kind == "fault"]
    if model.cr4_bits >> bit & 1:
        assert not vectors and machine.cpu.ebx == machine.cpu.cr4 == 1 << bit
    else:
        assert vectors[0] == (13 if model.cr4_bits else 6) and machine.cpu.cr4 == 0


def test_bits_of_cr0_exist_or_are_ignored(model):
    machine = flat32("mov eax, cr0\nor eax, 0x5ffeffff\nmov cr0, eax\nmov eax, cr0\nhlt", cpu=model.name)
    machine.run(max_instructions=4)
    assert not machine.cpu.events
    assert machine.cpu.eax == model.cr0_bits & 0x5FFEFFFF | registers.CR0_ET


@pytest.mark.parametrize("bit, feature", [(18, "486"), (21, "CPUID")])
def test_ac_and_id_tell_the_386_and_486_apart(model, bit, feature):
    machine = flat32(f"push {1 << bit}\npopfd\npushfd\npop eax\nhlt", cpu=model.name)
    machine.run(max_instructions=4)
    assert machine.cpu.eax >> bit & 1 == (feature in model.features)


def test_efer_has_the_bits_of_the_features(model):
    for bit in (0, 8, 11):
        machine = flat32(f"mov ecx, 0xc0000080\nmov eax, {1 << bit}\ncdq\nwrmsr\nhlt", cpu=model.name)
        machine.run(max_instructions=4)
        vectors = [event.vector for event in machine.cpu.events if event.kind == "fault"]
        if model.efer_bits >> bit & 1:
            assert not vectors and machine.cpu.efer == 1 << bit
        else:
            assert vectors[0] in (6, 13) and machine.cpu.efer == 0


# ---- machines ---------------------------------------------------------------------------------------------------------------

def test_a_wrong_name_is_answered_with_the_choices(x86):
    with pytest.raises(ValueError, match="386, 486, pentium"):
        Machine("1M", cpu="586")
    answer = x86("run", "--cpu", "586")
    assert answer.status == 2 and answer.err.count("\n") == 1 and "x86-64-v3, max" in answer.err


def test_the_list_of_processors(x86):
    answer = x86("run", "--cpu", "help")
    lines = answer.out.splitlines()
    assert answer.status == 0 and [line.split()[0] for line in lines] == list(MODELS)
    for line, model in zip(lines, MODELS.values()):
        assert set(line.split()) & set().union(NO_BIT, *BITS.values()) <= model.features


def test_a_snapshot_belongs_to_its_model():
    snapshot = Machine("1M", cpu="486").snapshot()
    with pytest.raises(MachineError, match="486"):
        Machine("1M", cpu="max").restore(snapshot)
    Machine("1M", cpu="486").restore(snapshot)


def test_the_example_says_that_a_386_has_no_long_mode(x86):
    answer = x86("run", "--cpu", "386", "--max-instructions", "20_000_000")
    assert "no long mode" in answer.out
