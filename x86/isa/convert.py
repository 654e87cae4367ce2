"""CBW CWDE CDQE CWD CDQ CQO LAHF SAHF: conversions between fixed registers."""
from x86.isa.table import instruction

CBW = instruction("cbw", summary="Sign-extend the lower half of rAX.")
CBW.form("98", size="v", names={16: "cbw", 32: "cwde", 64: "cdqe"})

CWD = instruction("cwd", summary="Fill rDX with the sign of rAX.")
CWD.form("99", size="v", names={16: "cwd", 32: "cdq", 64: "cqo"})

LAHF = instruction("lahf", flags="reads SZAPC", summary="AH = SF ZF 0 AF 0 PF 1 CF.")
LAHF.form("9F", mode="legacy")
LAHF.form("9F", mode="64", cpuid="LAHF64")

SAHF = instruction("sahf", flags="writes SZAPC", summary="SF ZF AF PF CF from AH.")
SAHF.form("9E", mode="legacy")
SAHF.form("9E", mode="64", cpuid="LAHF64")
