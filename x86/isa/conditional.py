"""SETcc CMOVcc: what happens depends on the flags, without a branch."""
from x86.isa.table import instruction

#         0    1     2    3     4    5     6     7    8    9     A    B     C    D     E     F
NAMES = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")
READS = ("O", "O", "C", "C", "Z", "Z", "CZ", "CZ", "S", "S", "P", "P", "SO", "SO", "SZO", "SZO")

for _condition, _name in enumerate(NAMES):
    _row = instruction(f"set{_name}", flags=f"reads {READS[_condition]}",
                       summary=f"1 if the condition {_name} holds, else 0.")
    _row.form(f"0F {0x90 + _condition:02X} /r", "r/m8", handler="setcc", constants=(_condition,))

for _condition, _name in enumerate(NAMES):
    _row = instruction(f"cmov{_name}", flags=f"reads {READS[_condition]}",
                       summary=f"Copy if the condition {_name} holds.")
    _row.form(f"0F {0x40 + _condition:02X} /r", "rv, r/mv", handler="cmovcc", constants=(_condition,), cpuid="CMOV")
