"""Models of processors: what each has is there, and what it has not is refused as a processor without it would."""
import random
import re
from pathlib import Path

import pytest
from encodings_of_forms import encode, exists_in
from machines import TABLES, flat32, flat64

from x86 import Machine, decode, models, registers
from x86.faults import MachineError
from x86.isa import table
from x86.models import BITS, MODELS, NO_BIT

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


def test_the_core_knows_the_bits_by_the_same_numbers():
    text = (ROOT / "x86/_model.pxd").read_text()
    core = {name: int(bit) for name, bit in re.findall(r"FEATURE_(\w+) = 1 << (\d+)", text)}
    assert core == {feature: bit for bits in BITS.values() for feature, bit in bits.items()}


@pytest.mark.parametrize("prefix, bits", [("CR0", registers.CR0), ("CR4", registers.CR4), ("EFER", registers.EFER)])
def test_the_core_knows_the_control_bits_by_the_same_numbers(prefix, bits):
    text = (ROOT / "x86/_model.pxd").read_text()
    core = {name: int(bit) for name, bit in re.findall(rf"\b{prefix}_(\w+) = 1 << (\d+)", text)}
    assert core and core.items() <= bits.items()


# What a feature is beside rows and bits of control registers
MSRS = {0x10: "TSC", 0x174: "SEP", 0x176: "SEP", 0x277: "PAT", 0xFE: "MTRR", 0x200: "MTRR", 0x250: "MTRR", 0x2FF: "MTRR",
        0xC0000080: "SYSCALL", 0xC0000081: "SYSCALL", 0xC0000082: "LM", 0xC0000084: "LM", 0xC0000100: "LM", 0xC0000102: "LM",
        0xC0000103: "RDTSCP", 0x1B: "P6", 0x1A0: "P6", 0x8B: "P6"}
ELSEWHERE = {"FPU": "test_fpustate.py", "APIC": "devices/test_apic.py", "PSE36": "test_mmu.py", "1GB": "here",
             "XGETBV1": "xsave.ins", "PREFETCHW": "a hint, which those without the bit take as a NOP"}


def test_there_is_something_behind_every_feature():
    """A row, a bit of a register, an MSR, or a place where it is tested: CPUID shows nothing that is not there."""
    behind = {*table.features(), *MSRS.values(), *ELSEWHERE}
    for bits in (models.CR0, models.CR4, models.EFER, models.FLAGS):
        behind |= set(bits.values())
    assert set().union(*(model.features for model in MODELS.values())) <= behind


def test_rows_name_features_that_some_model_has():
    assert set(table.features()) <= MODELS["max"].features


# ---- instructions ---------------------------------------------------------------------------------------------------------

# Where bytes of an absent instruction are another one: a prefix that means nothing there
ELSE = {"tzcnt": "bsf", "lzcnt": "bsr"}


def absent_forms(model):
    return [form for form in table.forms() if not set(form.cpuid.split()) <= model.features]


def test_the_decoder_knows_what_a_model_has(model):
    choose = random.Random(1)
    absent = {form.number for form in absent_forms(model)}
    wrong = []
    for form in table.forms():
        for bits in (16, 32, 64):
            code = encode(form, bits, choose)
            if not exists_in(form, bits) or decode(code, 0, bits).form is not form:
                continue
            found = decode(code, 0, bits, model).form
            expected = form.mnemonic if form.number not in absent else ELSE.get(form.mnemonic)
            if (found and found.mnemonic) != expected:
                wrong.append(f"{bits}: {code.hex(' ')}: {found and found.mnemonic}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_the_processor_raises_ud_for_what_it_has_not(model):
    choose = random.Random(2)
    rows = {form.mnemonic: form for form in absent_forms(model) if exists_in(form, 32) and form.mnemonic not in ELSE}
    for mnemonic, form in rows.items():
        code = encode(form, 32, choose)
        while decode(code, 0, 32).form is not form or decode(code, 0, 32).status:
            code = encode(form, 32, choose)
        machine = flat32(code, "2M", cpu=model.name)
        machine.run(max_instructions=1)
        assert [event.vector for event in machine.cpu.events][0] == 6, mnemonic


def test_two_machines_have_each_their_own_instructions():
    code = "mov ecx, 0\nbsf eax, ecx\nmov eax, 8\nrep bsf eax, eax\nbswap eax\nhlt"
    old, new = flat32(code, cpu="386"), flat32(code, cpu="max")
    for machine in (old, new, old, new):
        machine.run(max_instructions=3)
    assert old.cpu.events[0].vector == 6 and not new.cpu.events and new.cpu.eax == 3 << 24


@pytest.mark.parametrize("name", has("LM"))
@pytest.mark.parametrize("code", ["lahf", "sahf"])
def test_lahf_in_64_bit_code_has_a_bit_of_its_own(name, code):
    machine = flat64(f"{code}\nhlt", cpu=name)
    machine.run(max_instructions=1)
    assert bool(machine.cpu.events) == ("LAHF64" not in MODELS[name].features)
    machine = flat32(f"{code}\nhlt", cpu=name)
    machine.run(max_instructions=1)
    assert not machine.cpu.events


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

@pytest.mark.parametrize("bit", sorted({*range(32)} - {12, 17}))        # LA57 and PCIDE need long mode, on or off
def test_bits_of_cr4_exist_or_are_reserved(model, bit):
    """A reserved one is #GP; where there is no bit at all there is no CR4, and #UD."""
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


@pytest.mark.parametrize("number, feature", MSRS.items())
def test_msrs_stand_behind_their_bits(model, number, feature):
    machine = flat32(f"mov ecx, {number:#x}\nrdmsr\nwrmsr\nhlt", cpu=model.name)
    machine.run(max_instructions=2)
    vectors = [event.vector for event in machine.cpu.events if event.kind == "fault"]
    if "MSR" not in model.features:
        assert vectors[0] == 6
    else:
        assert vectors[:1] == ([] if feature in model.features else [13])


# ---- paging -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", has("LM"))
def test_a_page_of_1_gb_needs_its_feature(name):
    """Without it PS is a reserved bit of a PDPTE."""
    machine = flat64("mov al, [0x40000000]\nhlt", cpu=name)
    machine.memory.write_u64(TABLES + 0x1008, 0x83)         # 1 GB: the first one again
    walk = machine.walk(0x40000000)
    machine.run(max_instructions=1)
    if "1GB" in MODELS[name].features:
        assert not machine.cpu.events and walk.physical == 0
    else:
        assert (machine.cpu.events[0].vector, machine.cpu.events[0].error, walk.error) == (14, 9, 9)


@pytest.mark.parametrize("name", has("LM"))
def test_physical_addresses_end_where_cpuid_says(name):
    bits = MODELS[name].physical_bits
    for address, error in ((1 << bits - 1, None), (1 << bits, 9)):
        machine = flat64("mov al, [0x200000]\nhlt", cpu=name)
        machine.memory.write_u64(TABLES + 0x2008, address | 0x83)
        machine.run(max_instructions=1)
        assert [event.error for event in machine.cpu.events[:1]] == ([] if error is None else [error])


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


def test_the_post_mortem_names_a_processor_that_has_the_instruction(x86, tmp_path):
    image = tmp_path / "bswap.img"
    image.write_bytes(bytes.fromhex("66 0f c8").ljust(510, b"\xF4") + b"\x55\xAA")
    answer = x86("run", image, "--cpu", "386")
    words = " ".join(answer.err.split())
    assert answer.status == 1 and "BSWAP came with 486, which the 386 has not: --cpu 486 would do." in words
