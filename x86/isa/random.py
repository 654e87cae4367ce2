"""RDRAND RDSEED: random numbers. A machine's are the same in every run: they follow from the seed of its memory."""
from x86.isa.table import instruction

FLAGS = "writes OSZAPC"                     # C: there was a number; the others become 0

RDRAND = instruction("rdrand", flags=FLAGS, summary="A random number.")
RDRAND.form("NFx 0F C7 /6", "rv", cpuid="RDRAND")

RDSEED = instruction("rdseed", flags=FLAGS, summary="A random number to seed a generator with.")
RDSEED.form("NFx 0F C7 /7", "rv", handler="rdrand", cpuid="RDSEED")
