"""CLC STC CMC CLD STD SALC: single flags. CLI and STI are in system.py."""
from x86.isa.table import instruction

CLC = instruction("clc", flags="writes C", summary="CF = 0.")
CLC.form("F8")

STC = instruction("stc", flags="writes C", summary="CF = 1.")
STC.form("F9")

CMC = instruction("cmc", flags="reads C, writes C", summary="Flip CF.")
CMC.form("F5")

CLD = instruction("cld", flags="writes D", summary="DF = 0: string instructions go up.")
CLD.form("FC")

STD = instruction("std", flags="writes D", summary="DF = 1: string instructions go down.")
STD.form("FD")

SALC = instruction("salc", flags="reads C", summary="AL = CF ? FFh : 0 (undocumented until lately).")
SALC.form("D6", mode="legacy")
