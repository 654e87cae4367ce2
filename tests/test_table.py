"""The table's proof: no two forms overlap, every row has a handler, every handler a row, every row a line in an .ins
file, and what the rows say about immediates, LOCK and flags is what the rest of the world says.

That what is decoded, printed and assembled again is the same, for every form, is in test_disassembler.py."""
import itertools
import random
import re
from pathlib import Path

import encodings_of_forms as encodings
import pytest

from x86 import _decode, isa
from x86.isa import table

ROOT = Path(__file__).resolve().parent.parent
FORMS = table.forms()
MODES = (16, 32, 64)
PREFIX_STATES = frozenset({"NP", "66", "F3", "F2"})
PREFIXES = {None: PREFIX_STATES, "NFx": {"NP", "66"}}
ANY = frozenset({0, 1})
HANDLER = re.compile(r"^cdef inline Op\* (\w+)\(Cpu\* cpu, Op\* op, const int kind, const int size"
                     r"((?:,\s+const int \w+)*)\)", re.MULTILINE)


def name(form):
    return f"{form.family}: {form.mnemonic} {form.encoding!r}"


# ---- overlaps --------------------------------------------------------------------------------------------------------

def conditions(form):
    """The set of encodings that a form takes, as a product: code sizes x prefixes x REX.W x REX.B x ModRM bytes x VEX.L.

    Under VEX prefixes are pp, and REX bits those of VEX."""
    modes = {"": {16, 32, 64}, "64": {64}, "legacy": {16, 32}}[form.mode]
    modes -= {16} if form.vsib else set()               # an address of 16 bits has no SIB
    prefixes = PREFIXES.get(form.prefix, {form.prefix})
    rex_w = ANY if form.rex_w is None else {form.rex_w}
    is_nop = form.map == 0 and form.opcode == 0x90 and not form.plus_r and form.prefix is None
    if is_nop:                                          # 90 with REX.B is XCHG; F3 90 is PAUSE, whatever REX says
        prefixes = prefixes - {"F3"}
    rex_b = frozenset({0}) if is_nop else ANY
    return frozenset(modes), frozenset(prefixes), frozenset(rex_w), rex_b, modrm_bytes(form), \
        frozenset(ANY if form.vex_l is None else {form.vex_l})


def modrm_bytes(form):
    if not form.modrm:
        return frozenset(range(256))
    if form.modrm_byte is not None:
        return frozenset({form.modrm_byte})
    regs = range(8) if form.digit is None else (form.digit,)
    position = form.rm_position
    if any(operand in ("cr", "dr") for operand in form.operands):
        mods = range(4)                                 # MOV to and from control registers ignores mod
    elif position is None:
        mods = (3,)
    else:
        mods = (0, 1, 2) if table.memory_only(form.operands[position]) else range(4)
    return frozenset(mod << 6 | reg << 3 | rm for mod in mods for reg in regs for rm in ((4,) if form.vsib else range(8)))


def by_opcode():
    groups = {}
    for form in FORMS:
        for opcode in range(form.opcode, form.opcode + (8 if form.plus_r else 1)):
            groups.setdefault((form.map, opcode), []).append(form)
    return groups


def inside(one, other):
    return all(a <= b for a, b in zip(one, other))


def test_no_two_forms_overlap():
    """Two forms never take the same bytes, unless one is a special case of the other (an exact ModRM byte)."""
    wrong = []
    for (map_, opcode), group in by_opcode().items():
        for one, other in itertools.combinations(group, 2):
            a, b = conditions(one), conditions(other)
            if all(x & y for x, y in zip(a, b)) and (a == b or not (inside(a, b) or inside(b, a))):
                wrong.append(f"{name(one)} and {name(other)} (map {map_}, opcode {opcode:02X})")
    assert not wrong, "\n".join(wrong)


PREFIX_BYTES = {"NP": b"", "66": b"\x66", "F3": b"\xF3", "F2": b"\xF2"}
MAPS = (b"", b"\x0F", b"\x0F\x38", b"\x0F\x3A")


def before_opcode(map_, bits, prefix, rex, length):
    """Prefixes and map, vvvv = 1111b; None where that cannot be in code of this size."""
    if map_ >= table.VEX_MAP:
        last = rex << 4 & 0x80 | 0x78 | length << 2 | [*PREFIX_BYTES].index(prefix)
        return bytes((0xC4, 0xE0 ^ (rex & 7) << 5 | map_ & 3, last))
    return None if length or rex and bits != 64 else PREFIX_BYTES[prefix] + bytes([rex] if rex else []) + MAPS[map_]


