"""AND OR XOR NOT TEST: bitwise logic."""
from x86.isa.table import instruction

FLAGS = "writes OSZPC, undefined A"         # O and C become 0


def _binary(name, base, digit, summary):
    """The eight classic forms, as in arithmetic.py: opcodes base+0 .. base+5, 80/81/83 /digit."""
    row = instruction(name, flags=FLAGS, summary=summary)
    row.form(f"{base:02X} /r", "r/m8, r8", lock=True)
    row.form(f"{base + 1:02X} /r", "r/mv, rv", lock=True)
    row.form(f"{base + 2:02X} /r", "r8, r/m8")
    row.form(f"{base + 3:02X} /r", "rv, r/mv")
    row.form(f"{base + 4:02X} ib", "al, imm8")
    row.form(f"{base + 5:02X} iz", "rAX, immz")
    row.form(f"80 /{digit} ib", "r/m8, imm8", lock=True)
    row.form(f"81 /{digit} iz", "r/mv, immz", lock=True)
    row.form(f"82 /{digit} ib", "r/m8, imm8", lock=True, mode="legacy", alias=True)
    row.form(f"83 /{digit} ib", "r/mv, imm8", lock=True)


_binary("or", 0x08, 1, "Set the bits that the source has.")
_binary("and", 0x20, 4, "Keep the bits that the source has.")
_binary("xor", 0x30, 6, "Flip the bits that the source has.")

NOT = instruction("not", summary="Flip every bit; no flag changes.")
NOT.form("F6 /2", "r/m8", lock=True)
NOT.form("F7 /2", "r/mv", lock=True)

TEST = instruction("test", flags=FLAGS, summary="AND, keep only the flags.")
TEST.form("84 /r", "r/m8, r8")
TEST.form("85 /r", "r/mv, rv")
TEST.form("A8 ib", "al, imm8")
TEST.form("A9 iz", "rAX, immz")
TEST.form("F6 /0 ib", "r/m8, imm8")
TEST.form("F6 /1 ib", "r/m8, imm8", alias=True)         # undocumented by Intel, in AMD's manual
TEST.form("F7 /0 iz", "r/mv, immz")
TEST.form("F7 /1 iz", "r/mv, immz", alias=True)
