"""PMULLW PMULHW PMULHUW PMULLD PMULHRSW PMULUDQ PMULDQ PMADDWD PMADDUBSW: products of the integers in a vector."""
from x86.isa.vector import packed

packed("pmullw", "D5", "Low halves of the products of words.", "multiply_words", ("LOW",), mmx="MMX")
packed("pmulhw", "E5", "High halves of the products of signed words.", "multiply_words", ("HIGH",), mmx="MMX")
packed("pmulhuw", "E4", "High halves of the products of unsigned words.", "multiply_words", ("HIGH_UNSIGNED",), mmx="SSE")
packed("pmulhrsw", "0B", "Products of signed fractions of 15 bits, rounded.", "multiply_words", ("ROUNDED",), space="0F38",
       mmx="SSSE3", sse="SSSE3")
packed("pmulld", "40", "Low halves of the products of doublewords.", "pmulld", space="0F38", sse="SSE4_1")
packed("pmuludq", "F4", "Multiply every other unsigned doubleword to a quadword.", "multiply_even", ("UNSIGNED",), mmx="SSE2")
packed("pmuldq", "28", "Multiply every other signed doubleword to a quadword.", "multiply_even", ("SIGNED",), space="0F38",
       sse="SSE4_1")
packed("pmaddwd", "F5", "Multiply signed words, add neighbours to doublewords.", "pmaddwd", mmx="MMX")
packed("pmaddubsw", "04", "Multiply unsigned by signed bytes, add neighbours to words, with saturation.", "pmaddubsw",
       space="0F38", mmx="SSSE3", sse="SSSE3")
