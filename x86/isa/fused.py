"""CMP, TEST, SUB, AND, INC, DEC with the conditional branch behind them: two instructions, one operation.

No rows: these are no instructions, only instantiations. `cmp_jcc_5_rr64` is CMP in the instantiation `cmp_rr64`, then
JNE. Op.imm holds the branch's target; an immediate of the first instruction moves to Op.disp, so it cannot have a
memory operand as well. Conditions that nobody tests behind an instruction are left out.
"""
from x86.isa.table import FUSED, KINDS

SIGN, UNSIGNED, EQUAL, SIGNED = (0x8, 0x9), (0x2, 0x3, 0x6, 0x7), (0x4, 0x5), (0xC, 0xD, 0xE, 0xF)
COMPARED = UNSIGNED + EQUAL + SIGN + SIGNED

#         handler    kinds                       sizes            conditions
PAIRS = (("cmp_jcc", ("rr", "ri", "rm", "mr"), (8, 16, 32, 64), COMPARED),
         ("test_jcc", ("rr", "ri", "mr"), (8, 16, 32, 64), EQUAL + SIGN + (0xE, 0xF)),
         ("sub_jcc", ("rr", "ri"), (16, 32, 64), COMPARED),
         ("and__jcc", ("rr", "ri"), (8, 16, 32, 64), EQUAL),
         ("inc_jcc", ("rr",), (16, 32, 64), EQUAL),
         ("dec_jcc", ("rr",), (8, 16, 32, 64), EQUAL + SIGN))

for _handler, _kinds, _sizes, _conditions in PAIRS:
    for _kind in _kinds:
        for _size in _sizes:
            for _condition in _conditions:
                _name = f"{_handler}_{_condition}_{_kind}{_size}"
                FUSED.append((_name, _handler, KINDS[_kind], _size, (_condition,), "fused"))