def test_the_decoder_takes_the_most_special_form():
    wrong = []
    for (map_, opcode), group in by_opcode().items():
        sets = {id(form): conditions(form) for form in group}
        exact = {form.modrm_byte for form in group} - {None}
        bytes_ = {*range(0, 256, 8), *exact, *(byte ^ 1 for byte in exact)}
        for bits, prefix, rex, length, modrm in itertools.product(MODES, PREFIX_BYTES, (0, 0x41, 0x48), (0, 1), sorted(bytes_)):
            before = before_opcode(map_, bits, prefix, rex, length)
            if before is None or not any(form.modrm for form in group) and modrm:
                continue
            if bits == 64 and map_ == 0 and opcode & 0xF0 == 0x40:
                continue                                # REX prefixes there
            state = (bits, prefix, rex >> 3 & 1, rex & 1, modrm, length)
            takers = [form for form in group if all(value in set_ for value, set_ in zip(state, sets[id(form)]))]
            expected = min(takers, key=lambda form: sum(map(len, sets[id(form)])), default=None)
            code = before + bytes((opcode, modrm)) + bytes(8)
            found = _decode.decode(code, 0, bits).form
            if found is not expected:
                wrong.append(f"{bits}: {code[:6].hex(' ')}: {found and name(found)}, not {expected and name(expected)}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong[:30])


# ---- rows and handlers -----------------------------------------------------------------------------------------------

def handlers():
    """{family: {handler: how many constants it takes}} of the .pxi files."""
    found = {}
    for path in sorted((ROOT / "x86" / "execute").glob("*.pxi")):
        found[path.stem] = {match[1]: match[2].count("const") for match in HANDLER.finditer(path.read_text())}
    return found


def wanted():
    """{(family, handler, number of constants)} of all rows and fused pairs."""
    rows = {(form.family, form.handler, len(form.constants)) for form in FORMS}
    return rows | {(family, handler, len(constants)) for _, handler, _, _, constants, family in table.FUSED}


def test_every_row_has_a_handler():
    have = handlers()
    missing = [f"x86/execute/{family}.pxi: {handler} with {count} constants"
               for family, handler, count in sorted(wanted()) if have.get(family, {}).get(handler) != count]
    assert not missing, "\n".join(missing)


def test_every_handler_has_a_row():
    have = wanted()
    unused = [f"x86/execute/{family}.pxi: {handler}"
              for family, found in handlers().items() for handler, count in found.items()
              if (family, handler, count) not in have and not called(family, handler)]
    assert not unused, "\n".join(unused)


def called(family, handler):
    """Whether another handler of the same file passes its arguments on to this one."""
    text = (ROOT / "x86" / "execute" / f"{family}.pxi").read_text()
    return len(re.findall(rf"\b{handler}\(cpu, op, ", text)) > 0


def test_no_room_is_forgotten():
    """Every file in the three rooms belongs to a family that is loaded. (test_house.py: each family has all three.)"""
    for place, pattern in (("x86/isa", "*.py"), ("x86/execute", "*.pxi"), ("tests/instructions", "*.ins")):
        found = {path.stem for path in (ROOT / place).glob(pattern)} - {"__init__", "table", "vector"}
        assert found <= set(isa.FAMILIES), place


# ---- rows and .ins lines ---------------------------------------------------------------------------------------------

LINE = re.compile(r'^\s*(?:(16|32|64)\s+)?(?:real\s+)?(?:(16|32|64)\s+)?\[([0-9a-fA-F ]+)\]\s+"([^"]*)"')


def lines(family):
    """[(line number, code size, bytes, text)] of a family's .ins file."""
    path = ROOT / "tests" / "instructions" / f"{family}.ins"
    found = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        match = LINE.match(line)
        if match:
            bits = match[1] or match[2] or ("16" if line.split("[")[0].strip() == "real" else "64")
            found.append((number, int(bits), bytes.fromhex(match[3]), match[4]))
    return found


@pytest.mark.parametrize("family", sorted({row.family for row in table.ROWS}))
def test_every_row_has_a_line(family):
    seen = {id(_decode.decode(code, 0x1000, bits).form) for _, bits, code, _ in lines(family)}
    missing = [row.mnemonic for row in table.ROWS if row.family == family
               and not any(id(form) in seen for form in row.forms)]
    assert not missing, f"tests/instructions/{family}.ins has no line for: {' '.join(missing)}"


# ---- the notation ----------------------------------------------------------------------------------------------------

OPERAND = re.compile(r"r/m(8|16|32|64|v|y|z)|r(8|16|32|64|v|y|z)(/m(8|16|32|64))?"
                     r"|m(8|16|32|64|80|128|256|512|v|y|z|16:v)?|moffs[8v]|imm(8|8u|16|z|v)"
                     r"|rel[8z]|ptr16:v|al|rAX|cl|dx|1|[c-gs]s|sreg|cr|dr"
                     r"|[xy]mm(/m(8|16|32|64|128|256))?|x(/m)?|mx|mm(/m(32|64))?|vm(32|64)[xy]|st\((0|i)\)")
FLAGS = re.compile(r"(reads|writes|undefined) [OSZAPCDIT]+")


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.mnemonic)
def test_rows_are_written_in_the_notation(row):
    assert re.fullmatch(r"[a-z][a-z0-9]*", row.mnemonic) and row.summary.endswith((".", ".)")) and row.forms
    if row.flags:
        parts = row.flags.split(", ")
        assert all(FLAGS.fullmatch(part) for part in parts), row.flags
        letters = {part.split()[0]: part.split()[1] for part in parts}
        assert len(letters) == len(parts) and not set(letters.get("writes", "")) & set(letters.get("undefined", ""))
    for form in row.forms:
        for operand in form.operands:
            assert OPERAND.fullmatch(operand), f"{name(form)}: operand {operand!r}"
        assert form.mode in ("", "64", "legacy") and form.family == row.family
        immediates = sum(operand.startswith(("imm", "rel", "ptr", "moffs")) for operand in form.operands)
        assert immediates == len([word for word in form.immediates if word != "/is4"]), name(form)
        assert form.rm_position is None or form.modrm or form.operands[form.rm_position].startswith("moffs"), name(form)
        assert not form.lock or table.is_memory(form.operands[0]), f"{name(form)}: LOCK needs a memory destination"


