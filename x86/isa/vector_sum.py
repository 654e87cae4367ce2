"""PHADD PHSUB, PSADBW MPSADBW PHMINPOSUW: what comes of several lanes of one vector."""
from x86.isa.vector import packed

SSSE3 = {"space": "0F38", "mmx": "SSSE3", "sse": "SSSE3"}

packed("phaddw", "01", "Add neighbouring words.", "neighbours", ("ADD", 16), **SSSE3)
packed("phaddd", "02", "Add neighbouring doublewords.", "neighbours", ("ADD", 32), **SSSE3)
packed("phaddsw", "03", "Add neighbouring signed words, with saturation.", "neighbours", ("ADD_SATURATED", 16), **SSSE3)
packed("phsubw", "05", "Subtract words from the ones before.", "neighbours", ("SUB", 16), **SSSE3)
packed("phsubd", "06", "Subtract doublewords from the ones before.", "neighbours", ("SUB", 32), **SSSE3)
packed("phsubsw", "07", "Subtract signed words from the ones before, with saturation.", "neighbours", ("SUB_SATURATED", 16),
       **SSSE3)

packed("psadbw", "F6", "Sum of the absolute differences of 8 unsigned bytes.", "psadbw", mmx="SSE")
packed("mpsadbw", "42", "Sums of absolute differences of 4 unsigned bytes, at 8 places.", "mpsadbw", space="0F3A",
       sse="SSE4_1", immediate="imm8u")
packed("phminposuw", "41", "The smallest of 8 unsigned words, and where it is.", "phminposuw", space="0F38", sse="SSE4_1",
       avx256="", sources=1)
