"""BT BTS BTR BTC BSF BSR POPCNT LZCNT TZCNT BSWAP CRC32: single bits, counting bits, byte order, checksums."""
from x86.isa.table import instruction

BIT = "writes C, undefined OSAP"


def _bit(name, opcode, digit, summary, lock=True):
    """By a register, whose bit offset reaches beyond a memory operand; by an immediate, whose offset does not."""
    row = instruction(name, flags=BIT, summary=summary)
    row.form(f"0F {opcode:02X} /r", "r/mv, rv", lock=lock)
    row.form(f"0F BA /{digit} ib", "r/mv, imm8u", lock=lock)


_bit("bt", 0xA3, 4, "Copy one bit to CF.", lock=False)
_bit("bts", 0xAB, 5, "Copy one bit to CF, then set it.")
_bit("btr", 0xB3, 6, "Copy one bit to CF, then clear it.")
_bit("btc", 0xBB, 7, "Copy one bit to CF, then flip it.")

BSF = instruction("bsf", flags="writes Z, undefined OSAPC", summary="Number of the lowest bit that is set.")
BSF.form("0F BC /r", "rv, r/mv")

BSR = instruction("bsr", flags="writes Z, undefined OSAPC", summary="Number of the highest bit that is set.")
BSR.form("0F BD /r", "rv, r/mv")

POPCNT = instruction("popcnt", flags="writes OSZAPC", summary="How many bits are set.")
POPCNT.form("F3 0F B8 /r", "rv, r/mv", cpuid="POPCNT")

TZCNT = instruction("tzcnt", flags="writes ZC, undefined OSAP", summary="Zeros below the lowest bit that is set.")
TZCNT.form("F3 0F BC /r", "rv, r/mv", cpuid="BMI1")

LZCNT = instruction("lzcnt", flags="writes ZC, undefined OSAP", summary="Zeros above the highest bit that is set.")
LZCNT.form("F3 0F BD /r", "rv, r/mv", cpuid="LZCNT")

BSWAP = instruction("bswap", summary="Reverse the bytes (of a 16-bit register: undefined, here 0).")
BSWAP.form("0F C8+r", "rv", cpuid="486")

# the constant is the size of the source, 0: that of the instruction
CRC32 = instruction("crc32", summary="Go on with a CRC-32C (polynomial 11EDC6F41h) over the source's bytes.")
CRC32.form("F2 0F 38 F0 /r", "ry, r/m8", constants=(8,), cpuid="SSE4_2")
CRC32.form("F2 0F 38 F1 /r", "ry, r/mv", size="v", constants=(0,), cpuid="SSE4_2")