def test_forms_are_numbered():
    assert [form.number for form in FORMS] == list(range(len(FORMS)))
    assert [form for row in table.ROWS for form in row.forms] != [] and \
        {id(form) for row in table.ROWS for form in row.forms} == {id(form) for form in FORMS}


@pytest.mark.parametrize("encoding", ["", "XX /r", "01 /x", "01 hello"])
def test_a_bad_row_is_refused(encoding):
    with pytest.raises((table.RowError, ValueError, IndexError)):
        table.Form("bad", encoding, "", "test")


# ---- flags -----------------------------------------------------------------------------------------------------------

# Where one word cannot say it: shifts and rotates define O for a count of 1 only; MOV of CR and DR leaves all undefined
O_FOR_A_COUNT_OF_ONE = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sar", "shld", "shrd"}


def test_flags_against_iced():
    """reads, writes and undefined of every row are those of iced-x86."""
    iced = pytest.importorskip("iced_x86", reason="iced-x86 is not installed")
    bits_of = {letter: getattr(iced.RflagsBits, f"{letter}F") for letter in "OSZAPCDI"}
    choose = random.Random(1)
    wrong = {}
    for row in table.ROWS:
        stated = dict(part.split() for part in row.flags.split(", ")) if row.flags else {}
        ours = [{*stated.get(verb, "")} - {"T"} for verb in ("reads", "writes", "undefined")]
        for form, bits in itertools.product(row.forms, MODES):
            if not encodings.exists_in(form, bits) or {"cr", "dr"} & {*form.operands}:
                continue
            code = encodings.encode(form, bits, choose)
            found = iced.Decoder(bits, code).decode()
            if row.mnemonic in O_FOR_A_COUNT_OF_ONE and not found.rflags_modified:
                continue                                # an immediate count of 0
            if found.code == iced.Code.INVALID or _decode.decode(code, 0, bits).form is not form:
                continue
            written = found.rflags_written | found.rflags_cleared | found.rflags_set
            theirs = [{letter for letter, bit in bits_of.items() if flags & bit}
                      for flags in (found.rflags_read, written, found.rflags_undefined)]
            if row.mnemonic in O_FOR_A_COUNT_OF_ONE:
                theirs = [theirs[0], theirs[1] | {"O"}, theirs[2] - {"O"}]
            if ours != theirs:
                wrong[row.mnemonic] = f"{row.family}: {row.mnemonic} {row.flags!r}, iced: " + ", ".join(
                    f"{verb} {''.join(sorted(letters))}" for verb, letters in
                    zip(("reads", "writes", "undefined"), theirs) if letters)
    assert not wrong, "\n".join(wrong.values())
